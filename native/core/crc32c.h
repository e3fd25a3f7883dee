// CRC32C (Castagnoli, reflected) at memory speed: the fastest implementation that this CPU has, chosen once.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tidelog {

// Checksum of `bytes`; `previous` is the checksum of the bytes before them (0 at the start).
uint32_t crc32c(uint32_t previous, const void* bytes, size_t length);

// What crc32c(a ++ b) becomes when the checksum of `a` changes by `difference` (old XOR new): XOR the result in.
// `length` is that of `b`.
uint32_t crc32cShift(uint32_t difference, uint64_t length);

// "vpclmulqdq", "sse4.2+pclmul", "armv8+pmull" or "table".
const char* crc32cName();

// The implementations, for tests. Null where this CPU lacks the instructions. They take and give the raw register (not inverted).
using Crc32cUpdate = uint32_t (*)(uint32_t state, const uint8_t* bytes, size_t length);
struct Crc32cImplementation {
  const char* name;
  Crc32cUpdate update;
};
// Fills up to `capacity` entries, fastest first; returns how many this CPU can run. The table is always the last.
size_t crc32cImplementations(Crc32cImplementation* found, size_t capacity);

}  // namespace tidelog
