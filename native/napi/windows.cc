// What JavaScript sees of a mapping: ArrayBuffers that are detached before their memory goes.
#include "addon.h"
#include "values.h"

namespace tidelog {

namespace {

// Lives as long as the ArrayBuffer's memory is known to the engine.
struct Hint {
  std::shared_ptr<Windows> windows;
  uint32_t handle;
};

// From Node 24 on the engine ends the process when its count falls below zero; it takes a window that is collected, or left when its thread ends, off the count before
// it tells anybody.
bool mayFallBelowZero(napi_env env) {
  const napi_node_version* version = nullptr;
  return napi_get_node_version(env, &version) == napi_ok && version->major < 23;
}

// The engine counts the length of every ArrayBuffer, and collects all of its garbage, the event loop standing still, whenever some tens of megabytes were added. A
// window is page cache: collecting frees nothing of it, and a reader of a large log opens a hundred of them a second.
void doNotCount(napi_env env, Window* window) {
  if (!mayFallBelowZero(env)) return;
  int64_t counted = 0;
  const int64_t bytes = static_cast<int64_t>(window->length);
  if (napi_adjust_external_memory(env, -bytes, &counted) == napi_ok) window->uncounted = bytes;
}

// Before the engine itself takes the window off its count, which must not fall below zero.
void countAgain(napi_env env, Window* window) {
  int64_t counted = 0;
  if (window->uncounted > 0) napi_adjust_external_memory(env, window->uncounted, &counted);
  window->uncounted = 0;
}

void onCollected(napi_env env, void*, void* data) {
  Hint* hint = static_cast<Hint*>(data);
  if (auto* window = hint->windows->find(hint->handle)) countAgain(env, window->get());
  hint->windows->remove(hint->handle);
  delete hint;
}

// windowOpen(segment, start, length): ArrayBuffer, or undefined where the engine allows no external memory or the file no mapping.
// The window's number is in numbers[window].
napi_value windowOpen(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t handle = arguments.uint32(0);
  const int64_t start = arguments.int64(1);
  int64_t length = arguments.int64(2);
  if (!arguments.valid()) return nullptr;
  OpenSegment* segment = addon->segment(handle);
  if (segment == nullptr) return nullptr;
  int error = 0;
  const MappingRef mapping = segment->mapping(&error);
  if (!mapping || start < 0 || start >= static_cast<int64_t>(mapping->length())) return nullptr;
  if (length > static_cast<int64_t>(mapping->length()) - start) length = static_cast<int64_t>(mapping->length()) - start;
  const auto window = std::make_shared<Window>(Window{mapping, static_cast<size_t>(start), static_cast<size_t>(length)});
  Hint* hint = new Hint{addon->windows, addon->windows->add(window)};
  napi_value buffer = nullptr;
  uint8_t* data = const_cast<uint8_t*>(mapping->bytes()) + start;
  const napi_status status = addon->externalMemory
                                 ? napi_create_external_arraybuffer(env, data, static_cast<size_t>(length), onCollected, hint, &buffer)
                                 : napi_no_external_buffers_allowed;
  if (status != napi_ok) {
    onCollected(env, nullptr, hint);
    return nullptr;
  }
  doNotCount(env, window.get());
  addon->numbers[kWindow] = hint->handle;
  return buffer;
}

// windowClose(window, arrayBuffer): the buffer is empty afterwards, and the memory may go.
napi_value windowClose(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t handle = arguments.uint32(0);
  if (!arguments.valid()) return nullptr;
  auto* found = addon->windows->find(handle);
  if (found == nullptr) return nullptr;
  const std::shared_ptr<Window> window = *found;
  addon->windows->remove(handle);
  countAgain(env, window.get());
  napi_detach_arraybuffer(env, arguments.raw(1));
  // Off this thread: for the last reader of a mapping this unmaps, which can mean deleting a large file.
  addon->store.housekeeping()->post([window = std::move(*window)]() mutable {
    window.mapping->forgetPages(window.start, window.length);
    window.mapping.reset();
  });
  return nullptr;
}

// setExternalMemory(allowed): whether this engine may see memory that is not its own. Forbidden, it is as in an engine with a sandboxed heap.
napi_value setExternalMemory(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const bool allowed = arguments.boolean(0);
  if (arguments.valid()) static_cast<Addon*>(arguments.context())->externalMemory = allowed;
  return nullptr;
}

// windowIntact(window): boolean
napi_value windowIntact(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t handle = arguments.uint32(0);
  if (!arguments.valid()) return nullptr;
  auto* found = addon->windows->find(handle);
  return toValue(env, found != nullptr && !(*found)->mapping->failed());
}

}  // namespace

const std::vector<Export> kWindowExports = {{"windowOpen", windowOpen}, {"windowClose", windowClose}, {"windowIntact", windowIntact}, {"setExternalMemory", setExternalMemory}};

}  // namespace tidelog
