// Files as the segments use them: errors are errno values, never exceptions.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace tidelog {

// A descriptor that is closed with its last owner, so that a thread may go on using one that was dropped meanwhile.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};
using DescriptorRef = std::shared_ptr<Descriptor>;

// The descriptor, or a negative errno.
int openFile(const char* path, bool writable, bool create);
// Size, or a negative errno.
int64_t fileSize(const char* path);
int64_t descriptorSize(int fd);
// 0 or errno. Writes everything, going on after short writes.
int writeFully(int fd, struct iovec* pieces, size_t count, int64_t position);
// Bytes read (fewer only at the end of the file), or a negative errno.
int64_t readFully(int fd, void* target, size_t length, int64_t position);
// 0 or errno; the data and what is needed to find it are on the medium.
int syncData(int fd);
// 0 or errno; everything written to the file system of `fd`. ENOTSUP where the system would not tell of a failed write.
int syncFileSystem(int fd);
// 0 or errno. Blocks past the end, without changing the size; ENOTSUP where the file system has no such thing.
int reserveBlocks(int fd, int64_t from, int64_t length);
int cutFile(int fd, int64_t sizeBytes);
// Whether the file system writes over what is there in place, so that this changes neither size nor extents. No where it is not known to.
bool writesInPlace(int fd);
// The same file by a descriptor that hears of errors by itself, or a negative errno; ENOTSUP where the system has no such thing.
int openAgain(int fd);
// 0, or errno: EAGAIN when another open file description (or a POSIX lock of another process) holds it.
int lockWholeFile(int fd);
std::string readWholeFile(const char* path, int64_t sizeBytes, int* error);

class DescriptorCache;

// A file that is opened when needed and closed when too many are open.
class LazyFile {
 public:
  LazyFile(DescriptorCache* cache, std::string path, bool writable) : cache_(cache), path_(std::move(path)), writable_(writable) {}
  ~LazyFile();
  LazyFile(const LazyFile&) = delete;
  LazyFile& operator=(const LazyFile&) = delete;

  // Null with `*error` set when it cannot be opened.
  const DescriptorRef& open(int* error);
  void adopt(DescriptorRef descriptor);
  DescriptorRef drop();
  const std::string& path() const { return path_; }
  void moveTo(std::string path) { path_ = std::move(path); }
  bool isOpen() const { return descriptor_ != nullptr; }

  // Written since the last sync.
  bool unsynced = false;
  // For whoever must hear of a failed sync on closing.
  uint32_t owner = 0;

 private:
  friend class DescriptorCache;
  DescriptorCache* cache_;
  std::string path_;
  bool writable_;
  DescriptorRef descriptor_;
  std::list<LazyFile*>::iterator place_;
};

// Bounds the open descriptors of one environment; the least recently used is closed. For one thread.
class DescriptorCache {
 public:
  // Called with a descriptor to close.
  using Evict = void (*)(void* context, DescriptorRef descriptor, bool unsynced, uint32_t owner);

  DescriptorCache(size_t limit, Evict evict, void* context) : limit_(limit), evict_(evict), context_(context) {}
  size_t limit() const { return limit_; }
  void setLimit(size_t limit) { limit_ = limit; }

 private:
  friend class LazyFile;
  void add(LazyFile* file);
  void touch(LazyFile* file) { recent_.splice(recent_.begin(), recent_, file->place_); }
  void remove(LazyFile* file) { recent_.erase(file->place_); }

  size_t limit_;
  Evict evict_;
  void* context_;
  std::list<LazyFile*> recent_;
};

// A share of RLIMIT_NOFILE.
size_t descriptorLimit();

}  // namespace tidelog
