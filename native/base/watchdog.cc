#include "base/watchdog.h"

#include "base/native_thread.h"
#include "base/units.h"

namespace codecell::base {

namespace {
constexpr size_t kStackBytes = 256 * kKilobyte;
}

Watchdog& Watchdog::Instance() {
  static Watchdog* const instance = new Watchdog;
  return *instance;
}

bool Watchdog::Start() {
  MutexLock lock(mutex_);
  if (!started_) started_ = StartDetachedThread("codecell-watch", kStackBytes, [this] { Run(); });
  return started_;
}

Watchdog::Id Watchdog::At(TimePoint when, std::function<void()> callback) {
  MutexLock lock(mutex_);
  // Where no thread can be had the deadline is kept and the next call tries again.
  if (!started_) started_ = StartDetachedThread("codecell-watch", kStackBytes, [this] { Run(); });
  const Id id = next_id_++;
  const bool first = deadlines_.empty() || when < deadlines_.begin()->first.first;
  deadlines_.emplace(std::pair(when, id), std::move(callback));
  times_.emplace(id, when);
  if (first) alarm_.Set(when);
  return id;
}

void Watchdog::Cancel(Id id) {
  MutexLock lock(mutex_);
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  deadlines_.erase(std::pair(found->second, id));
  times_.erase(found);
}

void Watchdog::Run() {
  for (;;) {
    std::function<void()> callback;
    {
      MutexLock lock(mutex_);
      while (deadlines_.empty() || deadlines_.begin()->first.first > Clock::now()) {
        // A cancelled deadline leaves the alarm as it is: it rings for nothing then.
        alarm_.Set(deadlines_.empty() ? TimePoint::max() : deadlines_.begin()->first.first);
        alarm_.Sleep(mutex_);
      }
      const auto first = deadlines_.begin();
      callback = std::move(first->second);
      times_.erase(first->first.second);
      deadlines_.erase(first);
    }
    callback();
  }
}

}  // namespace codecell::base
