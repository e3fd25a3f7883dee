// Read mappings of segment files, safe against pages that cannot be read.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "file.h"

namespace tidelog {

// A read-only mapping of a file, longer than the file may be today: bytes appended later show up. Touch only bytes that exist.
// A page that cannot be read (file cut behind us, bad block) turns into zeros and marks the mapping failed.
class Mapping {
 public:
  // Null with `*error` set when it cannot be made.
  static std::shared_ptr<Mapping> map(int fd, size_t length, int* error);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const uint8_t* bytes() const { return base_; }
  size_t length() const { return length_; }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  void markFailed() { failed_.store(true, std::memory_order_relaxed); }

  // Replaces the pages from `from` to `to` by a private copy, so that cutting the file does not touch those who still read them. 0 or errno.
  int copyOut(size_t from, size_t to);
  // The process forgets the pages of the range; they stay in the page cache and come back when touched. Keeps the resident set honest.
  void forgetPages(size_t from, size_t length);
  // Pages of the range that are in the page cache, of how many. False when the system cannot tell.
  bool residency(size_t from, size_t length, size_t* resident, size_t* pages) const;

 private:
  Mapping(uint8_t* base, size_t length) : base_(base), length_(length) {}
  uint8_t* base_;
  size_t length_;
  size_t slot_ = 0;
  std::atomic<bool> failed_{false};
  // Holds copyOut and forgetPages apart: private copies must never be forgotten.
  std::mutex mutex_;
  bool hasCopies_ = false;
};
using MappingRef = std::shared_ptr<Mapping>;

// How many pages could not be read since the process started. A word that readers compare before and after.
uint32_t* mappingFaults();

// How many mappings may be open in this process: a share of vm.max_map_count.
size_t mappingLimit();

}  // namespace tidelog
