// Builds the records section of a batch v2 from packed columns.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tidelog {

// What each record has in the column of lengths.
enum PackedField : int {
  // -1 for null.
  kPackedKeyBytes,
  kPackedValueBytes,
  kPackedHeaders,
  // Bytes of the headers, already framed.
  kPackedHeadersBytes,
  kPackedFields,
};

// `content` holds key, value and headers of one record after the other, without anything between them; `fields` kPackedFields numbers a record;
// `timestampsMs` whole numbers within +-2^52.
struct PackedRecords {
  const uint8_t* content;
  size_t contentBytes;
  const int32_t* fields;
  const double* timestampsMs;
  int32_t count;
  int64_t baseTimestampMs;
};

// Writes records with offset deltas 0..count-1. Returns the bytes written, or -1 when they do not fit or the columns contradict each other.
int64_t buildRecords(const PackedRecords& records, uint8_t* target, size_t capacity);

}  // namespace tidelog
