// Portable CRC32C, eight bytes a step. Also what the WASM build uses.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gf2.h"

namespace tidelog {

struct Crc32cTables {
  uint32_t slice[8][256];
};

constexpr Crc32cTables makeCrc32cTables() {
  Crc32cTables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ gf2::kPolynomial : crc >> 1;
    tables.slice[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (int index = 1; index < 8; index++) {
      const uint32_t crc = tables.slice[index - 1][byte];
      tables.slice[index][byte] = (crc >> 8) ^ tables.slice[0][crc & 255];
    }
  }
  return tables;
}

inline constexpr Crc32cTables kCrc32cTables = makeCrc32cTables();

inline uint32_t crc32cUpdateTable(uint32_t state, const uint8_t* at, size_t length) {
  const auto& slice = kCrc32cTables.slice;
  const uint8_t* const end = at + length;
  for (; end - at >= 8; at += 8) {
    uint32_t low;
    uint32_t high;
    __builtin_memcpy(&low, at, 4);
    __builtin_memcpy(&high, at + 4, 4);
    low ^= state;
    state = slice[7][low & 255] ^ slice[6][(low >> 8) & 255] ^ slice[5][(low >> 16) & 255] ^ slice[4][low >> 24] ^
            slice[3][high & 255] ^ slice[2][(high >> 8) & 255] ^ slice[1][(high >> 16) & 255] ^ slice[0][high >> 24];
  }
  for (; at < end; at++) state = (state >> 8) ^ slice[0][(state ^ *at) & 255];
  return state;
}

}  // namespace tidelog
