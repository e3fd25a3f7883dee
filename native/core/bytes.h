// Big-endian fields in borrowed bytes.
#pragma once

#include <stdint.h>

namespace tidelog {

inline uint16_t loadBig16(const uint8_t* at) {
  uint16_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}

inline uint32_t loadBig32(const uint8_t* at) {
  uint32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}

inline uint64_t loadBig64(const uint8_t* at) {
  uint64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

inline void storeBig16(uint8_t* at, uint16_t value) {
  value = __builtin_bswap16(value);
  __builtin_memcpy(at, &value, sizeof value);
}

inline void storeBig32(uint8_t* at, uint32_t value) {
  value = __builtin_bswap32(value);
  __builtin_memcpy(at, &value, sizeof value);
}

inline void storeBig64(uint8_t* at, uint64_t value) {
  value = __builtin_bswap64(value);
  __builtin_memcpy(at, &value, sizeof value);
}

}  // namespace tidelog
