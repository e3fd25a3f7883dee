// Outcomes of an append: the same numbers as AppendStatus in src/base/disk.ts.
#pragma once

namespace tidelog {

enum Status : int {
  kOk = 0,
  kCorruptHeader = -1,
  kCorruptChecksum = -2,
  kUnsupportedMagic = -3,
  kInvalidRecord = -4,
  kInvalidTimestamp = -5,
  kMissingKey = -6,
  kBatchTooLarge = -7,
  kOffsetOutOfOrder = -8,
  kDiskFull = -9,
  kIoError = -10,
  kClosed = -11,
  // Checked and copied; ends when its write on another thread has. Never leaves src/storage/disk.
  kPending = 1,
};

}  // namespace tidelog
