// The part of native/core that runs as WebAssembly: checksums and the walk over records. No libc, no imports.
// The host copies input to `inputAddress()` (after `reserveInput`), calls, and reads results at `resultAddress()`.
#include <stddef.h>
#include <stdint.h>

#include "../native/core/crc32cTable.h"
#include "../native/core/numbers.h"
#include "../native/core/records.h"

extern "C" unsigned char __heap_base;

namespace {

constexpr size_t kPageBytes = 65536;

// maxTimestampMs, offsetDeltaOfMaxTimestamp, badRecordIndex.
double results[3];

uint8_t* input() { return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(&__heap_base) + 15) & ~uintptr_t{15}); }

}  // namespace

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

EXPORT(inputAddress) uint8_t* inputAddress() { return input(); }

EXPORT(resultAddress) double* resultAddress() { return results; }

// Grows the memory so that `length` bytes fit; 0 when the host refuses.
EXPORT(reserveInput) int reserveInput(size_t length) {
  const size_t wanted = (reinterpret_cast<uintptr_t>(input()) + length + kPageBytes - 1) / kPageBytes;
  const size_t pages = __builtin_wasm_memory_size(0);
  return wanted <= pages || __builtin_wasm_memory_grow(0, wanted - pages) != static_cast<size_t>(-1);
}

EXPORT(crc32c) uint32_t crc32cOfInput(uint32_t previous, size_t length) {
  return ~tidelog::crc32cUpdateTable(~previous, input(), length);
}

EXPORT(checkRecords)
int checkRecordsOfInput(size_t length, int32_t count, int requireKeys, double timestampBase, double timestampMin, double timestampMax) {
  const tidelog::RecordPlan plan{requireKeys != 0, tidelog::toInt64(timestampBase), tidelog::toInt64(timestampMin),
                                 tidelog::toInt64(timestampMax)};
  tidelog::RecordResult result;
  const int status = tidelog::checkRecords(input(), length, count, plan, &result);
  results[0] = static_cast<double>(result.maxTimestampMs);
  results[1] = result.offsetDeltaOfMaxTimestamp;
  results[2] = result.badRecordIndex;
  return status;
}
