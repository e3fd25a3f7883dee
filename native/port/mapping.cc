#include "mapping.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>
#include <vector>

namespace tidelog {

namespace {

constexpr size_t kMapCountDefault = 65530;
constexpr size_t kSlotsMax = 1 << 16;

// What the signal handler looks through: no lock, no allocation. A slot's start is set last and cleared first.
struct Slot {
  std::atomic<uintptr_t> start{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<Mapping*> mapping{nullptr};
};
Slot slots[kSlotsMax];
std::atomic<size_t> slotsUsed{0};
std::mutex slotsMutex;
std::vector<size_t> freeSlots;
alignas(64) uint32_t faults = 0;
struct sigaction previousAction;

size_t pageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

void passOn(int signal, siginfo_t* info, void* context) {
  if (previousAction.sa_flags & SA_SIGINFO) {
    previousAction.sa_sigaction(signal, info, context);
  } else if (previousAction.sa_handler != SIG_DFL && previousAction.sa_handler != SIG_IGN) {
    previousAction.sa_handler(signal);
  } else {
    // Returning repeats the access: this time without us, the process ends as it would have.
    sigaction(signal, &previousAction, nullptr);
  }
}

void onBusError(int signal, siginfo_t* info, void* context) {
  const int savedError = errno;
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  const size_t used = slotsUsed.load(std::memory_order_acquire);
  for (size_t index = 0; index < used; index++) {
    const uintptr_t start = slots[index].start.load(std::memory_order_acquire);
    if (start == 0 || address < start || address >= slots[index].end.load(std::memory_order_relaxed)) continue;
    void* page = reinterpret_cast<void*>(address & ~(pageSize() - 1));
    if (mmap(page, pageSize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    if (Mapping* mapping = slots[index].mapping.load(std::memory_order_relaxed)) mapping->markFailed();
    __atomic_fetch_add(&faults, 1, __ATOMIC_RELAXED);
    errno = savedError;
    return;
  }
  errno = savedError;
  passOn(signal, info, context);
}

void installHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    pageSize();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previousAction);
  });
}

// kSlotsMax when all are taken.
size_t takeSlot(Mapping* mapping, uintptr_t start, size_t length) {
  const std::lock_guard<std::mutex> lock(slotsMutex);
  size_t index = slotsUsed.load(std::memory_order_relaxed);
  if (!freeSlots.empty()) {
    index = freeSlots.back();
    freeSlots.pop_back();
  } else if (index == kSlotsMax) {
    return kSlotsMax;
  } else {
    slotsUsed.store(index + 1, std::memory_order_release);
  }
  slots[index].mapping.store(mapping, std::memory_order_relaxed);
  slots[index].end.store(start + length, std::memory_order_relaxed);
  slots[index].start.store(start, std::memory_order_release);
  return index;
}

void giveSlotBack(size_t index) {
  const std::lock_guard<std::mutex> lock(slotsMutex);
  slots[index].start.store(0, std::memory_order_release);
  slots[index].mapping.store(nullptr, std::memory_order_relaxed);
  freeSlots.push_back(index);
}

}  // namespace

std::shared_ptr<Mapping> Mapping::map(int fd, size_t length, int* error) {
  installHandler();
  length = (length + pageSize() - 1) & ~(pageSize() - 1);
  void* base = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    *error = errno;
    return nullptr;
  }
  std::shared_ptr<Mapping> mapping(new Mapping(static_cast<uint8_t*>(base), length));
  mapping->slot_ = takeSlot(mapping.get(), reinterpret_cast<uintptr_t>(base), length);
  *error = mapping->slot_ == kSlotsMax ? ENOMEM : 0;
  return *error == 0 ? mapping : nullptr;
}

Mapping::~Mapping() {
  if (slot_ != kSlotsMax) giveSlotBack(slot_);
  munmap(base_, length_);
}

int Mapping::copyOut(size_t from, size_t to) {
  const size_t start = from & ~(pageSize() - 1);
  const size_t end = (to + pageSize() - 1) & ~(pageSize() - 1);
  if (end <= start) return 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  hasCopies_ = true;
  const size_t length = end - start;
  void* copy = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return errno;
  memcpy(copy, base_ + start, to - start);
  mprotect(copy, length, PROT_READ);
#if defined(__linux__)
  if (mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, base_ + start) != MAP_FAILED) return 0;
  const int error = errno;
  munmap(copy, length);
  return error;
#else
  void* placed = mmap(base_ + start, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (placed == MAP_FAILED) return errno;
  memcpy(base_ + start, copy, length);
  mprotect(placed, length, PROT_READ);
  munmap(copy, length);
  return 0;
#endif
}

void Mapping::forgetPages(size_t from, size_t length) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t start = (from + pageSize() - 1) & ~(pageSize() - 1);
  const size_t end = (from + length < length_ ? from + length : length_) & ~(pageSize() - 1);
  if (!hasCopies_ && end > start) madvise(base_ + start, end - start, MADV_DONTNEED);
}

bool Mapping::residency(size_t from, size_t length, size_t* resident, size_t* pages) const {
  *resident = 0;
  *pages = 0;
  if (length == 0) return true;
  const size_t start = from & ~(pageSize() - 1);
  const size_t end = from + length;
  unsigned char found[1024];
  for (size_t at = start; at < end; at += sizeof found * pageSize()) {
    const size_t chunk = end - at < sizeof found * pageSize() ? end - at : sizeof found * pageSize();
#if defined(__APPLE__)
    if (mincore(base_ + at, chunk, reinterpret_cast<char*>(found)) < 0) return false;
#else
    if (mincore(base_ + at, chunk, found) < 0) return false;
#endif
    const size_t count = (chunk + pageSize() - 1) / pageSize();
    for (size_t index = 0; index < count; index++) *resident += found[index] & 1;
    *pages += count;
  }
  return true;
}

uint32_t* mappingFaults() { return &faults; }

size_t mappingLimit() {
  size_t count = kMapCountDefault;
  if (FILE* file = fopen("/proc/sys/vm/max_map_count", "re")) {
    if (fscanf(file, "%zu", &count) != 1) count = kMapCountDefault;
    fclose(file);
  }
  const size_t half = count / 2;
  return half < kSlotsMax / 2 ? half : kSlotsMax / 2;
}

}  // namespace tidelog
