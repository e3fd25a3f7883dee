#include "place.h"

#include <string.h>

#include <vector>

#include "testing.h"

using namespace tidelog;

static uint32_t seed = 4711;
static uint32_t random32() { return seed = seed * 1664525u + 1013904223u; }

static void placesWhatIsThere() {
  // Two records: key "k" and value null; key null, value "vw" and one header "h" without a value.
  const uint8_t bytes[] = {14, 0, 2, 0, 2, 'k', 1, 0, 24, 0, 4, 2, 1, 4, 'v', 'w', 2, 2, 'h', 1, 0};
  const size_t end = 8 + 12;
  int32_t rows[2 * kPlaceFields];
  double deltas[2];
  uint8_t exact[sizeof bytes];
  memcpy(exact, bytes, sizeof bytes);
  exact[8] = 22;
  CHECK(placeRecords(exact, {0, end, -1, 1, 2}, rows, deltas) == 2);
  CHECK(deltas[0] == 1 && deltas[1] == 2);
  CHECK(rows[kPlaceKeyStart] == 5 && rows[kPlaceKeyLength] == 1 && rows[kPlaceValueLength] == -1 && rows[kPlaceEnd] == 8);
  const int32_t* second = rows + kPlaceFields;
  CHECK(second[kPlaceOffsetDelta] == 1 && second[kPlaceKeyLength] == -1 && second[kPlaceValueStart] == 14 && second[kPlaceValueLength] == 2);
  CHECK(second[kPlaceHeaders] == 1 && second[kPlaceHeadersStart] == 17 && second[kPlaceEnd] == static_cast<int32_t>(end));
  // One byte more than there is.
  CHECK(placeRecords(bytes, {0, end, -1, 1, 2}, rows, deltas) == 1);
  // Offsets must ascend.
  CHECK(placeRecords(exact, {0, end, 0, 1, 2}, rows, deltas) == 0);
}

static void staysWithinAnyBytes() {
  std::vector<int32_t> rows(64 * kPlaceFields);
  std::vector<double> deltas(64);
  for (int round = 0; round < 200000; round++) {
    // Of its own size, so that the sanitizer sees a step too far.
    std::vector<uint8_t> bytes(random32() % 48);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random32() >> 24 & (random32() & 1 ? 31 : 255));
    const int32_t placed = placeRecords(bytes.data(), {0, bytes.size(), -1, INT32_MAX, 64}, rows.data(), deltas.data());
    CHECK(placed >= 0 && placed <= 64);
    for (int32_t index = 0; index < placed; index++) {
      const int32_t* row = rows.data() + index * kPlaceFields;
      CHECK(row[kPlaceKeyStart] + (row[kPlaceKeyLength] > 0 ? row[kPlaceKeyLength] : 0) <= row[kPlaceEnd]);
      CHECK(row[kPlaceValueStart] + (row[kPlaceValueLength] > 0 ? row[kPlaceValueLength] : 0) <= row[kPlaceEnd]);
      CHECK(row[kPlaceEnd] <= static_cast<int32_t>(bytes.size()));
    }
  }
}

int main() {
  placesWhatIsThere();
  staysWithinAnyBytes();
  puts("place: ok");
  return 0;
}
