#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include "retrying.h"

namespace tidelog {

namespace {

constexpr mode_t kFileMode = 0644;
constexpr size_t kDescriptorsMin = 8;
constexpr size_t kDescriptorsMax = 65536;
#ifdef IOV_MAX
constexpr size_t kPiecesMax = IOV_MAX;
#else
constexpr size_t kPiecesMax = 1024;
#endif

#if defined(__linux__)
constexpr long kXfsMagic = 0x58465342;

bool kernelIsAtLeast(int major, int minor) {
  struct utsname names;
  int haveMajor = 0;
  int haveMinor = 0;
  if (::uname(&names) < 0 || sscanf(names.release, "%d.%d", &haveMajor, &haveMinor) != 2) return false;
  return haveMajor > major || (haveMajor == major && haveMinor >= minor);
}
#endif

template <typename Call>
int errorOf(Call call) {
  return retrying(call) < 0 ? errno : 0;
}

}  // namespace

Descriptor::~Descriptor() { ::close(fd_); }

int openFile(const char* path, bool writable, bool create) {
  const int flags = (writable ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_CLOEXEC;
  const int fd = retrying([&] { return ::open(path, flags, kFileMode); });
  return fd < 0 ? -errno : fd;
}

int64_t fileSize(const char* path) {
  struct stat status;
  return ::stat(path, &status) < 0 ? -errno : static_cast<int64_t>(status.st_size);
}

int64_t descriptorSize(int fd) {
  struct stat status;
  return ::fstat(fd, &status) < 0 ? -errno : static_cast<int64_t>(status.st_size);
}

int writeFully(int fd, struct iovec* pieces, size_t count, int64_t position) {
  while (count > 0) {
    const int batch = static_cast<int>(count < kPiecesMax ? count : kPiecesMax);
    ssize_t written = retrying([&] { return ::pwritev(fd, pieces, batch, position); });
    if (written < 0) return errno;
    if (written == 0 && pieces->iov_len > 0) return EIO;
    position += written;
    for (; count > 0 && static_cast<size_t>(written) >= pieces->iov_len; pieces++, count--) written -= static_cast<ssize_t>(pieces->iov_len);
    if (count == 0) break;
    pieces->iov_base = static_cast<char*>(pieces->iov_base) + written;
    pieces->iov_len -= static_cast<size_t>(written);
  }
  return 0;
}

int64_t readFully(int fd, void* target, size_t length, int64_t position) {
  size_t done = 0;
  while (done < length) {
    const ssize_t got =
        retrying([&] { return ::pread(fd, static_cast<char*>(target) + done, length - done, position + static_cast<int64_t>(done)); });
    if (got < 0) return -errno;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<int64_t>(done);
}

int syncData(int fd) {
#if defined(__APPLE__)
  return errorOf([&] { return ::fcntl(fd, F_FULLFSYNC); });
#else
  return errorOf([&] { return ::fdatasync(fd); });
#endif
}

int syncFileSystem(int fd) {
#if defined(__linux__)
  static const bool tellsErrors = kernelIsAtLeast(5, 8);
  return tellsErrors ? errorOf([&] { return ::syncfs(fd); }) : ENOTSUP;
#else
  (void)fd;
  return ENOTSUP;
#endif
}

int reserveBlocks(int fd, int64_t from, int64_t length) {
#if defined(__linux__)
  return errorOf([&] { return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, from, length); });
#else
  (void)fd, (void)from, (void)length;
  return ENOTSUP;
#endif
}

int cutFile(int fd, int64_t sizeBytes) {
  return errorOf([&] { return ::ftruncate(fd, sizeBytes); });
}

bool writesInPlace(int fd) {
#if defined(__linux__)
  struct statfs status;
  if (::fstatfs(fd, &status) < 0) return false;
  return status.f_type == EXT4_SUPER_MAGIC || status.f_type == kXfsMagic;
#else
  (void)fd;
  return false;
#endif
}

int openAgain(int fd) {
#if defined(__linux__)
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return openFile(path, true, false);
#else
  (void)fd;
  return -ENOTSUP;
#endif
}

int lockWholeFile(int fd) {
#if defined(F_OFD_SETLK)
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const int error = errorOf([&] { return ::fcntl(fd, F_OFD_SETLK, &lock); });
  return error == EACCES ? EAGAIN : error;
#else
  const int error = errorOf([&] { return ::flock(fd, LOCK_EX | LOCK_NB); });
  return error == EWOULDBLOCK ? EAGAIN : error;
#endif
}

std::string readWholeFile(const char* path, int64_t sizeBytes, int* error) {
  std::string bytes;
  const int fd = openFile(path, false, false);
  *error = fd < 0 ? -fd : 0;
  if (fd < 0) return bytes;
  bytes.resize(static_cast<size_t>(sizeBytes));
  const int64_t got = readFully(fd, bytes.data(), bytes.size(), 0);
  ::close(fd);
  if (got < 0) *error = static_cast<int>(-got);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

LazyFile::~LazyFile() {
  if (descriptor_) cache_->remove(this);
}

const DescriptorRef& LazyFile::open(int* error) {
  *error = 0;
  if (descriptor_) {
    cache_->touch(this);
    return descriptor_;
  }
  const int fd = openFile(path_.c_str(), writable_, false);
  if (fd < 0) {
    *error = -fd;
  } else {
    adopt(std::make_shared<Descriptor>(fd));
  }
  return descriptor_;
}

void LazyFile::adopt(DescriptorRef descriptor) {
  descriptor_ = std::move(descriptor);
  cache_->add(this);
}

DescriptorRef LazyFile::drop() {
  if (descriptor_) cache_->remove(this);
  return std::move(descriptor_);
}

void DescriptorCache::add(LazyFile* file) {
  recent_.push_front(file);
  file->place_ = recent_.begin();
  while (recent_.size() > limit_ && recent_.size() > 1) {
    LazyFile* oldest = recent_.back();
    recent_.pop_back();
    evict_(context_, std::move(oldest->descriptor_), oldest->unsynced, oldest->owner);
  }
}

size_t descriptorLimit() {
  struct rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return kDescriptorsMin;
  // The rest is for connections and for what the process itself has open.
  const size_t quarter = limit.rlim_cur == RLIM_INFINITY ? kDescriptorsMax : static_cast<size_t>(limit.rlim_cur) / 4;
  return quarter < kDescriptorsMin ? kDescriptorsMin : (quarter > kDescriptorsMax ? kDescriptorsMax : quarter);
}

}  // namespace tidelog
