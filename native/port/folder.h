// Folders read in one go: names, sizes, and the bytes of small files. Errors are errno values.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

namespace tidelog {

// Which files are read, not only listed.
struct FileWishes {
  // Whole names; one that begins with '*' stands for every name that ends with what follows.
  std::vector<std::string> names;
  int64_t sizeMaxBytes = 0;

  bool includes(const std::string& name) const;
};

// Appends what the folder holds, numbers little-endian: int32 errno (nothing follows unless 0), uint32 entries, and for each one
// uint8 isDirectory, uint16 length of the name, double sizeBytes, int32 length of the bytes (-1: not read), name, bytes.
// What vanished meanwhile is left out.
void readFolder(const std::string& path, const FileWishes& wishes, std::string* out);

}  // namespace tidelog
