#include "place.h"

namespace tidelog {

namespace {

// Attributes, timestamp delta, offset delta, two lengths and the header count: one byte each at least.
constexpr int32_t kBodyBytesMin = 6;

// Reads forward to `end`; `ok` turns false for good at the first thing that does not fit.
struct PlaceReader {
  const uint8_t* at;
  const uint8_t* end;
  bool ok = true;

  inline int32_t length() {
    int32_t value;
    if (takeShort(value)) [[likely]] return value;
    // Four bytes hold every length up to 128 MiB.
    return decode(static_cast<uint32_t>(bits(4)));
  }

  inline int64_t timestampDelta() {
    int32_t value;
    if (takeShort(value)) [[likely]] return value;
    // Seven bytes: the delta is a whole number for JavaScript, too.
    const uint64_t found = bits(7);
    return static_cast<int64_t>(found >> 1) ^ -static_cast<int64_t>(found & 1);
  }

  inline void skip(int32_t count) {
    if (count > end - at) [[unlikely]] {
      ok = false;
    } else if (count > 0) {
      at += count;
    }
  }

 private:
  // A number of one or two bytes, as nearly all are; false, with nothing taken, where it is longer or the end is near.
  inline bool takeShort(int32_t& value) {
    if (end - at < 2) [[unlikely]] return false;
    const uint32_t first = at[0];
    if (first < 128) {
      at++;
      value = decode(first);
      return true;
    }
    const uint32_t second = at[1];
    if (second >= 128) return false;
    at += 2;
    value = decode((first & 127) | second << 7);
    return true;
  }

  static inline int32_t decode(uint32_t found) { return static_cast<int32_t>(found >> 1) ^ -static_cast<int32_t>(found & 1); }

  __attribute__((noinline)) uint64_t bits(int bytesMax) {
    uint64_t found = 0;
    for (int index = 0; index < bytesMax && at < end; index++) {
      const uint8_t byte = *at++;
      found |= static_cast<uint64_t>(byte & 127) << (7 * index);
      if (byte < 128) return found;
    }
    ok = false;
    return 0;
  }
};

// Whether the headers fit; `record` stands behind them then.
bool skipHeaders(PlaceReader& record, int32_t headers) {
  if (headers > (record.end - record.at) / 2) return false;
  for (int32_t index = 0; index < headers && record.ok; index++) {
    const int32_t key = record.length();
    if (key < 0) return false;
    record.skip(key);
    const int32_t value = record.length();
    if (value < -1) return false;
    record.skip(value);
  }
  return record.ok;
}

}  // namespace

int32_t placeRecords(const uint8_t* bytes, const PlacePlan& plan, int32_t* rows, double* timestampDeltas) {
  PlaceReader section{bytes + plan.from, bytes + plan.end};
  int32_t previous = plan.previousOffsetDelta;
  for (int32_t index = 0; index < plan.rowsMax; index++, rows += kPlaceFields) {
    const int32_t body = section.length();
    if (!section.ok || body < kBodyBytesMin || body > section.end - section.at) return index;
    PlaceReader record{section.at + 1, section.at + body};
    const int64_t timestampDelta = record.timestampDelta();
    const int32_t offsetDelta = record.length();
    if (offsetDelta <= previous || offsetDelta > plan.lastOffsetDelta) return index;
    rows[kPlaceOffsetDelta] = offsetDelta;
    rows[kPlaceContentStart] = static_cast<int32_t>(record.at - bytes);
    rows[kPlaceKeyLength] = record.length();
    rows[kPlaceKeyStart] = static_cast<int32_t>(record.at - bytes);
    record.skip(rows[kPlaceKeyLength]);
    rows[kPlaceValueLength] = record.length();
    rows[kPlaceValueStart] = static_cast<int32_t>(record.at - bytes);
    record.skip(rows[kPlaceValueLength]);
    const int32_t headers = record.length();
    rows[kPlaceHeaders] = headers;
    rows[kPlaceHeadersStart] = static_cast<int32_t>(record.at - bytes);
    if (!record.ok || rows[kPlaceKeyLength] < -1 || rows[kPlaceValueLength] < -1 || headers < 0) return index;
    if (headers > 0 && !skipHeaders(record, headers)) return index;
    if (record.at != record.end) return index;
    rows[kPlaceEnd] = static_cast<int32_t>(record.end - bytes);
    timestampDeltas[index] = static_cast<double>(timestampDelta);
    previous = offsetDelta;
    section.at = record.end;
  }
  return plan.rowsMax;
}

}  // namespace tidelog
