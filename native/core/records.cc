#include "records.h"

namespace tidelog {

namespace {

// Reads forward through [at, end); `ok` turns false for good at the first thing that does not fit.
struct Reader {
  const uint8_t* at;
  const uint8_t* end;
  bool ok = true;

  // Zig-zag varint of at most `kBytesMax` bytes; bits past the type's width are dropped.
  template <typename Unsigned, int kBytesMax>
  inline Unsigned zigzag() {
    if (end - at >= 2) [[likely]] {
      const Unsigned first = at[0];
      if (first < 128) {
        at++;
        return decode(first);
      }
      const Unsigned second = at[1];
      if (second < 128) {
        at += 2;
        return decode((first & 127) | (second << 7));
      }
    }
    return zigzagSlow<Unsigned, kBytesMax>();
  }

  template <typename Unsigned>
  static inline Unsigned decode(Unsigned bits) {
    return (bits >> 1) ^ (~(bits & 1) + 1);
  }

  template <typename Unsigned, int kBytesMax>
  __attribute__((noinline)) Unsigned zigzagSlow() {
    Unsigned bits = 0;
    for (int index = 0; index < kBytesMax && at < end; index++) {
      const uint8_t byte = *at++;
      bits |= static_cast<Unsigned>(byte & 127) << (7 * index);
      if (byte < 128) return decode(bits);
    }
    ok = false;
    return 0;
  }

  inline int32_t int32() { return static_cast<int32_t>(zigzag<uint32_t, 5>()); }
  inline int64_t int64() { return static_cast<int64_t>(zigzag<uint64_t, 10>()); }

  inline void skip(int64_t count) {
    if (count < 0 || count > end - at) [[unlikely]] {
      ok = false;
    } else {
      at += count;
    }
  }

  inline int32_t skipNullable() {
    const int32_t length = int32();
    if (length != -1) skip(length);
    return length;
  }
};

bool skipHeaders(Reader& record) {
  const int32_t headers = record.int32();
  if (headers < 0 || headers > record.end - record.at) return false;
  for (int32_t index = 0; index < headers && record.ok; index++) {
    record.skip(record.int32());
    record.skipNullable();
  }
  return record.ok;
}

bool timestampOf(const RecordPlan& plan, int64_t delta, int64_t* timestampMs) {
  if (__builtin_add_overflow(plan.timestampBase, delta, timestampMs)) return false;
  if (*timestampMs > kSafeIntegerMax || *timestampMs < -kSafeIntegerMax) return false;
  return *timestampMs == -1 || (*timestampMs >= plan.timestampMin && *timestampMs <= plan.timestampMax);
}

}  // namespace

Status checkRecords(const uint8_t* bytes, size_t length, int32_t count, const RecordPlan& plan, RecordResult* result) {
  result->maxTimestampMs = -1;
  result->offsetDeltaOfMaxTimestamp = -1;
  result->badRecordIndex = -1;
  Reader section{bytes, bytes + length};
  int64_t maxTimestampMs = -1;
  for (int32_t index = 0; index < count; index++) {
    const int32_t recordLength = section.int32();
    if (!section.ok || recordLength < 0 || recordLength > section.end - section.at) {
      result->badRecordIndex = index;
      return kInvalidRecord;
    }
    Reader record{section.at, section.at + recordLength};
    record.skip(1);
    const int64_t timestampDelta = record.int64();
    const int32_t offsetDelta = record.int32();
    const int32_t keyLength = record.skipNullable();
    record.skipNullable();
    const bool framed = skipHeaders(record) && record.ok && record.at == record.end && offsetDelta == index;
    int64_t timestampMs = -1;
    Status status = kOk;
    if (!framed) [[unlikely]] {
      status = kInvalidRecord;
    } else if (plan.requireKeys && keyLength < 0) {
      status = kMissingKey;
    } else if (!timestampOf(plan, timestampDelta, &timestampMs)) {
      status = kInvalidTimestamp;
    }
    if (status != kOk) [[unlikely]] {
      result->badRecordIndex = index;
      return status;
    }
    if (timestampMs > maxTimestampMs) {
      maxTimestampMs = timestampMs;
      result->offsetDeltaOfMaxTimestamp = index;
    }
    section.at = record.end;
  }
  result->maxTimestampMs = maxTimestampMs;
  if (section.at == section.end) return kOk;
  result->badRecordIndex = count;
  return kInvalidRecord;
}

Search findTimestamp(const uint8_t* bytes, size_t length, int32_t count, int64_t baseOffset, int64_t baseTimestampMs, int64_t timestampMs, int64_t offsetMin,
                     RecordFound* found) {
  Reader section{bytes, bytes + length};
  for (int32_t index = 0; index < count; index++) {
    const int32_t recordLength = section.int32();
    if (!section.ok || recordLength < 0 || recordLength > section.end - section.at) return Search::kMalformed;
    Reader record{section.at, section.at + recordLength};
    record.skip(1);
    const int64_t timestampDelta = record.int64();
    const int32_t offsetDelta = record.int32();
    if (!record.ok || offsetDelta < 0 || __builtin_add_overflow(baseTimestampMs, timestampDelta, &found->timestampMs)) return Search::kMalformed;
    found->offset = baseOffset + offsetDelta;
    if (found->timestampMs >= timestampMs && found->offset >= offsetMin) return Search::kFound;
    section.at = record.end;
  }
  return section.at == section.end ? Search::kNone : Search::kMalformed;
}

}  // namespace tidelog
