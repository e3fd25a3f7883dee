#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

namespace tidelog {

namespace {

// Every machine that the addon is built for is little-endian.
template <typename Number>
void append(std::string* out, Number number) {
  out->append(reinterpret_cast<const char*>(&number), sizeof number);
}

// The bytes of a file, false where it cannot be read: whoever needs them then asks again, and hears why.
bool readSmallFile(int folder, const char* name, int64_t sizeBytes, std::string* bytes) {
  const int fd = ::openat(folder, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  Descriptor opened(fd);
  bytes->resize(static_cast<size_t>(sizeBytes));
  const int64_t got = readFully(fd, bytes->data(), bytes->size(), 0);
  return got == sizeBytes;
}

void appendEntry(int folder, const std::string& name, const FileWishes& wishes, uint32_t* entries, std::string* out) {
  struct stat status;
  if (::fstatat(folder, name.c_str(), &status, 0) < 0) return;
  const bool isDirectory = S_ISDIR(status.st_mode);
  const int64_t sizeBytes = isDirectory ? 0 : static_cast<int64_t>(status.st_size);
  std::string bytes;
  const bool isRead = S_ISREG(status.st_mode) && sizeBytes <= wishes.sizeMaxBytes && wishes.includes(name) &&
                      readSmallFile(folder, name.c_str(), sizeBytes, &bytes);
  append(out, static_cast<uint8_t>(isDirectory));
  append(out, static_cast<uint16_t>(name.size()));
  append(out, static_cast<double>(sizeBytes));
  append(out, isRead ? static_cast<int32_t>(bytes.size()) : int32_t{-1});
  out->append(name);
  if (isRead) out->append(bytes);
  ++*entries;
}

}  // namespace

bool FileWishes::includes(const std::string& name) const {
  for (const std::string& wish : names) {
    if (wish.empty() || wish[0] != '*') {
      if (wish == name) return true;
    } else if (const size_t length = wish.size() - 1; name.size() >= length && name.compare(name.size() - length, length, wish, 1, length) == 0) {
      return true;
    }
  }
  return false;
}

void readFolder(const std::string& path, const FileWishes& wishes, std::string* out) {
  const size_t start = out->size();
  DIR* listing = ::opendir(path.c_str());
  append(out, static_cast<int32_t>(listing == nullptr ? errno : 0));
  if (listing == nullptr) return;
  uint32_t entries = 0;
  const size_t countAt = out->size();
  append(out, entries);
  errno = 0;
  while (const struct dirent* entry = ::readdir(listing)) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) appendEntry(::dirfd(listing), entry->d_name, wishes, &entries, out);
    errno = 0;
  }
  const int32_t error = errno;
  ::closedir(listing);
  if (error == 0) {
    out->replace(countAt, sizeof entries, reinterpret_cast<const char*>(&entries), sizeof entries);
  } else {
    out->resize(start);
    append(out, error);
  }
}

}  // namespace tidelog
