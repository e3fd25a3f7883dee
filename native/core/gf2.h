// Polynomials over GF(2) modulo the Castagnoli polynomial, bit-reflected: bit 31 is x^0, bit 0 is x^31.
#pragma once

#include <stdint.h>

namespace tidelog::gf2 {

constexpr uint32_t kPolynomial = 0x82f63b78;

// a * b mod P.
constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b & 1) ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

// x^n mod P.
constexpr uint32_t powerOfX(uint64_t n) {
  uint32_t result = 0x80000000u;
  uint32_t square = 0x40000000u;
  for (; n != 0; n >>= 1) {
    if (n & 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

}  // namespace tidelog::gf2
