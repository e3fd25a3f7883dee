// Segments for JavaScript: numbers in, numbers out.
#include <errno.h>

#include "addon.h"
#include "values.h"

namespace tidelog {

namespace {

// With more than this unsynced that nobody asks for, syncing the whole file system would make those who ask wait for the others.
constexpr int64_t kUnwishedMaxBytes = 64 * 1024 * 1024;

SegmentSettings settingsOf(const double* numbers) {
  return {toInt64(numbers[kOptionBaseOffset]),        toInt64(numbers[kOptionIndexIntervalBytes]), toInt64(numbers[kOptionIndexSizeMaxBytes]),
          toInt64(numbers[kOptionSegmentSizeMaxBytes]), toInt64(numbers[kOptionPreallocateBytes]),   numbers[kOptionReadOnly] != 0};
}

AppendPlan planOf(const double* numbers) {
  const int flags = static_cast<int>(numbers[kPlanFlags]);
  AppendPlan plan;
  plan.baseOffset = toInt64(numbers[kPlanBaseOffset]);
  plan.leaderEpoch = static_cast<int32_t>(toInt64(numbers[kPlanLeaderEpoch]));
  plan.keepOffsets = (flags & kKeepOffsets) != 0;
  plan.checkCrc = (flags & kCheckCrc) != 0;
  plan.checkRecords = (flags & kCheckRecords) != 0;
  plan.requireKeys = (flags & kRequireKeys) != 0;
  plan.logAppendTimeMs = toInt64(numbers[kPlanLogAppendTimeMs]);
  plan.timestampMin = toInt64(numbers[kPlanTimestampMin]);
  plan.timestampMax = toInt64(numbers[kPlanTimestampMax]);
  plan.batchSizeMaxBytes = toInt64(numbers[kPlanBatchSizeMaxBytes]);
  return plan;
}

// One call on one segment. `segment` is null, with an exception pending, when the arguments are wrong.
template <size_t kCount>
struct Call {
  Call(napi_env env, napi_callback_info info) : env(env), arguments(env, info), addon(static_cast<Addon*>(arguments.context())) {
    const uint32_t handle = arguments.uint32(0);
    if (arguments.valid()) segment = addon->segment(handle);
  }
  // The other arguments were read: were they right?
  bool valid() { return segment != nullptr && arguments.valid(); }

  napi_env env;
  Arguments<kCount> arguments;
  Addon* addon;
  OpenSegment* segment = nullptr;
};

// segmentOpen(log, index, timeIndex, group): a handle, or a negative errno. Options are in the shared array.
napi_value segmentOpen(napi_env env, napi_callback_info info) {
  Arguments<4> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  SegmentPaths paths{arguments.text(0), arguments.text(1), arguments.text(2)};
  std::string group = arguments.text(3);
  if (!arguments.valid()) return nullptr;
  const uint32_t handle = addon->segments.add(nullptr);
  if (handle == 0) return toValue(env, static_cast<int32_t>(-ENFILE));
  auto segment = std::make_unique<OpenSegment>(&addon->store, handle, std::move(group), std::move(paths), settingsOf(addon->numbers));
  const int error = segment->open();
  addon->numbers[kSegmentSizeBytes] = static_cast<double>(segment->state().sizeBytes);
  addon->segments.place(handle, error == 0 ? std::move(segment) : nullptr);
  return toValue(env, error == 0 ? static_cast<int32_t>(handle) : -error);
}

// segmentAppend(segment, bytes): status. Plan and result are in the shared array.
napi_value segmentAppend(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const Bytes bytes = call.arguments.bytes(1);
  if (!call.valid()) return nullptr;
  double* numbers = call.addon->numbers;
  AppendOutcome outcome{0, 0, -1, -1, -1};
  int64_t position = 0;
  int error = 0;
  const Status status = call.segment->append(bytes.data, bytes.length, planOf(numbers), &outcome, &position, &error);
  numbers[kResultBadRecordIndex] = static_cast<double>(outcome.badRecordIndex);
  numbers[kResultErrno] = error;
  if (status == kOk || status == kPending) {
    numbers[kResultPosition] = static_cast<double>(position);
    numbers[kResultNextOffset] = static_cast<double>(outcome.nextOffset);
    numbers[kResultBatches] = static_cast<double>(call.addon->store.batches.size());
    numbers[kResultRecords] = static_cast<double>(outcome.records);
    numbers[kResultMaxTimestampMs] = static_cast<double>(outcome.maxTimestampMs);
    numbers[kResultOffsetOfMaxTimestamp] = static_cast<double>(outcome.offsetOfMaxTimestamp);
    call.addon->report(call.segment);
  }
  return toValue(env, static_cast<int32_t>(status));
}

// segmentWrite(segment, token): begins the write of an append that is pending
napi_value segmentWrite(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const uint32_t token = call.arguments.uint32(1);
  if (!call.valid()) return nullptr;
  call.addon->events.began();
  call.segment->startWrite(token);
  return nullptr;
}

// segmentWritten(segment, errno): status, after the event of segmentWrite. Figures are in the shared array.
napi_value segmentWritten(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const uint32_t error = call.arguments.uint32(1);
  if (!call.valid()) return nullptr;
  const Status status = call.segment->finishWrite(static_cast<int>(error));
  call.addon->report(call.segment);
  return toValue(env, static_cast<int32_t>(status));
}

// setHandOff(mode): when appends are written on other threads (HandOff)
napi_value setHandOff(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t mode = arguments.uint32(0);
  if (!arguments.valid()) return nullptr;
  addon->store.pace()->setMode(mode > 2 ? HandOff::kWhenSlow : static_cast<HandOff>(mode));
  return toValue(env, true);
}

// setZeroAhead(mode): when zeros are kept ahead of appends (ZeroAhead)
napi_value setZeroAhead(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t mode = arguments.uint32(0);
  if (!arguments.valid()) return nullptr;
  addon->store.setZeroAhead(mode > 2 ? ZeroAhead::kWhenSynced : static_cast<ZeroAhead>(mode));
  return toValue(env, true);
}

// segmentLearn(segment): whether it is whole. Figures are in the shared array.
napi_value segmentLearn(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  if (call.segment == nullptr) return nullptr;
  call.segment->learnTail();
  call.addon->report(call.segment);
  return toValue(env, !call.segment->failed());
}

napi_value reportFound(napi_env env, Addon* addon, bool hit, const BatchPosition& found) {
  if (hit) {
    addon->numbers[kFoundPosition] = static_cast<double>(found.position);
    addon->numbers[kFoundSizeBytes] = static_cast<double>(found.sizeBytes);
    addon->numbers[kFoundBaseOffset] = static_cast<double>(found.baseOffset);
    addon->numbers[kFoundLastOffset] = static_cast<double>(found.lastOffset);
    addon->numbers[kFoundMaxTimestampMs] = static_cast<double>(found.maxTimestampMs);
  }
  return toValue(env, hit);
}

// segmentLocateOffset(segment, offset): boolean
napi_value segmentLocateOffset(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t offset = call.arguments.int64(1);
  if (!call.valid()) return nullptr;
  BatchPosition found{};
  const bool hit = call.segment->locateOffset(offset, &found);
  return reportFound(env, call.addon, hit, found);
}

// segmentLocateTimestamp(segment, timestampMs, fromOffset): boolean
napi_value segmentLocateTimestamp(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t timestampMs = call.arguments.int64(1);
  const int64_t fromOffset = call.arguments.int64(2);
  if (!call.valid()) return nullptr;
  BatchPosition found{};
  const bool hit = call.segment->locateTimestamp(timestampMs, fromOffset, &found);
  return reportFound(env, call.addon, hit, found);
}

// segmentLocateRecord(segment, timestampMs, fromOffset): Located
napi_value segmentLocateRecord(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t timestampMs = call.arguments.int64(1);
  const int64_t fromOffset = call.arguments.int64(2);
  if (!call.valid()) return nullptr;
  BatchPosition found{};
  RecordFound record{};
  const Located located = call.segment->locateRecord(timestampMs, fromOffset, &found, &record);
  reportFound(env, call.addon, located != kLocatedNothing, found);
  call.addon->numbers[kFoundRecordOffset] = static_cast<double>(record.offset);
  call.addon->numbers[kFoundRecordTimestampMs] = static_cast<double>(record.timestampMs);
  return toValue(env, static_cast<int32_t>(located));
}

// segmentRead(segment, position, target): bytes copied, or a negative errno
napi_value segmentRead(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t position = call.arguments.int64(1);
  const Bytes target = call.arguments.bytes(2);
  if (!call.valid()) return nullptr;
  const int64_t size = call.segment->state().sizeBytes;
  if (position < 0 || position > size || static_cast<int64_t>(target.length) > size - position) return toValue(env, static_cast<int32_t>(-EINVAL));
  return toValue(env, static_cast<double>(call.segment->read(position, target.data, target.length)));
}

// segmentIsResident(segment, position, length): boolean
napi_value segmentIsResident(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t position = call.arguments.int64(1);
  const int64_t length = call.arguments.int64(2);
  if (!call.valid()) return nullptr;
  const int64_t size = call.segment->state().sizeBytes;
  const bool within = position >= 0 && length >= 0 && position <= size && length <= size - position;
  return toValue(env, within && call.segment->isResident(position, length));
}

// segmentLoad(segment, position, length, token)
napi_value segmentLoad(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t position = call.arguments.int64(1);
  const int64_t length = call.arguments.int64(2);
  const uint32_t token = call.arguments.uint32(3);
  if (!call.valid()) return nullptr;
  call.addon->events.began();
  call.segment->load(position, length, token);
  return nullptr;
}

napi_value segmentSeal(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  if (call.segment != nullptr) call.segment->seal();
  return nullptr;
}

// segmentTruncate(segment, sizeBytes, token): 0 (the event follows) or errno
napi_value segmentTruncate(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t sizeBytes = call.arguments.int64(1);
  const uint32_t token = call.arguments.uint32(2);
  if (!call.valid()) return nullptr;
  if (sizeBytes < 0 || sizeBytes > call.segment->state().sizeBytes) return toValue(env, static_cast<int32_t>(EINVAL));
  const int error = call.segment->truncate(sizeBytes, token);
  if (error == 0) call.addon->events.began();
  call.addon->report(call.segment);
  return toValue(env, static_cast<int32_t>(error));
}

// segmentRebuild(segment, token), then segmentAdopt(segment) after its event
napi_value segmentRebuild(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const uint32_t token = call.arguments.uint32(1);
  if (!call.valid()) return nullptr;
  call.addon->events.began();
  call.segment->rebuildIndexes(token);
  return nullptr;
}

napi_value segmentAdopt(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  if (call.segment == nullptr) return nullptr;
  call.segment->adoptRebuilt();
  call.addon->report(call.segment);
  return nullptr;
}

// segmentNextOffsetAt(segment, position): number
napi_value segmentNextOffsetAt(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t position = call.arguments.int64(1);
  if (!call.valid()) return nullptr;
  return toValue(env, static_cast<double>(call.segment->nextOffsetAt(position)));
}

// segmentScan(segment, position, nextOffset, rows, token). `rows` is filled when the event comes; its last fields are the summary.
napi_value segmentScan(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const int64_t position = call.arguments.int64(1);
  const int64_t nextOffset = call.arguments.int64(2);
  const Bytes rows = call.arguments.bytes(3);
  const uint32_t token = call.arguments.uint32(4);
  if (!call.valid()) return nullptr;
  double* out = reinterpret_cast<double*>(rows.data);
  const int64_t fields = static_cast<int64_t>(rows.length / sizeof(double)) - kSummaryFields;
  if (fields < kScanFields || position < 0) {
    napi_throw_range_error(env, nullptr, "a scan needs room for a row");
    return nullptr;
  }
  const int64_t rowsMax = fields / kScanFields;
  call.addon->events.began();
  call.addon->pin(token, call.arguments.raw(3));
  call.segment->scan(position, nextOffset, out, rowsMax, out + rowsMax * kScanFields, token);
  return nullptr;
}

// segmentIndexesLookSane(segment): boolean
napi_value segmentIndexesLookSane(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  return call.segment == nullptr ? nullptr : toValue(env, call.segment->indexesLookSane());
}

napi_value segmentFailed(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  return call.segment == nullptr ? nullptr : toValue(env, call.segment->failed());
}

napi_value segmentMarkFailed(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  if (call.segment != nullptr) call.segment->markFailed();
  return nullptr;
}

// segmentMove(segment, log, index, timeIndex): the files are there now.
napi_value segmentMove(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  if (call.segment == nullptr) return nullptr;
  SegmentPaths paths{call.arguments.text(1), call.arguments.text(2), call.arguments.text(3)};
  if (call.valid()) call.segment->moveTo(std::move(paths));
  return nullptr;
}

// segmentClose(segment, remove, token): the handle is void at once.
napi_value segmentClose(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  if (call.segment == nullptr) return nullptr;
  const bool remove = call.arguments.boolean(1);
  const uint32_t token = call.arguments.uint32(2);
  const uint32_t handle = call.arguments.uint32(0);
  if (!call.valid()) return nullptr;
  call.addon->events.began();
  if (remove) {
    call.segment->remove(token);
  } else {
    call.segment->close(token);
  }
  call.addon->segments.remove(handle);
  return nullptr;
}

// sync(segments: Int32Array, count, token): the event says when all are durable. They are of one group (log directory).
napi_value sync(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const Bytes handles = arguments.bytes(0);
  const size_t count = arguments.uint32(1);
  const uint32_t token = arguments.uint32(2);
  if (!arguments.valid() || count > handles.length / sizeof(uint32_t)) return nullptr;
  const uint32_t* list = reinterpret_cast<const uint32_t*>(handles.data);
  std::vector<Flusher::Wish> wishes;
  Flusher* flusher = nullptr;
  addon->events.began();
  for (size_t index = 0; index < count; index++) {
    auto* found = addon->segments.find(list[index]);
    if (found == nullptr) continue;
    OpenSegment* segment = found->get();
    Flusher* own = addon->store.flusher(segment->group());
    if (flusher == nullptr) flusher = own;
    if (const int error = own == flusher ? segment->flushWishes(&wishes) : EINVAL; error != 0) {
      addon->events.push({token, error, list[index]});
      return nullptr;
    }
  }
  if (flusher == nullptr) {
    addon->events.push({token, 0, 0});
  } else {
    flusher->request(token, std::move(wishes), addon->store.unsyncedBytes < kUnwishedMaxBytes);
  }
  return nullptr;
}

}  // namespace

const std::vector<Export> kSegmentExports = {
    {"segmentOpen", segmentOpen},
    {"segmentAppend", segmentAppend},
    {"segmentWrite", segmentWrite},
    {"segmentWritten", segmentWritten},
    {"setHandOff", setHandOff},
    {"setZeroAhead", setZeroAhead},
    {"segmentLearn", segmentLearn},
    {"segmentLocateOffset", segmentLocateOffset},
    {"segmentLocateTimestamp", segmentLocateTimestamp},
    {"segmentLocateRecord", segmentLocateRecord},
    {"segmentRead", segmentRead},
    {"segmentIsResident", segmentIsResident},
    {"segmentLoad", segmentLoad},
    {"segmentSeal", segmentSeal},
    {"segmentTruncate", segmentTruncate},
    {"segmentRebuild", segmentRebuild},
    {"segmentAdopt", segmentAdopt},
    {"segmentNextOffsetAt", segmentNextOffsetAt},
    {"segmentScan", segmentScan},
    {"segmentIndexesLookSane", segmentIndexesLookSane},
    {"segmentFailed", segmentFailed},
    {"segmentMarkFailed", segmentMarkFailed},
    {"segmentMove", segmentMove},
    {"segmentClose", segmentClose},
    {"sync", sync},
};

}  // namespace tidelog
