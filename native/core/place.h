// Finds where the records of a batch v2 keep what they have.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tidelog {

// One row of the column of places. Places are bytes from the start of `bytes`; a length of -1 means null.
enum PlaceField : int {
  kPlaceOffsetDelta,
  // From the length of the key to the end: what does not depend on the record's place in its batch.
  kPlaceContentStart,
  kPlaceKeyStart,
  kPlaceKeyLength,
  kPlaceValueStart,
  kPlaceValueLength,
  kPlaceHeadersStart,
  kPlaceHeaders,
  kPlaceEnd,
  kPlaceFields,
};

struct PlacePlan {
  // The first record starts at `from`; no record reaches past `end`, which is within int32.
  size_t from;
  size_t end;
  // Offset deltas ascend after this one, up to the last.
  int32_t previousOffsetDelta;
  int32_t lastOffsetDelta;
  int32_t rowsMax;
};

// Fills a row and a timestamp delta a record, and returns how many: `rowsMax`, or fewer where a record does not fit its length, or spells something in a way that
// hardly any does. Such a record is left to whoever can say what is wrong with it.
int32_t placeRecords(const uint8_t* bytes, const PlacePlan& plan, int32_t* rows, double* timestampDeltas);

}  // namespace tidelog
