#include "build.h"

#include <string.h>

#include "numbers.h"

namespace tidelog {

namespace {

// Length, attributes, timestamp and offset deltas, lengths of key and value, count of headers: at their longest.
constexpr size_t kFramingBytesMax = 5 + 1 + 10 + 5 + 5 + 5 + 5;

inline uint32_t zigzag(int32_t value) { return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31); }
inline uint64_t zigzag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }

template <typename Unsigned>
inline size_t varintBytes(Unsigned bits) {
  size_t bytes = 1;
  for (; bits >= 128; bits >>= 7) bytes++;
  return bytes;
}

template <typename Unsigned>
inline uint8_t* put(uint8_t* at, Unsigned bits) {
  for (; bits >= 128; bits >>= 7) *at++ = static_cast<uint8_t>(bits | 128);
  *at++ = static_cast<uint8_t>(bits);
  return at;
}

inline uint8_t* copy(uint8_t* at, const uint8_t** from, int32_t length) {
  if (length <= 0) return at;
  memcpy(at, *from, static_cast<size_t>(length));
  *from += length;
  return at + length;
}

}  // namespace

int64_t buildRecords(const PackedRecords& records, uint8_t* target, size_t capacity) {
  const uint8_t* from = records.content;
  const uint8_t* const fromEnd = from + records.contentBytes;
  uint8_t* at = target;
  uint8_t* const end = target + capacity;
  for (int32_t index = 0; index < records.count; index++) {
    const int32_t* fields = records.fields + static_cast<size_t>(index) * kPackedFields;
    const int32_t key = fields[kPackedKeyBytes];
    const int32_t value = fields[kPackedValueBytes];
    const int32_t headersBytes = fields[kPackedHeadersBytes];
    if (key < -1 || value < -1 || headersBytes < 0 || fields[kPackedHeaders] < 0) return -1;
    const int64_t content = int64_t{key > 0 ? key : 0} + (value > 0 ? value : 0) + headersBytes;
    if (content > fromEnd - from || content > INT32_MAX - static_cast<int64_t>(kFramingBytesMax)) return -1;
    if (static_cast<int64_t>(kFramingBytesMax) + content > end - at) return -1;
    const uint64_t timestamp = zigzag(toInt64(records.timestampsMs[index]) - records.baseTimestampMs);
    const uint32_t keyBits = zigzag(key);
    const uint32_t valueBits = zigzag(value);
    const uint32_t headers = zigzag(fields[kPackedHeaders]);
    const uint32_t offset = zigzag(index);
    const size_t body = 1 + varintBytes(timestamp) + varintBytes(offset) + varintBytes(keyBits) + varintBytes(valueBits) + varintBytes(headers) + static_cast<size_t>(content);
    at = put(at, zigzag(static_cast<int32_t>(body)));
    *at++ = 0;
    at = put(at, timestamp);
    at = put(at, offset);
    at = copy(put(at, keyBits), &from, key);
    at = copy(put(at, valueBits), &from, value);
    at = copy(put(at, headers), &from, headersBytes);
  }
  return from == fromEnd ? at - target : -1;
}

}  // namespace tidelog
