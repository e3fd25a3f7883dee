#include "transfer.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#if defined(__linux__)
#include <sys/sendfile.h>
#endif

#include "file.h"
#include "retrying.h"

namespace tidelog {

namespace {

constexpr size_t kCopiedChunkBytes = 256 * 1024;
#if defined(__linux__)
// The smallest there is: of larger ones some are touched twice.
constexpr int64_t kPageBytes = 4096;
#endif

int copyPages(int fd, int64_t position, int64_t end) {
  const std::unique_ptr<uint8_t[]> chunk(new uint8_t[kCopiedChunkBytes]);
  for (int64_t at = position; at < end; at += static_cast<int64_t>(kCopiedChunkBytes)) {
    const size_t rest = static_cast<size_t>(end - at);
    const int64_t got = readFully(fd, chunk.get(), rest < kCopiedChunkBytes ? rest : kCopiedChunkBytes, at);
    if (got < 0) return static_cast<int>(-got);
  }
  return 0;
}

#if defined(__linux__)
// The first touch of memory that a virtual machine was just given can take as long as reading it: better here than where the bytes are sent.
int touchPages(int fd, int64_t position, int64_t end) {
  char byte;
  for (int64_t at = position; at < end; at += kPageBytes) {
    if (const int64_t got = readFully(fd, &byte, 1, at); got < 1) return static_cast<int>(-got);
  }
  return 0;
}

// Where pages go to be dropped: what hands them there waits for them, and copies nothing.
int nowhere() {
  static const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return fd;
}
#endif

}  // namespace

int loadPages(int fd, int64_t position, int64_t length) {
  const int64_t end = position + length;
  int64_t from = position;
#if defined(__linux__)
  off_t at = static_cast<off_t>(position);
  ssize_t passed = nowhere() < 0 ? -1 : 1;
  while (passed > 0 && at < end) passed = retrying([&] { return ::sendfile(nowhere(), fd, &at, static_cast<size_t>(end - at)); });
  if (passed >= 0) return touchPages(fd, position, static_cast<int64_t>(at));
  // A file system that passes nothing on, or a bad block, which shows its errno when read as any other.
  from = static_cast<int64_t>(at);
#endif
  return copyPages(fd, from, end);
}

}  // namespace tidelog
