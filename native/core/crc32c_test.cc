#include "crc32c.h"

#include <chrono>
#include <vector>

#include "testing.h"

using namespace tidelog;

static uint32_t bitByBit(const uint8_t* bytes, size_t length) {
  uint32_t crc = ~0u;
  for (size_t index = 0; index < length; index++) {
    crc ^= bytes[index];
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

static std::vector<uint8_t> noise(size_t length, uint32_t seed) {
  std::vector<uint8_t> bytes(length);
  for (auto& byte : bytes) byte = static_cast<uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
  return bytes;
}

int main() {
  CHECK(crc32c(0, "123456789", 9) == 0xe3069283u);  // The check value of the CRC catalogue.
  CHECK(crc32c(0, "", 0) == 0);
  Crc32cImplementation all[4];
  const size_t count = crc32cImplementations(all, 4);
  for (size_t index = 0; index < count; index++) {
    for (size_t length : {0, 1, 7, 8, 9, 61, 255, 256, 511, 512, 513, 767, 768, 1000, 4096, 12287, 12288, 12289, 40000, 115000}) {
      const auto bytes = noise(length + 3, static_cast<uint32_t>(length) + 1);
      for (size_t skew = 0; skew < 3; skew++) {
        CHECK(~all[index].update(~0u, bytes.data() + skew, length) == bitByBit(bytes.data() + skew, length));
      }
    }
    const auto bytes = noise(115000, 5);
    const auto start = std::chrono::steady_clock::now();
    uint32_t crc = 0;
    for (int round = 0; round < 2000; round++) crc = all[index].update(crc, bytes.data(), bytes.size());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    printf("crc32c %-14s %6.2f GB/s (%08x)\n", all[index].name, 2000.0 * 115000 / seconds / 1e9, crc);
  }
  for (size_t split : {0, 1, 40, 999, 5000}) {
    auto bytes = noise(5000, 9);
    CHECK(crc32c(crc32c(0, bytes.data(), split), bytes.data() + split, bytes.size() - split) == crc32c(0, bytes.data(), bytes.size()));
    const uint32_t before = crc32c(0, bytes.data(), bytes.size());
    const uint32_t headBefore = crc32c(0, bytes.data(), split);
    for (size_t index = 0; index < split; index++) bytes[index] ^= 0x5a;
    const uint32_t difference = headBefore ^ crc32c(0, bytes.data(), split);
    CHECK((before ^ crc32cShift(difference, bytes.size() - split)) == crc32c(0, bytes.data(), bytes.size()));
  }
  puts("crc32c_test: ok");
}
