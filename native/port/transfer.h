// What the kernel moves by itself: the bytes do not come through this process.
#pragma once

#include <stdint.h>

namespace tidelog {

// Brings a range of a file into the page cache and waits until all of it is there. 0 or errno.
int loadPages(int fd, int64_t position, int64_t length);

}  // namespace tidelog
