// One index file, written behind the entries in memory; it holds exactly entries (docs/decisions/0002-index-files.md).
#pragma once

#include <string>

#include "../core/index.h"
#include "../port/file.h"
#include "../port/mapping.h"

namespace tidelog {

class IndexFile {
 public:
  explicit IndexFile(std::string path) : path_(std::move(path)) {}

  // Notes the file's size, or makes the file. 0 or errno.
  int open(bool writable);
  // Gives the entries the file's bytes: copied when few, else mapped. 0 or errno.
  int load(EntryList* entries);
  // Entries from `sizeBytes` on differ from the file.
  void keep(size_t sizeBytes) {
    if (sizeBytes < writtenBytes_) writtenBytes_ = sizeBytes;
  }
  size_t writtenBytes() const { return writtenBytes_; }
  int64_t fileBytes() const { return fileBytes_; }
  // Makes the file hold exactly the entries. 0 or errno.
  int write(const EntryList& entries);
  // Changed since the last sync.
  bool dirty = false;

  const std::string& path() const { return path_; }
  void moveTo(std::string path) { path_ = std::move(path); }
  MappingRef dropMapping() { return std::move(mapping_); }

 private:
  std::string path_;
  // The file starts with this many bytes of the entries in memory.
  size_t writtenBytes_ = 0;
  int64_t fileBytes_ = 0;
  MappingRef mapping_;
};

}  // namespace tidelog
