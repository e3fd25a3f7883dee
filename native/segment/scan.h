// The scan of recovery: every header and every CRC, forward through the file.
#pragma once

#include <stdint.h>

#include "abi.h"

namespace tidelog {

// Where a scan is; one step after the other moves it on.
struct ScanPlace {
  int64_t position;
  int64_t nextOffset;
};

struct ScanStep {
  ScanStop stop;
  int error;
  int64_t rows;
};

// Checks batches until `rowsMax` are found, some megabytes are read, or there is no whole right one.
ScanStep scanStep(int fd, int64_t segmentBaseOffset, int64_t end, ScanPlace* place, double* rows, int64_t rowsMax);

}  // namespace tidelog
