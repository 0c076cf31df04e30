// Watchdog: one thread per process that fires deadlines (limits, quarantine grace, pool refills).
//
// Never destroyed: it may be needed until the process ends. Callbacks run on the watchdog thread with no
// lock held; they must be short, must not block, and hold what they touch weakly. [any]
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/alarm.h"
#include "base/mutex.h"

namespace codecell::base {

class Watchdog {
 public:
  using Id = uint64_t;

  static Watchdog& Instance();

  // Makes sure that the thread runs. False when the system has no thread to give; a later call tries again.
  bool Start() EXCLUDES(mutex_);
  // Fires `callback` once at or soon after `when`. Ids are never 0.
  Id At(TimePoint when, std::function<void()> callback) EXCLUDES(mutex_);
  // Forgets a deadline; one that is firing right now still runs to its end.
  void Cancel(Id id) EXCLUDES(mutex_);

 private:
  Watchdog() = default;
  void Run() EXCLUDES(mutex_);

  Mutex mutex_;
  Alarm alarm_;
  std::map<std::pair<TimePoint, Id>, std::function<void()>> deadlines_ GUARDED_BY(mutex_);
  std::unordered_map<Id, TimePoint> times_ GUARDED_BY(mutex_);
  Id next_id_ GUARDED_BY(mutex_) = 1;
  bool started_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::base
