// Where a BatchWalk gets its headers.
#pragma once

#include "../core/segment.h"
#include "../port/file.h"
#include "../port/mapping.h"

namespace tidelog {

class MappedHeaders final : public HeaderSource {
 public:
  explicit MappedHeaders(const Mapping* mapping) : mapping_(mapping) {}
  const uint8_t* header(int64_t position, int64_t) override {
    return static_cast<size_t>(position) + kHeaderBytes <= mapping_->length() ? mapping_->bytes() + position : nullptr;
  }

 private:
  const Mapping* mapping_;
};

// Reads a chunk at a time: one system call for many small batches, one each for large ones.
class FileHeaders final : public HeaderSource {
 public:
  explicit FileHeaders(int fd) : fd_(fd) {}
  int error() const { return error_; }
  const uint8_t* header(int64_t position, int64_t end) override {
    if (position >= start_ && position + static_cast<int64_t>(kHeaderBytes) <= start_ + filled_) return chunk_ + (position - start_);
    const int64_t wanted = end - position < static_cast<int64_t>(sizeof chunk_) ? end - position : static_cast<int64_t>(sizeof chunk_);
    const int64_t got = readFully(fd_, chunk_, static_cast<size_t>(wanted), position);
    start_ = position;
    filled_ = got < 0 ? 0 : got;
    if (got < 0) error_ = static_cast<int>(-got);
    return filled_ >= static_cast<int64_t>(kHeaderBytes) ? chunk_ : nullptr;
  }

 private:
  int fd_;
  int error_ = 0;
  int64_t start_ = 0;
  int64_t filled_ = 0;
  uint8_t chunk_[4096];
};

}  // namespace tidelog
