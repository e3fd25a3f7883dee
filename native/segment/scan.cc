#include "scan.h"

#include <string.h>

#include <memory>

#include "../core/batch.h"
#include "../core/crc32c.h"
#include "../port/file.h"

namespace tidelog {

namespace {

// Small enough to stay in the processor's cache between reading and checking.
constexpr int64_t kChunkBytes = 512 * 1024;
constexpr int64_t kStepBytes = 64 * 1024 * 1024;

class ForwardReader {
 public:
  ForwardReader(int fd, int64_t end) : fd_(fd), end_(end), chunk_(new uint8_t[kChunkBytes]) {}

  // At least `lengthMin` bytes from `position` on where the file has them; `*length` says how many.
  const uint8_t* bytesAt(int64_t position, int64_t lengthMin, int64_t* length) {
    if (position < start_ || position + lengthMin > start_ + filled_) {
      const int64_t wanted = end_ - position < kChunkBytes ? end_ - position : kChunkBytes;
      const int64_t got = readFully(fd_, chunk_.get(), static_cast<size_t>(wanted), position);
      if (got < 0) error_ = static_cast<int>(-got);
      start_ = position;
      filled_ = got < 0 ? 0 : got;
    }
    *length = start_ + filled_ - position;
    return chunk_.get() + (position - start_);
  }
  int error() const { return error_; }

 private:
  int fd_;
  int64_t end_;
  int64_t start_ = 0;
  int64_t filled_ = 0;
  int error_ = 0;
  std::unique_ptr<uint8_t[]> chunk_;
};

bool hasRightChecksum(ForwardReader* reader, int64_t position, const BatchHeader& header) {
  uint32_t crc = 0;
  int64_t at = position + static_cast<int64_t>(field::kAttributes);
  const int64_t end = position + header.sizeBytes;
  while (at < end) {
    int64_t length;
    const uint8_t* bytes = reader->bytesAt(at, 1, &length);
    if (length <= 0) return false;
    const int64_t part = end - at < length ? end - at : length;
    crc = crc32c(crc, bytes, static_cast<size_t>(part));
    at += part;
  }
  return crc == header.crc;
}

// What was kept ahead of appends, or a file system that lost what was not synced.
bool isZeroToTheEnd(ForwardReader* reader, int64_t position, int64_t end) {
  while (position < end) {
    int64_t length;
    const uint8_t* bytes = reader->bytesAt(position, 1, &length);
    if (length <= 0) return false;
    const int64_t part = end - position < length ? end - position : length;
    if (bytes[0] != 0 || memcmp(bytes, bytes + 1, static_cast<size_t>(part) - 1) != 0) return false;
    position += part;
  }
  return true;
}

void writeRow(double* row, int64_t position, const BatchHeader& header) {
  row[kScanPosition] = static_cast<double>(position);
  row[kScanSizeBytes] = static_cast<double>(header.sizeBytes);
  row[kScanBaseOffset] = static_cast<double>(header.baseOffset);
  row[kScanLastOffset] = static_cast<double>(header.lastOffset());
  row[kScanMaxTimestampMs] = static_cast<double>(header.maxTimestampMs);
  row[kScanLeaderEpoch] = header.leaderEpoch;
  row[kScanAttributes] = header.attributes;
  row[kScanProducerId] = static_cast<double>(header.producerId);
  row[kScanProducerEpoch] = header.producerEpoch;
  row[kScanBaseSequence] = header.baseSequence;
  row[kScanRecords] = header.records;
}

}  // namespace

ScanStep scanStep(int fd, int64_t segmentBaseOffset, int64_t end, ScanPlace* place, double* rows, int64_t rowsMax) {
  ForwardReader reader(fd, end);
  const int64_t start = place->position;
  int64_t found = 0;
  while (place->position < end) {
    if (found == rowsMax || place->position - start > kStepBytes) return {kStopMore, 0, found};
    const int64_t remaining = end - place->position;
    if (remaining < static_cast<int64_t>(kHeaderBytes)) return {isZeroToTheEnd(&reader, place->position, end) ? kStopZeros : kStopTorn, reader.error(), found};
    int64_t length;
    const uint8_t* bytes = reader.bytesAt(place->position, static_cast<int64_t>(kHeaderBytes), &length);
    if (length < static_cast<int64_t>(kHeaderBytes)) return {kStopTorn, reader.error(), found};
    BatchHeader header;
    header.read(bytes);
    if (!header.isPlausible(place->nextOffset, segmentBaseOffset)) {
      return {isZeroToTheEnd(&reader, place->position, end) ? kStopZeros : kStopCorrupt, reader.error(), found};
    }
    if (header.sizeBytes > remaining) return {kStopTorn, 0, found};
    if (!hasRightChecksum(&reader, place->position, header)) return {kStopCorrupt, reader.error(), found};
    writeRow(rows + found * kScanFields, place->position, header);
    found++;
    place->position += header.sizeBytes;
    place->nextOffset = header.lastOffset() + 1;
  }
  return {kStopEnd, 0, found};
}

}  // namespace tidelog
