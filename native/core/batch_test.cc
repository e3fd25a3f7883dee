#include "batch.h"

#include <string.h>

#include <string>

#include "crc32c.h"
#include "segment.h"
#include "testing.h"

using namespace tidelog;

static uint32_t seed = 12345;
static uint32_t random32() { return seed = seed * 1664525u + 1013904223u; }

// One batch of `records` records of four bytes each.
static std::string makeBatch(int records, int64_t timestampMs) {
  std::string body;
  for (int index = 0; index < records; index++) {
    const char record[] = {12, 0, 0, static_cast<char>(index * 2), 1, 1, 0};
    body.append(record, sizeof record);
  }
  std::string bytes(kHeaderBytes, '\0');
  uint8_t* at = reinterpret_cast<uint8_t*>(bytes.data());
  storeBig32(at + field::kLength, static_cast<uint32_t>(kHeaderBytes - kPrefixBytes + body.size()));
  at[field::kMagic] = 2;
  storeBig32(at + field::kLastOffsetDelta, static_cast<uint32_t>(records - 1));
  storeBig64(at + field::kBaseTimestamp, static_cast<uint64_t>(timestampMs));
  storeBig64(at + field::kMaxTimestamp, static_cast<uint64_t>(timestampMs));
  storeBig32(at + field::kCount, static_cast<uint32_t>(records));
  bytes += body;
  at = reinterpret_cast<uint8_t*>(bytes.data());
  storeBig32(at + field::kCrc, crc32c(0, at + field::kAttributes, bytes.size() - field::kAttributes));
  return bytes;
}

static AppendPlan openPlan() { return {0, 1, false, true, true, false, -1, INT64_MIN, INT64_MAX, 1 << 20}; }

// In memory of its exact size, so that a sanitizer sees each byte read past it.
static Status check(const std::string& bytes, const AppendPlan& plan) {
  uint8_t* exact = new uint8_t[bytes.size() + 1];
  memcpy(exact + 1, bytes.data(), bytes.size());
  std::vector<CheckedBatch> batches;
  AppendOutcome outcome;
  const Status status = checkAppend(exact + 1, bytes.size(), plan, {0, 0, 0}, &batches, &outcome);
  delete[] exact;
  return status;
}

class Bytes final : public HeaderSource {
 public:
  explicit Bytes(const std::string& bytes) : bytes_(bytes) {}
  const uint8_t* header(int64_t position, int64_t) override {
    if (position + static_cast<int64_t>(kHeaderBytes) > static_cast<int64_t>(bytes_.size())) return nullptr;
    return reinterpret_cast<const uint8_t*>(bytes_.data()) + position;
  }

 private:
  const std::string& bytes_;
};

// The first batch from the segment's beginning on that matches; -1 where there is none.
template <typename Matches>
static int64_t firstPosition(SegmentState* state, HeaderSource* source, Matches matches) {
  BatchWalk walk(source, state->baseOffset, 0, state->sizeBytes);
  while (walk.next()) {
    if (matches(walk.header())) return walk.position();
  }
  return -1;
}

static void checkOffset(SegmentState* state, HeaderSource* source, int64_t offset) {
  BatchPosition found;
  const bool hit = state->locateOffset(source, offset, &found);
  const int64_t expected = firstPosition(state, source, [&](const BatchHeader& header) { return header.lastOffset() >= offset; });
  CHECK((hit ? found.position : -1) == expected);
}

static void checkTimestamp(SegmentState* state, HeaderSource* source, int64_t time, int64_t from) {
  BatchPosition found;
  const bool hit = state->locateTimestamp(source, time, from, &found);
  const int64_t expected = firstPosition(state, source, [&](const BatchHeader& header) { return header.lastOffset() >= from && header.maxTimestampMs >= time; });
  CHECK((hit ? found.position : -1) == expected);
}

int main() {
  const std::string whole = makeBatch(5, 100);
  CHECK(check(whole, openPlan()) == kOk);
  CHECK(check(whole + whole, openPlan()) == kOk);
  for (size_t length = 0; length < whole.size(); length++) CHECK(check(whole.substr(0, length), openPlan()) != kOk);
  for (int round = 0; round < 300000; round++) {
    std::string bytes = makeBatch(1 + static_cast<int>(random32() % 6), 100);
    for (uint32_t flips = random32() % 4; flips > 0; flips--) bytes[random32() % bytes.size()] = static_cast<char>(random32() >> 24);
    if (random32() % 4 == 0) bytes.resize(random32() % (bytes.size() + 1));
    AppendPlan plan = openPlan();
    plan.checkCrc = false;
    plan.keepOffsets = random32() % 2 == 0;
    plan.requireKeys = random32() % 4 == 0;
    plan.logAppendTimeMs = random32() % 3 == 0 ? 7 : -1;
    check(bytes, plan);
  }
  for (int round = 0; round < 2000; round++) {
    std::string log;
    for (int index = 0; index < 20; index++) {
      std::string bytes = makeBatch(1 + static_cast<int>(random32() % 4), random32() % 50);
      std::vector<CheckedBatch> batches;
      storeBig64(reinterpret_cast<uint8_t*>(bytes.data()), static_cast<uint64_t>(index * 10));
      log += bytes;
    }
    for (uint32_t flips = random32() % 3; flips > 0; flips--) log[random32() % log.size()] = static_cast<char>(random32() >> 24);
    Bytes source(log);
    SegmentState state(0, 20 + random32() % 100, 4096);
    state.sizeBytes = static_cast<int64_t>(log.size());
    state.rebuild(&source);
    for (int64_t offset = -5; offset < 250; offset += 3) checkOffset(&state, &source, offset);
    for (int64_t time = -5; time < 60; time += 3) checkTimestamp(&state, &source, time, random32() % 200);
    state.indexesLookSane(&source);
    state.cutTo(&source, random32() % (log.size() + 1));
  }
  puts("batch_test: ok");
}
