#include "store.h"

#include "openSegment.h"

namespace tidelog {

namespace {

// More than this many at a time would keep as many descriptors open as there is a limit for.
constexpr size_t kEvictedSyncsMax = 16;
// Larger ones are rare, and not worth keeping.
constexpr size_t kStagingKeptBytes = 2 * 1024 * 1024;

// Closes what the descriptor cache gave up. Its data is still unsynced, and a later sync opens the file again; but a write error may be
// forgotten with the last descriptor, so that it is asked for now, off this thread, where that keeps up.
void closeEvicted(void* context, DescriptorRef descriptor, bool unsynced, uint32_t owner) {
  Store* store = static_cast<Store*>(context);
  if (!unsynced || store->evictedSyncs.load() >= kEvictedSyncsMax) return;
  store->evictedSyncs++;
  store->housekeeping()->post([store, descriptor = std::move(descriptor), owner]() mutable {
    const int error = syncData(descriptor->fd());
    descriptor.reset();
    store->evictedSyncs--;
    if (error != 0) store->events()->push({kNoToken, error, owner});
  });
}

void completeFlush(void* context, const FlushRequest& request) {
  static_cast<Store*>(context)->events()->push({request.token, request.error, request.error == 0 ? 0 : request.failedOwner});
}

}  // namespace

Store::Store(EventSink* events) : events_(events), descriptors_(descriptorLimit(), closeEvicted, this), mappingsMax_(mappingLimit() / 3) {}

Store::~Store() { stop(); }

Flusher* Store::flusher(const std::string& group) {
  auto& flusher = flushers_[group];
  if (!flusher) flusher = std::make_unique<Flusher>(completeFlush, this);
  return flusher.get();
}

std::vector<uint8_t> Store::takeStaging() {
  if (stagings_.empty()) return {};
  std::vector<uint8_t> staging = std::move(stagings_.back());
  stagings_.pop_back();
  return staging;
}

void Store::giveStaging(std::vector<uint8_t>&& staging) {
  if (stagings_.size() < kWritersMax && staging.capacity() <= kStagingKeptBytes) stagings_.push_back(std::move(staging));
}

void Store::release(MappingRef&& mapping) {
  if (!mapping) return;
  housekeeping_.post([mapping = std::move(mapping)]() mutable { mapping.reset(); });
}

void Store::mapped(OpenSegment* segment) {
  if (segment->hasMapPlace) {
    mappedSegments_.splice(mappedSegments_.begin(), mappedSegments_, segment->mapPlace);
    return;
  }
  mappedSegments_.push_front(segment);
  segment->mapPlace = mappedSegments_.begin();
  segment->hasMapPlace = true;
  while (mappedSegments_.size() > mappingsMax_) mappedSegments_.back()->dropMapping();
}

void Store::unmapped(OpenSegment* segment) {
  if (!segment->hasMapPlace) return;
  mappedSegments_.erase(segment->mapPlace);
  segment->hasMapPlace = false;
}

void Store::stop() {
  for (auto& [group, flusher] : flushers_) flusher->stop();
  writers_.stop();
  ahead_.stop();
  work_.stop();
  housekeeping_.stop();
}

}  // namespace tidelog
