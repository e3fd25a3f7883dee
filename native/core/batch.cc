#include "batch.h"

#include <string.h>

#include "crc32c.h"

namespace tidelog {

void BatchHeader::read(const uint8_t* at) {
  baseOffset = static_cast<int64_t>(loadBig64(at));
  sizeBytes = static_cast<int64_t>(static_cast<int32_t>(loadBig32(at + field::kLength))) + static_cast<int64_t>(kPrefixBytes);
  leaderEpoch = static_cast<int32_t>(loadBig32(at + field::kLeaderEpoch));
  magic = static_cast<int8_t>(at[field::kMagic]);
  crc = loadBig32(at + field::kCrc);
  attributes = static_cast<int16_t>(loadBig16(at + field::kAttributes));
  lastOffsetDelta = static_cast<int32_t>(loadBig32(at + field::kLastOffsetDelta));
  baseTimestampMs = static_cast<int64_t>(loadBig64(at + field::kBaseTimestamp));
  maxTimestampMs = static_cast<int64_t>(loadBig64(at + field::kMaxTimestamp));
  producerId = static_cast<int64_t>(loadBig64(at + field::kProducerId));
  producerEpoch = static_cast<int16_t>(loadBig16(at + field::kProducerEpoch));
  baseSequence = static_cast<int32_t>(loadBig32(at + field::kBaseSequence));
  records = static_cast<int32_t>(loadBig32(at + field::kCount));
}

namespace {

bool isSafe(int64_t value) { return value >= -kSafeIntegerMax && value <= kSafeIntegerMax; }

// Offsets ascend, and neither the relative offset nor the position outgrows an index entry. `baseOffset` may be hostile.
bool offsetsFit(int64_t baseOffset, int32_t lastOffsetDelta, int64_t offsetMin, int64_t segmentBaseOffset) {
  if (baseOffset < offsetMin || baseOffset >= kSafeIntegerMax - lastOffsetDelta) return false;
  return baseOffset + lastOffsetDelta - segmentBaseOffset <= kRelativeOffsetMax;
}

// Checks one batch after the other; the state between them is what has been accepted so far.
class AppendChecker {
 public:
  AppendChecker(const AppendPlan& plan, const AppendTarget& target, std::vector<CheckedBatch>* batches, AppendOutcome* outcome)
      : plan_(plan), target_(target), batches_(batches), outcome_(outcome) {}

  Status run(const uint8_t* bytes, size_t length) {
    int64_t nextOffset = plan_.keepOffsets ? target_.nextOffset : plan_.baseOffset;
    if (nextOffset < target_.nextOffset || nextOffset > kSafeIntegerMax) return kOffsetOutOfOrder;
    if (length == 0) return kCorruptHeader;
    for (size_t at = 0; at < length;) {
      const Status status = batch(bytes + at, length - at, target_.sizeBytes + static_cast<int64_t>(at), nextOffset);
      if (status != kOk) return status;
      nextOffset = batches_->back().lastOffset + 1;
      at += static_cast<size_t>(batches_->back().sizeBytes);
    }
    outcome_->nextOffset = nextOffset;
    return kOk;
  }

 private:
  Status batch(const uint8_t* bytes, size_t remaining, int64_t position, int64_t nextOffset) {
    const Status framing = readFraming(bytes, remaining);
    if (framing != kOk) return framing;
    const int64_t baseOffset = plan_.keepOffsets ? header_.baseOffset : nextOffset;
    if (!offsetsFit(baseOffset, header_.lastOffsetDelta, nextOffset, target_.baseOffset)) return kOffsetOutOfOrder;
    if (position + header_.sizeBytes > kPositionMax) return kOffsetOutOfOrder;
    const Status shape = checkShape();
    if (shape != kOk) {
      outcome_->badRecordIndex = outcome_->records;
      return shape;
    }
    const size_t covered = static_cast<size_t>(header_.sizeBytes) - field::kAttributes;
    if (plan_.checkCrc && crc32c(0, bytes + field::kAttributes, covered) != header_.crc) return kCorruptChecksum;
    CheckedBatch& checked = batches_->emplace_back();
    checked.sizeBytes = header_.sizeBytes;
    checked.lastOffset = baseOffset + header_.lastOffsetDelta;
    checked.maxTimestampMs = header_.maxTimestampMs;
    const Status status = settleTimestamp(bytes, baseOffset, &checked);
    if (status != kOk) return status;
    if (!plan_.keepOffsets) patch(bytes, baseOffset, &checked);
    outcome_->records += header_.records;
    return kOk;
  }

  Status readFraming(const uint8_t* bytes, size_t remaining) {
    if (remaining <= field::kMagic) return kCorruptHeader;
    if (bytes[field::kMagic] != 2) return kUnsupportedMagic;
    if (remaining < kHeaderBytes) return kCorruptHeader;
    header_.read(bytes);
    if (header_.sizeBytes < static_cast<int64_t>(kHeaderBytes) || header_.sizeBytes > static_cast<int64_t>(remaining)) return kCorruptHeader;
    if (header_.sizeBytes > plan_.batchSizeMaxBytes) return kBatchTooLarge;
    return header_.lastOffsetDelta < 0 || header_.records < 0 ? kCorruptHeader : kOk;
  }

  // Counts, codec and timestamps as the header states them.
  Status checkShape() const {
    const int64_t span = static_cast<int64_t>(header_.lastOffsetDelta) + 1;
    if (plan_.keepOffsets ? header_.records > span : header_.records != span) return kInvalidRecord;
    if ((header_.attributes & kCodecMask) > kCodecMax) return kInvalidRecord;
    if (!isSafe(header_.baseTimestampMs) || !isSafe(header_.maxTimestampMs)) return kInvalidTimestamp;
    const bool producerStampedAppendTime = !plan_.keepOffsets && plan_.checkRecords && (header_.attributes & kLogAppendTime) != 0;
    return producerStampedAppendTime ? kInvalidTimestamp : kOk;
  }

  // Walks the records where asked to, and settles the batch's largest timestamp and who has it.
  Status settleTimestamp(const uint8_t* bytes, int64_t baseOffset, CheckedBatch* checked) {
    int64_t offsetOfMax = checked->lastOffset;
    const bool hasGaps = plan_.keepOffsets && header_.records != header_.lastOffsetDelta + 1;
    if (plan_.checkRecords && (header_.attributes & kCodecMask) == 0 && !hasGaps) {
      const bool appendTime = plan_.logAppendTimeMs >= 0 || (header_.attributes & kLogAppendTime) != 0;
      const bool unbounded = appendTime || plan_.keepOffsets;
      const RecordPlan records{plan_.requireKeys, header_.baseTimestampMs, unbounded ? INT64_MIN : plan_.timestampMin,
                               unbounded ? INT64_MAX : plan_.timestampMax};
      RecordResult walked;
      const size_t length = static_cast<size_t>(header_.sizeBytes) - kHeaderBytes;
      const Status status = tidelog::checkRecords(bytes + kHeaderBytes, length, header_.records, records, &walked);
      if (status != kOk) {
        outcome_->badRecordIndex = outcome_->records + walked.badRecordIndex;
        return status;
      }
      if (!unbounded) checked->maxTimestampMs = walked.maxTimestampMs;
      if (!appendTime && walked.offsetDeltaOfMaxTimestamp >= 0) offsetOfMax = baseOffset + walked.offsetDeltaOfMaxTimestamp;
    }
    if (!plan_.keepOffsets && plan_.logAppendTimeMs >= 0) {
      checked->maxTimestampMs = plan_.logAppendTimeMs;
      offsetOfMax = baseOffset;
    }
    if (checked->maxTimestampMs > outcome_->maxTimestampMs) {
      outcome_->maxTimestampMs = checked->maxTimestampMs;
      outcome_->offsetOfMaxTimestamp = offsetOfMax;
    }
    return kOk;
  }

  // A copy of the header with offset and epoch and, where the CRC covers a change, with a new CRC derived from the old one.
  void patch(const uint8_t* bytes, int64_t baseOffset, CheckedBatch* checked) {
    uint8_t* copy = checked->header;
    memcpy(copy, bytes, kHeaderBytes);
    storeBig64(copy, static_cast<uint64_t>(baseOffset));
    storeBig32(copy + field::kLeaderEpoch, static_cast<uint32_t>(plan_.leaderEpoch));
    const int16_t attributes =
        plan_.logAppendTimeMs >= 0 ? static_cast<int16_t>(header_.attributes | kLogAppendTime) : header_.attributes;
    if (attributes == header_.attributes && checked->maxTimestampMs == header_.maxTimestampMs) return;
    storeBig16(copy + field::kAttributes, static_cast<uint16_t>(attributes));
    storeBig64(copy + field::kMaxTimestamp, static_cast<uint64_t>(checked->maxTimestampMs));
    renewCrc(bytes, copy);
  }

  void renewCrc(const uint8_t* bytes, uint8_t* copy) const {
    constexpr size_t covered = kHeaderBytes - field::kAttributes;
    const size_t body = static_cast<size_t>(header_.sizeBytes) - kHeaderBytes;
    const uint32_t after = crc32c(0, copy + field::kAttributes, covered);
    if (!plan_.checkCrc) {
      storeBig32(copy + field::kCrc, crc32c(after, bytes + kHeaderBytes, body));
      return;
    }
    const uint32_t difference = after ^ crc32c(0, bytes + field::kAttributes, covered);
    storeBig32(copy + field::kCrc, header_.crc ^ crc32cShift(difference, body));
  }

  const AppendPlan& plan_;
  const AppendTarget& target_;
  std::vector<CheckedBatch>* batches_;
  AppendOutcome* outcome_;
  BatchHeader header_;
};

}  // namespace

bool BatchHeader::isPlausible(int64_t offsetMin, int64_t segmentBaseOffset) const {
  return magic == 2 && sizeBytes >= static_cast<int64_t>(kHeaderBytes) && lastOffsetDelta >= 0 && records >= 0 &&
         records <= static_cast<int64_t>(lastOffsetDelta) + 1 && offsetsFit(baseOffset, lastOffsetDelta, offsetMin, segmentBaseOffset) &&
         isSafe(maxTimestampMs) && isSafe(baseTimestampMs);
}

Status checkAppend(const uint8_t* bytes, size_t length, const AppendPlan& plan, const AppendTarget& target,
                   std::vector<CheckedBatch>* batches, AppendOutcome* outcome) {
  batches->clear();
  *outcome = AppendOutcome{target.nextOffset, 0, -1, -1, -1};
  return AppendChecker(plan, target, batches, outcome).run(bytes, length);
}

}  // namespace tidelog
