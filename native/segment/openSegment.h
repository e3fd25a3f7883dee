// A segment with its files: what src/storage/disk/nativeSegment.ts drives. All methods are for the JavaScript thread; what takes long is
// posted to the store's threads with descriptors of its own.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "../core/segment.h"
#include "abi.h"
#include "aheadSpace.h"
#include "headers.h"
#include "indexFile.h"
#include "store.h"

namespace tidelog {

struct SegmentPaths {
  std::string log;
  std::string index;
  std::string timeIndex;
};

struct SegmentSettings {
  int64_t baseOffset;
  int64_t indexIntervalBytes;
  int64_t indexSizeMaxBytes;
  int64_t segmentSizeMaxBytes;
  int64_t preallocateBytes;
  bool readOnly;
};

class OpenSegment {
 public:
  OpenSegment(Store* store, uint32_t owner, std::string group, SegmentPaths paths, const SegmentSettings& settings);
  ~OpenSegment();

  // 0 or errno.
  int open();
  // kPending: the bytes were copied; startWrite begins to write them, and finishWrite, after its event, says how it ended.
  Status append(const uint8_t* bytes, size_t length, const AppendPlan& plan, AppendOutcome* outcome, int64_t* position, int* error);
  void startWrite(uint32_t token);
  Status finishWrite(int error);
  // Loads indexes and figures of a segment that existed before.
  void learnTail();
  bool locateOffset(int64_t offset, BatchPosition* found);
  bool locateTimestamp(int64_t timestampMs, int64_t fromOffset, BatchPosition* found);
  // As locateTimestamp; where the batch is not compressed, down to the record.
  Located locateRecord(int64_t timestampMs, int64_t fromOffset, BatchPosition* found, RecordFound* record);
  bool indexesLookSane();
  int64_t nextOffsetAt(int64_t position);

  // A mapping that covers the valid end; null with `*error` set where there can be none.
  const MappingRef& mapping(int* error);
  // Copies bytes out. Returns how many, or a negative errno.
  int64_t read(int64_t position, uint8_t* target, size_t length);
  // Whether the range is in the page cache, as far as the system tells.
  bool isResident(int64_t position, int64_t length);
  void load(int64_t position, int64_t length, uint32_t token);

  void seal();
  // Cuts figures, entries and mappings at once, the files on another thread. 0 or errno (EINVAL: no batch ends there).
  int truncate(int64_t sizeBytes, uint32_t token);
  void rebuildIndexes(uint32_t token);
  // Takes over what rebuildIndexes found, after its event.
  void adoptRebuilt();
  void scan(int64_t fromPosition, int64_t nextOffset, double* rows, int64_t rowsMax, double* summary, uint32_t token);
  // What to sync for this segment: the log, and once sealed its indexes. 0 or errno.
  int flushWishes(std::vector<Flusher::Wish>* wishes);
  void close(uint32_t token);
  void remove(uint32_t token);
  void moveTo(SegmentPaths paths);

  // Gives up the mapping; who still reads it keeps it.
  void dropMapping();

  SegmentState& state() { return state_; }
  Store* store() { return store_; }
  const std::string& group() const { return group_; }
  bool failed() const { return failed_ || (mapping_ && mapping_->failed()); }
  void markFailed() { failed_ = true; }
  bool indexFull() const { return state_.index.isFull(); }

  // For Store's list of mapped segments.
  bool hasMapPlace = false;
  std::list<OpenSegment*>::iterator mapPlace;

 private:
  int writeLog(int64_t position, size_t length);
  // Lists what is to be written in store_->pieces.
  void gather(const uint8_t* bytes, size_t length, bool patched);
  void stage(size_t length);
  Status written(int error, int64_t length);
  int loadIndexes();
  Status writeFailed(int error, int64_t position);
  void countBatches();
  int writeIndexes();
  void finishIndexes();
  void giveBackAhead();
  void shut();
  void forgetUnsynced();
  // Calls `use` with headers from the mapping if there is (or can be) one, else from the file.
  template <typename Use>
  void withHeaders(bool preferMapping, Use use);

  Store* const store_;
  const std::string group_;
  const SegmentSettings settings_;
  SegmentState state_;
  LazyFile log_;
  IndexFile index_;
  IndexFile timeIndex_;
  MappingRef mapping_;
  // Mappings given up while somebody read them.
  std::vector<std::weak_ptr<Mapping>> formerMappings_;
  std::shared_ptr<FlushFile> flushFile_ = std::make_shared<FlushFile>();
  std::shared_ptr<FlushFile> indexFlush_ = std::make_shared<FlushFile>();
  std::shared_ptr<FlushFile> timeIndexFlush_ = std::make_shared<FlushFile>();
  AheadSpace ahead_;
  // This segment's part of store_->unsyncedBytes.
  int64_t unsyncedBytes_ = 0;
  std::shared_ptr<SegmentState> rebuilt_;
  // The append that is being written on another thread.
  std::shared_ptr<std::vector<uint8_t>> staged_;
  std::vector<CheckedBatch> stagedBatches_;
  bool indexesLoaded_ = false;
  bool tailKnown_ = false;
  bool sealed_ = false;
  bool closed_ = false;
  bool failed_ = false;
};

template <typename Use>
void OpenSegment::withHeaders(bool preferMapping, Use use) {
  int error = 0;
  if (mapping_ || preferMapping) {
    if (const MappingRef mapped = mapping(&error)) {
      MappedHeaders headers(mapped.get());
      use(&headers);
      return;
    }
  }
  const DescriptorRef descriptor = log_.open(&error);
  if (!descriptor) {
    failed_ = true;
    return;
  }
  FileHeaders headers(descriptor->fd());
  use(&headers);
  if (headers.error() != 0) failed_ = true;
}

}  // namespace tidelog
