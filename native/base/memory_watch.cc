#include "base/memory_watch.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/free_memory.h"
#include "base/units.h"
#include "base/watchdog.h"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace codecell::base {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(50);
// Growth below this is not shared out yet.
constexpr double kStep = 8 * kMegabyte;
// A thread that came to this much leaves enough behind to hand it back.
constexpr double kWorthTrimming = 64 * kMegabyte;
// So many threads come to as much, however little each took.
constexpr int kManyRemoved = 256;
constexpr auto kTrimDelay = std::chrono::milliseconds(500);

#if defined(__linux__)

// The file's text in `buffer`; false when it cannot be read, as when no file descriptor is left.
bool Read(const char* path, char* buffer, size_t size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = read(file, buffer, size - 1);
  close(file);
  if (length <= 0) return false;
  buffer[length] = '\0';
  return true;
}

double ResidentBytes() {
  char text[128];
  uint64_t total = 0;
  uint64_t resident = 0;
  if (!Read("/proc/self/statm", text, sizeof text)) return 0;
  char* rest = text;
  total = std::strtoull(rest, &rest, 10);
  resident = std::strtoull(rest, &rest, 10);
  (void)total;
  static const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return static_cast<double>(resident) * page;
}

// Page faults without reading from a disk: field 10, counted from 1; the second one is a name in brackets.
uint64_t Faults(const char* path) {
  char text[512];
  if (!Read(path, text, sizeof text)) return 0;
  const char* field = std::strrchr(text, ')');
  for (int i = 2; field != nullptr && i < 10; i++) field = std::strchr(field + 1, ' ');
  return field == nullptr ? 0 : std::strtoull(field, nullptr, 10);
}

uint64_t FaultsOfThread(int thread_id) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
  return Faults(path);
}

uint64_t FaultsOfProcess() { return Faults("/proc/self/stat"); }

#else

double ResidentBytes() { return 0; }
uint64_t FaultsOfThread(int) { return 0; }
uint64_t FaultsOfProcess() { return 0; }

#endif

}  // namespace

MemoryWatch& MemoryWatch::Instance() {
  static MemoryWatch* const instance = new MemoryWatch;
  return *instance;
}

MemoryWatch::Id MemoryWatch::Add(int thread_id, size_t allowed, std::function<void(size_t bytes)> over) {
  MutexLock lock(mutex_);
  const Id id = next_id_++;
#if defined(__linux__)
  watched_.emplace(id, Watched{thread_id, static_cast<double>(allowed), std::move(over)});
  LookLater();
#endif
  return id;
}

void MemoryWatch::Remove(Id id) {
  MutexLock lock(mutex_);
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  if (found->second.most_bytes >= kWorthTrimming) much_left_ = true;
  removed_++;
  watched_.erase(found);
  if (much_left_ || removed_ >= kManyRemoved) TrimLater();
}

void MemoryWatch::LookLater() {
  if (looking_ || watched_.empty()) return;
  looking_ = true;
  Watchdog::Instance().At(Clock::now() + kInterval, [this] { Look(); });
}

// [watchdog]
void MemoryWatch::Look() {
  std::vector<std::pair<std::function<void(size_t)>, size_t>> over;
  {
    MutexLock lock(mutex_);
    looking_ = false;
    if (watched_.empty()) return;
    const double resident = ResidentBytes();
    const bool any =
        std::any_of(watched_.begin(), watched_.end(), [](const auto& entry) { return !entry.second.is_new; });
    const double grown = any ? resident - resident_ : 0;
    if (!any || grown >= kStep || grown <= -kStep) {
      const uint64_t faults = FaultsOfProcess();
      if (any && resident > 0) ShareOut(grown, static_cast<double>(faults - faults_));
      resident_ = resident;
      faults_ = faults;
    }
    for (auto& [id, watched] : watched_) {
      if (std::exchange(watched.is_new, false)) watched.faults = FaultsOfThread(watched.thread_id);
    }
    for (auto& [id, watched] : watched_) {
      if (watched.bytes <= watched.allowed || !watched.over) continue;
      over.emplace_back(std::exchange(watched.over, nullptr), static_cast<size_t>(watched.bytes));
    }
    LookLater();
  }
  for (const auto& [call, bytes] : over) call(bytes);
}

void MemoryWatch::ShareOut(double grown, double faults) {
  double due = 0;
  for (const auto& [id, watched] : watched_) due += watched.bytes;
  for (auto& [id, watched] : watched_) {
    if (watched.is_new) continue;
    const uint64_t own = FaultsOfThread(watched.thread_id);
    const double share =
        own > watched.faults ? static_cast<double>(own - watched.faults) / std::max(faults, 1.0) : 0;
    watched.faults = std::max(own, watched.faults);
    // Nobody knows whose memory was given back: everybody's, in proportion.
    watched.bytes += grown > 0 ? grown * std::min(share, 1.0) : grown * watched.bytes / std::max(due, 1.0);
    watched.bytes = std::max(watched.bytes, 0.0);
    watched.most_bytes = std::max(watched.most_bytes, watched.bytes);
  }
}

void MemoryWatch::TrimLater() {
  if (trim_planned_) return;
  trim_planned_ = true;
  Watchdog::Instance().At(Clock::now() + kTrimDelay, [this, removed = removed_] {
    {
      MutexLock lock(mutex_);
      trim_planned_ = false;
      // What is little can wait until nobody would only take it again.
      const bool idle = watched_.empty() && removed_ == removed;
      if (!much_left_ && !idle) return TrimLater();
      much_left_ = false;
      removed_ = 0;
    }
    // Not here, where limits wait for it.
    TrimAllArenasAside();
  });
}

}  // namespace codecell::base
