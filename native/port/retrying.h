// System calls that a signal broke off are made again.
#pragma once

#include <errno.h>

namespace tidelog {

template <typename Call>
auto retrying(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace tidelog
