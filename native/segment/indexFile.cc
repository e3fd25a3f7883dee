#include "indexFile.h"

#include <errno.h>

namespace tidelog {

namespace {

// Smaller files are read at once: cheaper than a mapping of their own.
constexpr int64_t kCopiedMaxBytes = 64 * 1024;

}  // namespace

int IndexFile::open(bool writable) {
  fileBytes_ = fileSize(path_.c_str());
  if (fileBytes_ == -ENOENT && writable) {
    const int fd = openFile(path_.c_str(), true, true);
    if (fd < 0) return -fd;
    Descriptor made(fd);
    fileBytes_ = 0;
  }
  if (fileBytes_ == -ENOENT) fileBytes_ = 0;
  if (fileBytes_ < 0) return static_cast<int>(-fileBytes_);
  writtenBytes_ = static_cast<size_t>(fileBytes_);
  return 0;
}

int IndexFile::load(EntryList* entries) {
  int error = 0;
  if (fileBytes_ == 0) {
    entries->borrow(nullptr, 0);
  } else if (fileBytes_ <= kCopiedMaxBytes) {
    const std::string bytes = readWholeFile(path_.c_str(), fileBytes_, &error);
    entries->adopt(std::vector<uint8_t>(bytes.begin(), bytes.end()));
  } else {
    const int fd = openFile(path_.c_str(), false, false);
    if (fd < 0) return -fd;
    Descriptor opened(fd);
    mapping_ = Mapping::map(fd, static_cast<size_t>(fileBytes_), &error);
    if (mapping_) entries->borrow(mapping_->bytes(), static_cast<size_t>(fileBytes_));
  }
  return error;
}

int IndexFile::write(const EntryList& entries) {
  const bool tooLong = fileBytes_ > static_cast<int64_t>(writtenBytes_);
  if (!tooLong && writtenBytes_ >= entries.sizeBytes()) return 0;
  const int fd = openFile(path_.c_str(), true, true);
  if (fd < 0) return -fd;
  Descriptor opened(fd);
  dirty = true;
  if (tooLong) {
    if (const int error = cutFile(fd, static_cast<int64_t>(writtenBytes_)); error != 0) return error;
    fileBytes_ = static_cast<int64_t>(writtenBytes_);
  }
  if (writtenBytes_ >= entries.sizeBytes()) return 0;
  struct iovec piece = {const_cast<uint8_t*>(entries.bytes()) + writtenBytes_, entries.sizeBytes() - writtenBytes_};
  const int error = writeFully(fd, &piece, 1, static_cast<int64_t>(writtenBytes_));
  if (error != 0) {
    // What was written of it is cut by the next attempt.
    fileBytes_ = static_cast<int64_t>(entries.sizeBytes());
    return error;
  }
  writtenBytes_ = entries.sizeBytes();
  fileBytes_ = static_cast<int64_t>(writtenBytes_);
  return 0;
}

}  // namespace tidelog
