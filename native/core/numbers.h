// JavaScript numbers at the border.
#pragma once

#include <stdint.h>

namespace tidelog {

// Whole part of a JavaScript number; what does not fit becomes the nearest end of the range, NaN becomes 0.
inline int64_t toInt64(double value) {
  if (!(value == value)) return 0;
  if (value >= 9223372036854775807.0) return INT64_MAX;
  if (value <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<int64_t>(value);
}

}  // namespace tidelog
