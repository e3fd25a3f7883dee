// What the segments of one environment (one JavaScript thread) share: open descriptors, mappings, threads.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"
#include "../flush/flusher.h"
#include "../flush/tasks.h"
#include "../port/file.h"
#include "../port/mapping.h"
#include "aheadSpace.h"
#include "writePace.h"

namespace tidelog {

class OpenSegment;

// Something that happened on another thread, for JavaScript.
struct Event {
  uint32_t token;
  // 0 or errno.
  int32_t error;
  // The segment whose file failed, 0 for none.
  uint32_t owner;
};

// Takes events from any thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void push(const Event& event) = 0;
};

// Token of events that nobody waits for.
constexpr uint32_t kNoToken = 0;

class Store {
 public:
  // Several partitions' writes may stall at a time, each in its own file.
  static constexpr size_t kWritersMax = 4;

  explicit Store(EventSink* events);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  EventSink* events() { return events_; }
  DescriptorCache* descriptors() { return &descriptors_; }
  // Short file work that must not hold up the JavaScript thread, in order: unlink, unmap, trim, close.
  TaskQueue* housekeeping() { return &housekeeping_; }
  // Long reads: scans, rebuilds, loads, truncates.
  TaskQueue* work() { return &work_; }
  // Appends that the JavaScript thread must not wait for.
  TaskQueue* writers() { return &writers_; }
  WritePace* pace() { return &pace_; }
  // Zeros and blocks ahead of appends.
  TaskQueue* ahead() { return &ahead_; }
  ZeroAhead zeroAhead() const { return zeroAhead_; }
  void setZeroAhead(ZeroAhead mode) { zeroAhead_ = mode; }
  // Memory for the bytes of such an append, and back.
  std::vector<uint8_t> takeStaging();
  void giveStaging(std::vector<uint8_t>&& staging);
  Flusher* flusher(const std::string& group);

  // Unmaps off this thread once nobody reads it any more.
  void release(MappingRef&& mapping);
  // A segment mapped its file or used its mapping: the least recently used ones lose theirs.
  void mapped(OpenSegment* segment);
  void unmapped(OpenSegment* segment);

  // Finishes what is queued and ends all threads; they start again when needed.
  void stop();

  // Files being synced because the descriptor cache gave them up.
  std::atomic<size_t> evictedSyncs{0};

  // Bytes appended whose sync nobody asked for yet.
  int64_t unsyncedBytes = 0;

  // Scratch of an append.
  std::vector<CheckedBatch> batches;
  std::vector<struct iovec> pieces;

 private:
  EventSink* const events_;
  TaskQueue housekeeping_{1};
  TaskQueue work_{2};
  TaskQueue writers_{kWritersMax};
  TaskQueue ahead_{2};
  ZeroAhead zeroAhead_ = ZeroAhead::kWhenSynced;
  WritePace pace_;
  std::vector<std::vector<uint8_t>> stagings_;
  std::map<std::string, std::unique_ptr<Flusher>> flushers_;
  DescriptorCache descriptors_;
  std::list<OpenSegment*> mappedSegments_;
  // A segment has up to three: its log and two index files.
  size_t mappingsMax_;
};

}  // namespace tidelog
