// What one JavaScript environment (main thread or worker) has open. Deleted with the environment.
#pragma once

#include <node_api.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "../segment/abi.h"
#include "../segment/openSegment.h"
#include "events.h"

namespace tidelog {

// Numbers for JavaScript that stand for native objects: a slot, and how often the slot was reused, so that a stale number
// finds nothing. Never an address.
template <typename Object>
class Handles {
 public:
  uint32_t add(Object object) {
    uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(entries_.size());
      if (slot > kSlotMask) return 0;
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Entry& entry = entries_[slot];
    entry.generation = entry.generation % kGenerations + 1;
    entry.object = std::move(object);
    return entry.generation << kSlotBits | slot;
  }
  // Gives a handle that was added empty its object; an empty one gives the handle back.
  void place(uint32_t handle, Object object) {
    const uint32_t slot = handle & kSlotMask;
    if (object) {
      entries_[slot].object = std::move(object);
    } else {
      free_.push_back(slot);
    }
  }
  // Null for a number that stands for nothing.
  Object* find(uint32_t handle) {
    const uint32_t slot = handle & kSlotMask;
    if (slot >= entries_.size() || entries_[slot].generation != handle >> kSlotBits || !entries_[slot].object) return nullptr;
    return &entries_[slot].object;
  }
  void remove(uint32_t handle) {
    if (Object* object = find(handle)) {
      *object = Object();
      free_.push_back(handle & kSlotMask);
    }
  }
  template <typename Visit>
  void forEach(Visit visit) {
    for (Entry& entry : entries_) {
      if (entry.object) visit(entry.object);
    }
  }

 private:
  static constexpr uint32_t kSlotBits = 22;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static constexpr uint32_t kGenerations = 511;
  struct Entry {
    uint32_t generation = 0;
    Object object{};
  };
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
};

// A piece of a mapping that JavaScript sees as an ArrayBuffer.
struct Window {
  MappingRef mapping;
  size_t start;
  size_t length;
  // Bytes that the engine was told not to count as memory of its own.
  int64_t uncounted = 0;
};
// Shared with the finalizers of the ArrayBuffers, which may outlive the addon.
using Windows = Handles<std::shared_ptr<Window>>;

class Addon {
 public:
  explicit Addon(napi_env env);
  ~Addon();

  // Null, with an Error pending, when the number stands for nothing.
  OpenSegment* segment(uint32_t handle);
  // Writes the segment's figures into the shared array.
  void report(OpenSegment* segment);
  // Keeps a value alive until the event of this token was delivered: another thread writes into it.
  void pin(uint32_t token, napi_value value);
  void unpin(uint32_t token);
  // Threads end; what is open is closed.
  void stop();

  napi_env env;
  double* numbers = nullptr;
  napi_ref numbersRef = nullptr;
  napi_ref eventsRef = nullptr;
  EventQueue events;
  Store store;
  Handles<std::unique_ptr<OpenSegment>> segments;
  std::shared_ptr<Windows> windows = std::make_shared<Windows>();
  Handles<DescriptorRef> locks;
  // Whether the engine takes ArrayBuffers over memory that is not its own.
  bool externalMemory = true;
  // Folders being read, by the token of their event.
  std::unordered_map<uint32_t, std::shared_ptr<std::string>> folders;

 private:
  std::unordered_map<uint32_t, napi_ref> pinned_;
};

// Each file of this folder adds its functions to the exports.
struct Export {
  const char* name;
  napi_callback callback;
};
extern const std::vector<Export> kComputeExports;
extern const std::vector<Export> kSegmentExports;
extern const std::vector<Export> kWindowExports;
extern const std::vector<Export> kFolderExports;

}  // namespace tidelog
