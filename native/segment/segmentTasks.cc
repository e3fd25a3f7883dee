// The parts of OpenSegment that begin on the JavaScript thread and end on another one, with an event.
#include <errno.h>
#include <unistd.h>

#include "../port/transfer.h"
#include "openSegment.h"
#include "scan.h"

namespace tidelog {

void OpenSegment::load(int64_t position, int64_t length, uint32_t token) {
  int error = 0;
  const DescriptorRef descriptor = log_.open(&error);
  const uint32_t owner = log_.owner;
  EventSink* events = store_->events();
  if (!descriptor) {
    events->push({token, error, owner});
    return;
  }
  store_->work()->post([=] {
    const int error = loadPages(descriptor->fd(), position, length);
    events->push({token, error, error != 0 ? owner : 0});
  });
}

int OpenSegment::truncate(int64_t sizeBytes, uint32_t token) {
  learnTail();
  const int64_t before = state_.sizeBytes;
  bool cut = true;
  withHeaders(false, [&](HeaderSource* source) { cut = state_.cutTo(source, sizeBytes); });
  if (!cut) return EINVAL;
  int error = 0;
  const DescriptorRef descriptor = log_.open(&error);
  if (!descriptor) return error;
  formerMappings_.push_back(mapping_);
  for (const auto& former : formerMappings_) {
    const MappingRef read = former.lock();
    // Our own reference and this one: nobody else reads it.
    if (!read || (read == mapping_ && read.use_count() <= 2)) continue;
    if (error = read->copyOut(static_cast<size_t>(sizeBytes), static_cast<size_t>(before)); error != 0) return error;
  }
  dropMapping();
  index_.keep(state_.index.offsets.sizeBytes());
  timeIndex_.keep(state_.index.times.sizeBytes());
  writeIndexes();
  sealed_ = false;
  ahead_.restart(sizeBytes);
  log_.unsynced = false;
  forgetUnsynced();
  store_->work()->post([descriptor, sizeBytes, token, owner = log_.owner, events = store_->events(), index = index_.path(), time = timeIndex_.path()] {
    int error = cutFile(descriptor->fd(), sizeBytes);
    if (error == 0 && ::fsync(descriptor->fd()) < 0) error = errno;
    for (const std::string& path : {index, time}) {
      const int fd = openFile(path.c_str(), true, false);
      if (fd < 0) continue;
      Descriptor opened(fd);
      if (const int failed = syncData(fd); failed != 0 && error == 0) error = failed;
    }
    events->push({token, error, error != 0 ? owner : 0});
  });
  return 0;
}

void OpenSegment::rebuildIndexes(uint32_t token) {
  int error = 0;
  const DescriptorRef descriptor = log_.open(&error);
  const uint32_t owner = log_.owner;
  EventSink* events = store_->events();
  if (!descriptor) {
    events->push({token, error, owner});
    return;
  }
  rebuilt_ = std::make_shared<SegmentState>(settings_.baseOffset, settings_.indexIntervalBytes, settings_.indexSizeMaxBytes);
  rebuilt_->sizeBytes = state_.sizeBytes;
  store_->work()->post([descriptor, rebuilt = rebuilt_, token, owner, events] {
    FileHeaders headers(descriptor->fd());
    rebuilt->rebuild(&headers);
    events->push({token, headers.error(), headers.error() != 0 ? owner : 0});
  });
}

void OpenSegment::adoptRebuilt() {
  if (!rebuilt_ || closed_) return;
  tailKnown_ = true;
  indexesLoaded_ = true;
  state_.figures = rebuilt_->figures;
  state_.index.offsets = std::move(rebuilt_->index.offsets);
  state_.index.times = std::move(rebuilt_->index.times);
  state_.indexFilesLookSane = true;
  rebuilt_.reset();
  store_->release(index_.dropMapping());
  store_->release(timeIndex_.dropMapping());
  index_.keep(0);
  timeIndex_.keep(0);
  finishIndexes();
}

void OpenSegment::scan(int64_t fromPosition, int64_t nextOffset, double* rows, int64_t rowsMax, double* summary, uint32_t token) {
  int error = 0;
  const DescriptorRef descriptor = log_.open(&error);
  const uint32_t owner = log_.owner;
  EventSink* events = store_->events();
  if (!descriptor) {
    events->push({token, error, owner});
    return;
  }
  const int64_t end = state_.sizeBytes;
  const int64_t baseOffset = state_.baseOffset;
  store_->work()->post([=] {
    ScanPlace place{fromPosition, nextOffset};
    const ScanStep step = scanStep(descriptor->fd(), baseOffset, end, &place, rows, rowsMax);
    summary[kSummaryRows] = static_cast<double>(step.rows);
    summary[kSummaryPosition] = static_cast<double>(place.position);
    summary[kSummaryNextOffset] = static_cast<double>(place.nextOffset);
    summary[kSummaryStop] = static_cast<int>(step.stop);
    events->push({token, step.error, step.error != 0 ? owner : 0});
  });
}

int OpenSegment::flushWishes(std::vector<Flusher::Wish>* wishes) {
  if (failed()) return EIO;
  if (closed_) return 0;
  int error = 0;
  const bool dirty = log_.unsynced;
  DescriptorRef descriptor;
  if (dirty) descriptor = log_.open(&error);
  if (error != 0) return error;
  log_.unsynced = false;
  if (dirty && !sealed_) ahead_.noteSync(unsyncedBytes_, store_->zeroAhead(), descriptor->fd());
  forgetUnsynced();
  wishes->push_back({flushFile_, std::move(descriptor), dirty});
  if (!sealed_) return 0;
  for (auto [index, file] : {std::pair{&index_, &indexFlush_}, std::pair{&timeIndex_, &timeIndexFlush_}}) {
    DescriptorRef opened;
    if (index->dirty) {
      const int fd = openFile(index->path().c_str(), true, false);
      if (fd < 0) return -fd;
      opened = std::make_shared<Descriptor>(fd);
    }
    wishes->push_back({*file, opened, index->dirty});
    index->dirty = false;
  }
  return 0;
}

void OpenSegment::forgetUnsynced() {
  store_->unsyncedBytes -= unsyncedBytes_;
  unsyncedBytes_ = 0;
}

void OpenSegment::shut() {
  closed_ = true;
  forgetUnsynced();
  dropMapping();
  store_->release(index_.dropMapping());
  store_->release(timeIndex_.dropMapping());
}

void OpenSegment::close(uint32_t token) {
  if (tailKnown_ && !settings_.readOnly) finishIndexes();
  int error = 0;
  const bool isKept = ahead_.isUsed() && !settings_.readOnly;
  // The next start takes the file's size for the segment's.
  const bool mustSync = isKept && ahead_.isZeroing();
  if (isKept) log_.open(&error);
  shut();
  store_->housekeeping()->post([descriptor = log_.drop(), rest = ahead_.leave(), isKept, mustSync, error, size = state_.sizeBytes, token, events = store_->events()]() mutable {
    if (isKept && error == 0) error = AheadSpace::giveBack(rest, descriptor->fd(), size);
    if (mustSync && error == 0) error = syncData(descriptor->fd());
    descriptor.reset();
    events->push({token, error, 0});
  });
}

void OpenSegment::remove(uint32_t token) {
  shut();
  store_->housekeeping()->post(
      [descriptor = log_.drop(), token, events = store_->events(), log = log_.path(), index = index_.path(), time = timeIndex_.path()]() mutable {
        int error = 0;
        for (const std::string& path : {log, index, time}) {
          if (::unlink(path.c_str()) < 0 && errno != ENOENT && error == 0) error = errno;
        }
        descriptor.reset();
        events->push({token, error, 0});
      });
}

void OpenSegment::moveTo(SegmentPaths paths) {
  log_.moveTo(std::move(paths.log));
  index_.moveTo(std::move(paths.index));
  timeIndex_.moveTo(std::move(paths.timeIndex));
}

}  // namespace tidelog
