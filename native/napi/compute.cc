// The checks of record bytes, for whoever has bytes but no segment.
#include "../core/build.h"
#include "../core/crc32c.h"
#include "../core/place.h"
#include "../core/records.h"
#include "addon.h"
#include "values.h"

namespace tidelog {

namespace {

// crc32c(bytes, previous): number
napi_value crc32cOf(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  const Bytes bytes = arguments.bytes(0);
  const uint32_t previous = static_cast<uint32_t>(arguments.int64(1));
  if (!arguments.valid()) return nullptr;
  return toValue(env, static_cast<double>(crc32c(previous, bytes.data, bytes.length)));
}

// checkRecords(bytes, count, requireKeys, timestampBase, timestampMin, timestampMax): status
// Results: maxTimestampMs, offsetOfMaxTimestamp (the delta) and badRecordIndex in their places of an AppendResult.
napi_value checkRecordsOf(napi_env env, napi_callback_info info) {
  Arguments<6> arguments(env, info);
  const Bytes bytes = arguments.bytes(0);
  const int32_t count = arguments.int32(1);
  const RecordPlan plan{arguments.boolean(2), arguments.int64(3), arguments.int64(4), arguments.int64(5)};
  if (!arguments.valid()) return nullptr;
  double* numbers = static_cast<Addon*>(arguments.context())->numbers;
  RecordResult result;
  const Status status = checkRecords(bytes.data, bytes.length, count, plan, &result);
  numbers[kResultMaxTimestampMs] = static_cast<double>(result.maxTimestampMs);
  numbers[kResultOffsetOfMaxTimestamp] = result.offsetDeltaOfMaxTimestamp;
  numbers[kResultBadRecordIndex] = result.badRecordIndex;
  return toValue(env, static_cast<int32_t>(status));
}

// buildRecords(target, content, fields, timestampsMs, count, baseTimestampMs): bytes written, -1 when they do not fit (native/core/build.h)
napi_value buildRecordsOf(napi_env env, napi_callback_info info) {
  Arguments<6> arguments(env, info);
  const Bytes target = arguments.bytes(0);
  const Bytes content = arguments.bytes(1);
  const Bytes fields = arguments.bytes(2);
  const Bytes timestamps = arguments.bytes(3);
  const int32_t count = arguments.int32(4);
  const int64_t baseTimestampMs = arguments.int64(5);
  if (!arguments.valid()) return nullptr;
  const bool fits = count >= 0 && fields.length / (kPackedFields * sizeof(int32_t)) >= static_cast<size_t>(count) &&
                    timestamps.length / sizeof(double) >= static_cast<size_t>(count);
  if (!fits) return toValue(env, -1);
  const PackedRecords records{content.data, content.length, reinterpret_cast<const int32_t*>(fields.data), reinterpret_cast<const double*>(timestamps.data), count,
                              baseTimestampMs};
  return toValue(env, static_cast<double>(buildRecords(records, target.data, target.length)));
}

// placeRecords(bytes, from, end, previousOffsetDelta, lastOffsetDelta, rowsMax, rows, timestampDeltas): how many records were placed (native/core/place.h)
napi_value placeRecordsOf(napi_env env, napi_callback_info info) {
  Arguments<8> arguments(env, info);
  const Bytes bytes = arguments.bytes(0);
  const int64_t from = arguments.int64(1);
  const int64_t end = arguments.int64(2);
  const int32_t previousOffsetDelta = arguments.int32(3);
  const int32_t lastOffsetDelta = arguments.int32(4);
  const int32_t rowsMax = arguments.int32(5);
  const Bytes rows = arguments.bytes(6);
  const Bytes deltas = arguments.bytes(7);
  if (!arguments.valid()) return nullptr;
  const bool fits = from >= 0 && from <= end && end <= static_cast<int64_t>(bytes.length) && end <= INT32_MAX && rowsMax >= 0 &&
                    rows.length / (kPlaceFields * sizeof(int32_t)) >= static_cast<size_t>(rowsMax) && deltas.length / sizeof(double) >= static_cast<size_t>(rowsMax);
  if (!fits) return toValue(env, 0);
  const PlacePlan plan{static_cast<size_t>(from), static_cast<size_t>(end), previousOffsetDelta, lastOffsetDelta, rowsMax};
  return toValue(env, placeRecords(bytes.data, plan, reinterpret_cast<int32_t*>(rows.data), reinterpret_cast<double*>(deltas.data)));
}

}  // namespace

const std::vector<Export> kComputeExports = {{"crc32c", crc32cOf}, {"checkRecords", checkRecordsOf}, {"buildRecords", buildRecordsOf}, {"placeRecords", placeRecordsOf}};

}  // namespace tidelog
