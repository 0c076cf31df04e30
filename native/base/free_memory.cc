#include "base/free_memory.h"

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "base/native_thread.h"
#include "base/units.h"
#endif

namespace codecell::base {

#if defined(__GLIBC__)

namespace {

// Below what glibc gives a mapping of its own at the least: blocks of this size come from the arena.
constexpr size_t kBlockBytes = 120 * kKilobyte;
// More than an arena can keep.
constexpr size_t kMostBlocks = 64 * kMegabyte / kBlockBytes;
// So many blocks in a row that nobody has written to: the rest of the arena is like them.
constexpr int kUntouchedInARow = 4;
// An arena that is trimmed is touched anew: not after every small cell.
constexpr uint64_t kWorthTrimmingBytes = 64 * kMegabyte;
constexpr size_t kSmallestPage = 4096;
constexpr size_t kStackBytes = 256 * kKilobyte;

uintptr_t PageBytes() {
  static const auto bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Hands back the pages inside of a block of nobody. False when none of them was in memory.
bool HandBack(void* block) {
  const uintptr_t page = PageBytes();
  const uintptr_t start = reinterpret_cast<uintptr_t>(block);
  const uintptr_t from = (start + page - 1) / page * page;
  const uintptr_t to = (start + kBlockBytes) / page * page;
  std::array<unsigned char, kBlockBytes / kSmallestPage + 1> resident{};
  if (to <= from || mincore(reinterpret_cast<void*>(from), to - from, resident.data()) != 0) return false;
  const size_t pages = (to - from) / page;
  const auto in_memory = [](unsigned char one) { return (one & 1) != 0; };
  if (std::none_of(resident.begin(), resident.begin() + pages, in_memory)) return false;
  return madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED) == 0;
}

// There is no call for it: all that is free is taken, block after block, handed back to the system, and
// freed.
void TrimThisArena() {
  std::vector<void*> blocks;
  blocks.reserve(kMostBlocks);
  for (int untouched = 0; blocks.size() < kMostBlocks && untouched < kUntouchedInARow;) {
    void* const block = std::malloc(kBlockBytes);
    if (block == nullptr) break;
    blocks.push_back(block);
    untouched = HandBack(block) ? 0 : untouched + 1;
  }
  // The last one first, so that each joins the free end.
  std::for_each(blocks.rbegin(), blocks.rend(), [](void* block) { std::free(block); });
}

}  // namespace

void TrimAllArenasAside() {
  StartDetachedThread("codecell-trim", kStackBytes, [] { malloc_trim(0); });
}

void ArenaTrimmer::TrimWhenWorth() {
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return;
  const auto faults = static_cast<uint64_t>(usage.ru_minflt);
  if ((faults - faults_) * PageBytes() < kWorthTrimmingBytes) return;
  TrimThisArena();
  faults_ = faults;
}

#else

void TrimAllArenasAside() {}
void ArenaTrimmer::TrimWhenWorth() {}

#endif

}  // namespace codecell::base
