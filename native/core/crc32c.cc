#include "crc32c.h"

#include "crc32cTable.h"
#include "gf2.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif

namespace tidelog {

namespace {

// Three streams of this length run side by side: a long one for large inputs, a short one for what remains.
constexpr size_t kLongStream = 4096;
constexpr size_t kShortStream = 256;

// A checksum times this, carry-less, then reduced by one 64-bit CRC step, is the checksum moved on by `bytes` zero bytes:
// the step multiplies by x^32 and the reflected product lacks one x.
constexpr uint32_t shiftConstant(uint64_t bytes) { return gf2::powerOfX(bytes * 8 - 33); }

#if defined(__x86_64__)

// Clang counts the CRC instructions as a feature of their own.
#if defined(__clang__)
#define TIDELOG_CRC_TARGET "crc32,sse4.2,pclmul"
#else
#define TIDELOG_CRC_TARGET "sse4.2,pclmul"
#endif
#define TIDELOG_SSE42 __attribute__((target(TIDELOG_CRC_TARGET)))

TIDELOG_SSE42 inline uint32_t shiftSse42(uint32_t crc, uint32_t constant) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(crc)), _mm_cvtsi32_si128(static_cast<int>(constant)), 0);
  return static_cast<uint32_t>(_mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product))));
}

inline uint64_t load64(const uint8_t* at) {
  uint64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

template <size_t kStream>
TIDELOG_SSE42 inline uint32_t threeStreamsSse42(uint32_t state, const uint8_t* at) {
  uint64_t first = state;
  uint64_t second = 0;
  uint64_t third = 0;
  for (const uint8_t* const end = at + kStream; at < end; at += 8) {
    first = _mm_crc32_u64(first, load64(at));
    second = _mm_crc32_u64(second, load64(at + kStream));
    third = _mm_crc32_u64(third, load64(at + 2 * kStream));
  }
  return shiftSse42(static_cast<uint32_t>(first), shiftConstant(2 * kStream)) ^
         shiftSse42(static_cast<uint32_t>(second), shiftConstant(kStream)) ^ static_cast<uint32_t>(third);
}

TIDELOG_SSE42 uint32_t updateSse42(uint32_t state, const uint8_t* at, size_t length) {
  for (; length >= 3 * kLongStream; at += 3 * kLongStream, length -= 3 * kLongStream) state = threeStreamsSse42<kLongStream>(state, at);
  for (; length >= 3 * kShortStream; at += 3 * kShortStream, length -= 3 * kShortStream) state = threeStreamsSse42<kShortStream>(state, at);
  uint64_t wide = state;
  for (; length >= 8; at += 8, length -= 8) wide = _mm_crc32_u64(wide, load64(at));
  state = static_cast<uint32_t>(wide);
  for (; length > 0; at++, length--) state = _mm_crc32_u8(state, *at);
  return state;
}

#define TIDELOG_VPCLMUL __attribute__((target(TIDELOG_CRC_TARGET ",avx2,vpclmulqdq")))

// A 128-bit lane moved on by `bytes`: its low half is the higher power. A 64 x 64 bit reflected product lacks one x, so that the
// constants are x^(8 * bytes + 63) and x^(8 * bytes - 1), as 64-bit reflected polynomials (our 32 bits in the upper half, which is
// itself worth x^-32 less).
struct FoldConstants {
  uint64_t low;
  uint64_t high;
};

constexpr FoldConstants foldConstants(uint64_t bytes) {
  return {static_cast<uint64_t>(gf2::powerOfX(bytes * 8 + 63)) << 32, static_cast<uint64_t>(gf2::powerOfX(bytes * 8 - 1)) << 32};
}

template <uint64_t kBytes>
TIDELOG_VPCLMUL inline __m256i foldConstants256() {
  constexpr FoldConstants constants = foldConstants(kBytes);
  return _mm256_set_epi64x(static_cast<int64_t>(constants.high), static_cast<int64_t>(constants.low), static_cast<int64_t>(constants.high),
                           static_cast<int64_t>(constants.low));
}

TIDELOG_VPCLMUL inline __m256i fold256(__m256i lanes, __m256i constants, __m256i next) {
  const __m256i low = _mm256_clmulepi64_epi128(lanes, constants, 0x00);
  const __m256i high = _mm256_clmulepi64_epi128(lanes, constants, 0x11);
  return _mm256_xor_si256(_mm256_xor_si256(low, high), next);
}

TIDELOG_VPCLMUL inline __m256i load256(const uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }

constexpr size_t kFoldBlock = 256;

TIDELOG_VPCLMUL uint32_t updateVpclmul(uint32_t state, const uint8_t* at, size_t length) {
  if (length < 2 * kFoldBlock) return updateSse42(state, at, length);
  __m256i lanes[8];
  for (int index = 0; index < 8; index++) lanes[index] = load256(at + 32 * index);
  lanes[0] = _mm256_xor_si256(lanes[0], _mm256_set_epi32(0, 0, 0, 0, 0, 0, 0, static_cast<int>(state)));
  at += kFoldBlock;
  length -= kFoldBlock;
  const __m256i block = foldConstants256<kFoldBlock>();
  for (; length >= kFoldBlock; at += kFoldBlock, length -= kFoldBlock) {
    for (int index = 0; index < 8; index++) lanes[index] = fold256(lanes[index], block, load256(at + 32 * index));
  }
  const __m256i step = foldConstants256<32>();
  __m256i sum = lanes[0];
  for (int index = 1; index < 8; index++) sum = fold256(sum, step, lanes[index]);
  alignas(32) uint8_t rest[32];
  _mm256_store_si256(reinterpret_cast<__m256i*>(rest), sum);
  uint64_t wide = 0;
  for (int index = 0; index < 4; index++) wide = _mm_crc32_u64(wide, load64(rest + 8 * index));
  return updateSse42(static_cast<uint32_t>(wide), at, length);
}

struct CpuFeatures {
  bool sse42 = false;
  bool wide = false;
};

constexpr unsigned kPclmul = 1u << 1;
constexpr unsigned kSse42 = 1u << 20;
constexpr unsigned kOsSavesState = 1u << 27;
constexpr unsigned kAvx2 = 1u << 5;
constexpr unsigned kVpclmul = 1u << 10;
constexpr unsigned kAvxState = 6;

// Asked of the processor itself: not every tool chain's run-time library has what __builtin_cpu_supports reads.
CpuFeatures cpuFeatures() {
  CpuFeatures found;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return found;
  found.sse42 = (c & kSse42) != 0 && (c & kPclmul) != 0;
  if (!found.sse42 || (c & kOsSavesState) == 0) return found;
  unsigned saved = 0, high = 0;
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if ((saved & kAvxState) != kAvxState || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return found;
  found.wide = (b & kAvx2) != 0 && (c & kVpclmul) != 0;
  return found;
}

size_t available(Crc32cImplementation* found) {
  size_t count = 0;
  const CpuFeatures features = cpuFeatures();
  if (features.wide) found[count++] = {"vpclmulqdq", updateVpclmul};
  if (features.sse42) found[count++] = {"sse4.2+pclmul", updateSse42};
  return count;
}

#elif defined(__aarch64__)

#if defined(__clang__)
#define TIDELOG_ARM __attribute__((target("crc,aes")))
#else
#define TIDELOG_ARM __attribute__((target("+crc+crypto")))
#endif

inline uint64_t load64(const uint8_t* at) {
  uint64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

TIDELOG_ARM inline uint32_t shiftArm(uint32_t crc, uint32_t constant) {
  const poly128_t product = vmull_p64(static_cast<poly64_t>(crc), static_cast<poly64_t>(constant));
  return __crc32cd(0, static_cast<uint64_t>(product));
}

template <size_t kStream>
TIDELOG_ARM inline uint32_t threeStreamsArm(uint32_t state, const uint8_t* at) {
  uint32_t first = state;
  uint32_t second = 0;
  uint32_t third = 0;
  for (const uint8_t* const end = at + kStream; at < end; at += 8) {
    first = __crc32cd(first, load64(at));
    second = __crc32cd(second, load64(at + kStream));
    third = __crc32cd(third, load64(at + 2 * kStream));
  }
  return shiftArm(first, shiftConstant(2 * kStream)) ^ shiftArm(second, shiftConstant(kStream)) ^ third;
}

TIDELOG_ARM uint32_t updateArm(uint32_t state, const uint8_t* at, size_t length) {
  for (; length >= 3 * kLongStream; at += 3 * kLongStream, length -= 3 * kLongStream) state = threeStreamsArm<kLongStream>(state, at);
  for (; length >= 3 * kShortStream; at += 3 * kShortStream, length -= 3 * kShortStream) state = threeStreamsArm<kShortStream>(state, at);
  for (; length >= 8; at += 8, length -= 8) state = __crc32cd(state, load64(at));
  for (; length > 0; at++, length--) state = __crc32cb(state, *at);
  return state;
}

size_t available(Crc32cImplementation* found) {
#if defined(__APPLE__)
  const bool usable = true;
#else
  constexpr unsigned long kPmull = 1ul << 4;
  constexpr unsigned long kCrc32 = 1ul << 7;
  const unsigned long features = getauxval(AT_HWCAP);
  const bool usable = (features & kPmull) != 0 && (features & kCrc32) != 0;
#endif
  if (!usable) return 0;
  found[0] = {"armv8+pmull", updateArm};
  return 1;
}

#else

size_t available(Crc32cImplementation*) { return 0; }

#endif

Crc32cImplementation fastest() {
  Crc32cImplementation found[4];
  crc32cImplementations(found, 4);
  return found[0];
}

// Initialised on first use, thread-safe; a load and a branch afterwards.
const Crc32cImplementation& chosen() {
  static const Crc32cImplementation implementation = fastest();
  return implementation;
}

}  // namespace

size_t crc32cImplementations(Crc32cImplementation* found, size_t capacity) {
  Crc32cImplementation all[4];
  size_t count = available(all);
  all[count++] = {"table", crc32cUpdateTable};
  if (count > capacity) count = capacity;
  for (size_t index = 0; index < count; index++) found[index] = all[index];
  return count;
}

uint32_t crc32c(uint32_t previous, const void* bytes, size_t length) {
  return ~chosen().update(~previous, static_cast<const uint8_t*>(bytes), length);
}

uint32_t crc32cShift(uint32_t difference, uint64_t length) { return gf2::multiply(difference, gf2::powerOfX(length * 8)); }

const char* crc32cName() { return chosen().name; }

}  // namespace tidelog
