#include "store.h"

#include "openSegment.h"

namespace tidelog {

namespace {

// Closes what the descriptor cache gave up; unsynced data is synced first, because a write error is only told to descriptors open at the time.
void closeEvicted(void* context, DescriptorRef descriptor, bool unsynced, uint32_t owner) {
  Store* store = static_cast<Store*>(context);
  store->housekeeping()->post([store, descriptor = std::move(descriptor), unsynced, owner]() mutable {
    const int error = unsynced ? syncData(descriptor->fd()) : 0;
    descriptor.reset();
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
  work_.stop();
  housekeeping_.stop();
}

}  // namespace tidelog
