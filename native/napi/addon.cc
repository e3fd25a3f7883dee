#include "addon.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "../core/crc32c.h"
#include "values.h"

namespace tidelog {

namespace {

// A failed file takes its segment along before JavaScript hears of it.
void onEvent(void* context, const Event& event) {
  Addon* addon = static_cast<Addon*>(context);
  addon->unpin(event.token);
  if (event.owner == 0) return;
  if (auto* segment = addon->segments.find(event.owner)) (*segment)->markFailed();
}

// setup(numbers: Float64Array, events: Float64Array, onEvents: (count) => void): ArrayBuffer | undefined
// The result is the count of pages that could not be read, kept up to date.
napi_value setup(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const Bytes numbers = arguments.bytes(0);
  const Bytes events = arguments.bytes(1);
  if (!arguments.valid()) return nullptr;
  const size_t capacity = events.length / (kEventFields * sizeof(double));
  if (numbers.length < kNumberFields * sizeof(double) || capacity == 0 || addon->numbers != nullptr) {
    napi_throw_error(env, nullptr, "the native core is set up once, with large enough arrays");
    return nullptr;
  }
  napi_create_reference(env, arguments.raw(0), 1, &addon->numbersRef);
  napi_create_reference(env, arguments.raw(1), 1, &addon->eventsRef);
  addon->numbers = reinterpret_cast<double*>(numbers.data);
  if (!addon->events.start(env, arguments.raw(2), reinterpret_cast<double*>(events.data), capacity)) {
    napi_throw_error(env, nullptr, "the native core cannot call back");
    return nullptr;
  }
  // Threads must end before the arrays that they write to are gone, and before the means to call back is: hooks run last in, first out.
  napi_add_env_cleanup_hook(env, [](void* data) { static_cast<Addon*>(data)->stop(); }, addon);
  napi_value faults = nullptr;
  if (napi_create_external_arraybuffer(env, mappingFaults(), sizeof(uint32_t), nullptr, nullptr, &faults) != napi_ok) return nullptr;
  return faults;
}

napi_value describe(napi_env env, napi_callback_info) {
#if defined(__x86_64__)
  const std::string machine = "x86-64";
#elif defined(__aarch64__)
  const std::string machine = "arm64";
#else
  const std::string machine = "other";
#endif
  return toValue(env, machine + ", crc32c " + crc32cName());
}

// lock(path): a handle, or a negative errno (EAGAIN: held by someone else)
napi_value lock(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const std::string path = arguments.text(0);
  if (!arguments.valid()) return nullptr;
  const int fd = openFile(path.c_str(), true, true);
  if (fd < 0) return toValue(env, static_cast<int32_t>(fd));
  auto descriptor = std::make_shared<Descriptor>(fd);
  if (const int error = lockWholeFile(fd); error != 0) return toValue(env, static_cast<int32_t>(-error));
  return toValue(env, static_cast<int32_t>(static_cast<Addon*>(arguments.context())->locks.add(std::move(descriptor))));
}

napi_value unlock(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const uint32_t handle = arguments.uint32(0);
  if (arguments.valid()) static_cast<Addon*>(arguments.context())->locks.remove(handle);
  return nullptr;
}

napi_value stop(napi_env env, napi_callback_info info) {
  Arguments<0> arguments(env, info);
  if (arguments.valid()) static_cast<Addon*>(arguments.context())->store.stop();
  return nullptr;
}

// giveMemoryBack(): for the whole process. By default glibc learns to keep blocks of up to 32 MiB in arenas that hardly ever shrink, so that one inflated
// batch makes the process large for ever.
napi_value giveMemoryBack(napi_env, napi_callback_info) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
  return nullptr;
}

const std::vector<Export> kAddonExports = {
    {"setup", setup}, {"describe", describe}, {"lock", lock}, {"unlock", unlock}, {"stop", stop}, {"giveMemoryBack", giveMemoryBack},
};

bool addExports(napi_env env, napi_value exports, const std::vector<Export>& list, Addon* addon) {
  for (const Export& entry : list) {
    napi_value function;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.callback, addon, &function) != napi_ok) return false;
    if (napi_set_named_property(env, exports, entry.name, function) != napi_ok) return false;
  }
  return true;
}

}  // namespace

Addon::Addon(napi_env environment) : env(environment), events(onEvent, this), store(&events) {}

Addon::~Addon() { stop(); }

void Addon::stop() {
  store.stop();
  events.stop();
}

void Addon::pin(uint32_t token, napi_value value) {
  napi_ref reference = nullptr;
  if (napi_create_reference(env, value, 1, &reference) == napi_ok) pinned_[token] = reference;
}

void Addon::unpin(uint32_t token) {
  const auto found = pinned_.find(token);
  if (found == pinned_.end()) return;
  napi_delete_reference(env, found->second);
  pinned_.erase(found);
}

OpenSegment* Addon::segment(uint32_t handle) {
  if (auto* found = segments.find(handle)) return found->get();
  napi_throw_error(env, nullptr, "the segment is closed");
  return nullptr;
}

void Addon::report(OpenSegment* segment) {
  const SegmentState& state = segment->state();
  numbers[kSegmentSizeBytes] = static_cast<double>(state.sizeBytes);
  numbers[kSegmentNextOffset] = static_cast<double>(state.figures.nextOffset);
  numbers[kSegmentMaxTimestampMs] = static_cast<double>(state.figures.maxTimestampMs);
  numbers[kSegmentOffsetOfMaxTimestamp] = static_cast<double>(state.figures.offsetOfMaxTimestamp);
  numbers[kSegmentFirstBatchTimestampMs] = static_cast<double>(state.figures.firstBatchTimestampMs);
  numbers[kSegmentIndexFull] = segment->indexFull() ? 1 : 0;
}

}  // namespace tidelog

NAPI_MODULE_INIT() {
  using namespace tidelog;
  Addon* addon = new Addon(env);
  napi_set_instance_data(env, addon, [](napi_env, void* data, void*) { delete static_cast<Addon*>(data); }, nullptr);
  for (const auto* list : {&kAddonExports, &kComputeExports, &kSegmentExports, &kWindowExports, &kFolderExports}) {
    if (!addExports(env, exports, *list, addon)) return nullptr;
  }
  return exports;
}
