#include "base/address_space.h"

#include <mutex>

#if !defined(_WIN32)
#include <sys/mman.h>
#include <sys/resource.h>
#endif

namespace codecell::base {

#if defined(_WIN32)

bool AddressSpaceIsBounded() { return false; }
bool MayReserve(size_t) { return true; }
AddressSpaceTurn::AddressSpaceTurn(size_t) {}
AddressSpaceTurn::~AddressSpaceTurn() = default;

#else

namespace {

std::mutex& Turn() {
  static std::mutex* const turn = new std::mutex;
  return *turn;
}

}  // namespace

bool AddressSpaceIsBounded() {
  rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

bool MayReserve(size_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
  flags |= MAP_NORESERVE;
#endif
  void* const place = mmap(nullptr, bytes, PROT_NONE, flags, -1, 0);
  if (place == MAP_FAILED) return false;
  munmap(place, bytes);
  return true;
}

AddressSpaceTurn::AddressSpaceTurn(size_t bytes) : bounded_(AddressSpaceIsBounded()) {
  if (!bounded_) return;
  Turn().lock();
  granted_ = MayReserve(bytes);
}

AddressSpaceTurn::~AddressSpaceTurn() {
  if (bounded_) Turn().unlock();
}

#endif

}  // namespace codecell::base
