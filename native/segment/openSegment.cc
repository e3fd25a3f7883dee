#include "openSegment.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

namespace tidelog {

namespace {

// Entries kept back before they are written behind the appends.
constexpr size_t kUnwrittenEntriesMax = 256;
bool isFullDisk(int error) {
#ifdef EDQUOT
  return error == ENOSPC || error == EDQUOT;
#else
  return error == ENOSPC;
#endif
}

}  // namespace

OpenSegment::OpenSegment(Store* store, uint32_t owner, std::string group, SegmentPaths paths, const SegmentSettings& settings)
    : store_(store),
      group_(std::move(group)),
      settings_(settings),
      state_(settings.baseOffset, settings.indexIntervalBytes, settings.indexSizeMaxBytes),
      log_(store->descriptors(), std::move(paths.log), !settings.readOnly),
      index_(std::move(paths.index)),
      timeIndex_(std::move(paths.timeIndex)),
      ahead_(settings.preallocateBytes, settings.segmentSizeMaxBytes) {
  log_.owner = owner;
  flushFile_->owner = indexFlush_->owner = timeIndexFlush_->owner = owner;
}

OpenSegment::~OpenSegment() { store_->unmapped(this); }

int OpenSegment::open() {
  int64_t size = fileSize(log_.path().c_str());
  if (size == -ENOENT && !settings_.readOnly) {
    const int fd = openFile(log_.path().c_str(), true, true);
    if (fd < 0) return -fd;
    log_.adopt(std::make_shared<Descriptor>(fd));
    size = 0;
  }
  if (size < 0) return static_cast<int>(-size);
  state_.sizeBytes = size;
  if (const int error = index_.open(!settings_.readOnly); error != 0) return error;
  return timeIndex_.open(!settings_.readOnly);
}

int OpenSegment::loadIndexes() {
  if (indexesLoaded_) return 0;
  indexesLoaded_ = true;
  // Too short for entries but the latest time, which the walk to its end tells too: a bit that turned over there must not be believed.
  if (!settings_.readOnly && state_.sizeBytes <= settings_.indexIntervalBytes) {
    index_.keep(0);
    timeIndex_.keep(0);
    return 0;
  }
  int error = index_.load(&state_.index.offsets);
  if (error == 0) error = timeIndex_.load(&state_.index.times);
  const bool whole = index_.fileBytes() % kOffsetEntryBytes == 0 && timeIndex_.fileBytes() % kTimeEntryBytes == 0;
  if (error != 0 || !whole || !state_.index.endsLookSane(state_.sizeBytes)) {
    state_.distrustIndex();
    index_.keep(0);
    timeIndex_.keep(0);
  }
  return error;
}

void OpenSegment::learnTail() {
  if (loadIndexes() != 0) failed_ = true;
  if (tailKnown_) return;
  tailKnown_ = true;
  if (state_.sizeBytes > 0) withHeaders(false, [this](HeaderSource* source) { state_.learnTail(source); });
  index_.keep(state_.index.offsets.sizeBytes());
  timeIndex_.keep(state_.index.times.sizeBytes());
}

Status OpenSegment::append(const uint8_t* bytes, size_t length, const AppendPlan& plan, AppendOutcome* outcome, int64_t* position,
                           int* error) {
  *error = 0;
  if (closed_ || sealed_ || settings_.readOnly || staged_ || failed()) return kClosed;
  if (!tailKnown_ || !indexesLoaded_) learnTail();
  const AppendTarget target{state_.baseOffset, state_.figures.nextOffset, state_.sizeBytes};
  const Status status = checkAppend(bytes, length, plan, target, &store_->batches, outcome);
  if (status != kOk) return status;
  *position = state_.sizeBytes;
  gather(bytes, length, !plan.keepOffsets);
  if (store_->pace()->shouldHandOff(length) || !ahead_.claim(state_.sizeBytes + static_cast<int64_t>(length))) {
    stage(length);
    return kPending;
  }
  *error = writeLog(state_.sizeBytes, length);
  return written(*error, static_cast<int64_t>(length));
}

Status OpenSegment::written(int error, int64_t length) {
  if (error != 0) return writeFailed(error, state_.sizeBytes);
  countBatches();
  unsyncedBytes_ += length;
  store_->unsyncedBytes += length;
  if (state_.index.offsets.sizeBytes() >= index_.writtenBytes() + kUnwrittenEntriesMax * kOffsetEntryBytes) writeIndexes();
  int openError = 0;
  if (ahead_.wantsMore(state_.sizeBytes)) ahead_.keepMore(state_.sizeBytes, log_.open(&openError), store_->ahead());
  return kOk;
}

void OpenSegment::gather(const uint8_t* bytes, size_t length, bool patched) {
  auto& pieces = store_->pieces;
  pieces.clear();
  if (patched) {
    for (CheckedBatch& batch : store_->batches) {
      pieces.push_back({batch.header, kHeaderBytes});
      const size_t body = static_cast<size_t>(batch.sizeBytes) - kHeaderBytes;
      if (body > 0) pieces.push_back({const_cast<uint8_t*>(bytes) + kHeaderBytes, body});
      bytes += batch.sizeBytes;
    }
  } else {
    pieces.push_back({const_cast<uint8_t*>(bytes), length});
  }
}

int OpenSegment::writeLog(int64_t position, size_t length) {
  int error = 0;
  const DescriptorRef& descriptor = log_.open(&error);
  if (!descriptor) return error;
  log_.unsynced = true;
  const int64_t start = WritePace::now();
  error = writeFully(descriptor->fd(), store_->pieces.data(), store_->pieces.size(), position);
  store_->pace()->note(length, start, WritePace::now());
  return error;
}

void OpenSegment::stage(size_t length) {
  staged_ = std::make_shared<std::vector<uint8_t>>(store_->takeStaging());
  staged_->clear();
  staged_->reserve(length);
  for (const struct iovec& piece : store_->pieces) {
    const uint8_t* from = static_cast<const uint8_t*>(piece.iov_base);
    staged_->insert(staged_->end(), from, from + piece.iov_len);
  }
  stagedBatches_ = store_->batches;
}

void OpenSegment::startWrite(uint32_t token) {
  int error = 0;
  DescriptorRef descriptor = log_.open(&error);
  EventSink* events = store_->events();
  if (!descriptor) {
    events->push({token, error, 0});
    return;
  }
  log_.unsynced = true;
  store_->writers()->post([descriptor = std::move(descriptor), staged = staged_, kept = ahead_.toClaim(), position = state_.sizeBytes, pace = store_->pace(), token, events] {
    struct iovec piece = {staged->data(), staged->size()};
    if (kept) AheadSpace::claimWaiting(kept.get(), position + static_cast<int64_t>(staged->size()));
    const int64_t start = WritePace::now();
    const int failed = writeFully(descriptor->fd(), &piece, 1, position);
    pace->note(staged->size(), start, WritePace::now());
    events->push({token, failed, 0});
  });
}

Status OpenSegment::finishWrite(int error) {
  const int64_t length = static_cast<int64_t>(staged_->size());
  stagedBatches_.swap(store_->batches);
  // The thread may still hold its reference for a moment: only the last one may reuse the memory.
  if (staged_.use_count() == 1) store_->giveStaging(std::move(*staged_));
  staged_.reset();
  if (closed_) return kClosed;
  // A sync that came meanwhile did not cover it.
  log_.unsynced = true;
  return written(error, length);
}

// Cuts what was written before the error; a full disk leaves the segment usable.
Status OpenSegment::writeFailed(int error, int64_t position) {
  int openError = 0;
  const DescriptorRef& descriptor = log_.open(&openError);
  // The cut gives back what is kept ahead, too.
  ahead_.restart(position);
  const bool cut = descriptor && cutFile(descriptor->fd(), position) == 0;
  if (cut && isFullDisk(error)) return kDiskFull;
  failed_ = true;
  return kIoError;
}

void OpenSegment::countBatches() {
  int64_t position = state_.sizeBytes;
  for (const CheckedBatch& batch : store_->batches) {
    state_.count(position, batch.lastOffset, batch.maxTimestampMs);
    position += batch.sizeBytes;
  }
  state_.sizeBytes = position;
}

bool OpenSegment::locateOffset(int64_t offset, BatchPosition* found) {
  if (closed_) return false;
  learnTail();
  bool hit = false;
  withHeaders(true, [&](HeaderSource* source) { hit = state_.locateOffset(source, offset, found); });
  return hit;
}

bool OpenSegment::locateTimestamp(int64_t timestampMs, int64_t fromOffset, BatchPosition* found) {
  if (closed_) return false;
  learnTail();
  bool hit = false;
  withHeaders(true, [&](HeaderSource* source) { hit = state_.locateTimestamp(source, timestampMs, fromOffset, found); });
  return hit;
}

Located OpenSegment::locateRecord(int64_t timestampMs, int64_t fromOffset, BatchPosition* found, RecordFound* record) {
  while (locateTimestamp(timestampMs, fromOffset, found)) {
    int error = 0;
    const MappingRef& mapped = mapping(&error);
    if (!mapped || found->position + found->sizeBytes > static_cast<int64_t>(mapped->length())) return kLocatedBatch;
    const uint8_t* bytes = mapped->bytes() + found->position;
    BatchHeader header;
    header.read(bytes);
    if ((header.attributes & kCodecMask) != 0) return kLocatedBatch;
    Search search = Search::kFound;
    if ((header.attributes & kLogAppendTime) != 0) {
      *record = {found->baseOffset > fromOffset ? found->baseOffset : fromOffset, found->maxTimestampMs};
    } else {
      const size_t length = static_cast<size_t>(found->sizeBytes) - kHeaderBytes;
      search = findTimestamp(bytes + kHeaderBytes, length, header.records, header.baseOffset, header.baseTimestampMs, timestampMs, fromOffset, record);
    }
    // What lies in a lost page reads as zeros.
    if (search == Search::kMalformed || mapped->failed()) return kLocatedBatch;
    if (search == Search::kFound) return kLocatedRecord;
    // Its late records lie before `fromOffset`.
    fromOffset = found->lastOffset + 1;
  }
  return kLocatedNothing;
}

bool OpenSegment::indexesLookSane() {
  learnTail();
  bool sane = true;
  if (state_.sizeBytes > 0) withHeaders(false, [&](HeaderSource* source) { sane = state_.indexesLookSane(source); });
  return sane && state_.indexFilesLookSane;
}

int64_t OpenSegment::nextOffsetAt(int64_t position) {
  learnTail();
  int64_t nextOffset = state_.baseOffset;
  if (position > 0) withHeaders(false, [&](HeaderSource* source) { nextOffset = state_.nextOffsetAt(source, position); });
  return nextOffset;
}

const MappingRef& OpenSegment::mapping(int* error) {
  *error = 0;
  if (mapping_ && static_cast<int64_t>(mapping_->length()) >= state_.sizeBytes) return mapping_;
  dropMapping();
  const DescriptorRef& descriptor = log_.open(error);
  if (!descriptor) return mapping_;
  // Room for what will still be appended; a segment that outgrows it is mapped anew.
  const bool grows = !sealed_ && !settings_.readOnly && !closed_;
  int64_t length = state_.sizeBytes < 1 ? 1 : state_.sizeBytes;
  if (grows && settings_.segmentSizeMaxBytes > length) length = settings_.segmentSizeMaxBytes;
  if (grows && length < 2 * state_.sizeBytes && settings_.segmentSizeMaxBytes < state_.sizeBytes) length = 2 * state_.sizeBytes;
  mapping_ = Mapping::map(descriptor->fd(), static_cast<size_t>(length), error);
  if (mapping_) store_->mapped(this);
  return mapping_;
}

void OpenSegment::dropMapping() {
  store_->unmapped(this);
  if (mapping_ && mapping_->failed()) failed_ = true;
  if (mapping_) {
    formerMappings_.erase(std::remove_if(formerMappings_.begin(), formerMappings_.end(), [](const auto& former) { return former.expired(); }),
                          formerMappings_.end());
    if (mapping_.use_count() > 1) formerMappings_.push_back(mapping_);
    store_->release(std::move(mapping_));
    mapping_ = nullptr;
  }
  // Entries that lie in mapped index files are mapped again when needed.
  if (state_.index.offsets.isBorrowed() || state_.index.times.isBorrowed()) {
    const bool written = index_.writtenBytes() >= state_.index.offsets.sizeBytes() && timeIndex_.writtenBytes() >= state_.index.times.sizeBytes();
    if (!written || writeIndexes() != 0) return;
    indexesLoaded_ = false;
    state_.index.offsets.borrow(nullptr, 0);
    state_.index.times.borrow(nullptr, 0);
    store_->release(index_.dropMapping());
    store_->release(timeIndex_.dropMapping());
  }
}

int64_t OpenSegment::read(int64_t position, uint8_t* target, size_t length) {
  if (mapping_ && position + static_cast<int64_t>(length) <= static_cast<int64_t>(mapping_->length())) {
    memcpy(target, mapping_->bytes() + position, length);
    return mapping_->failed() ? -EIO : static_cast<int64_t>(length);
  }
  int error = 0;
  const DescriptorRef& descriptor = log_.open(&error);
  const int64_t got = descriptor ? readFully(descriptor->fd(), target, length, position) : -error;
  if (got != static_cast<int64_t>(length)) failed_ = true;
  return got;
}

bool OpenSegment::isResident(int64_t position, int64_t length) {
  int error = 0;
  const MappingRef& mapped = mapping(&error);
  size_t resident = 0;
  size_t pages = 0;
  if (!mapped || !mapped->residency(static_cast<size_t>(position), static_cast<size_t>(length), &resident, &pages)) return true;
  return resident == pages;
}

int OpenSegment::writeIndexes() {
  int error = index_.write(state_.index.offsets);
  if (error == 0) error = timeIndex_.write(state_.index.times);
  // On a full disk the entries stay in memory; a restart rebuilds what is missing.
  if (error != 0 && !isFullDisk(error)) failed_ = true;
  return error;
}

void OpenSegment::finishIndexes() {
  if (settings_.readOnly || failed()) return;
  state_.addLastTime();
  writeIndexes();
}

void OpenSegment::seal() {
  if (sealed_ || closed_) return;
  learnTail();
  sealed_ = true;
  finishIndexes();
  if (settings_.readOnly) return;
  if (ahead_.isUsed()) giveBackAhead();
}

// Zeros at once: the records after them must not be reached before, neither by readers nor by who sees the next segment after a crash.
void OpenSegment::giveBackAhead() {
  int error = 0;
  const DescriptorRef descriptor = log_.open(&error);
  const AheadSpace::Rest rest = ahead_.leave();
  const int64_t size = state_.sizeBytes;
  if (ahead_.isZeroing()) {
    if (!descriptor || AheadSpace::giveBack(rest, descriptor->fd(), size) != 0) failed_ = true;
    log_.unsynced = true;
  } else if (descriptor) {
    store_->housekeeping()->post([descriptor, rest, size] { AheadSpace::giveBack(rest, descriptor->fd(), size); });
  }
}

}  // namespace tidelog
