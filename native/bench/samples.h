// What a native benchmark measured: rows of samples, in the order in which they were first named.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/native_thread.h"

namespace codecell::bench {

// Milliseconds, as the JavaScript side counts.
using Rows = std::vector<std::pair<std::string, std::vector<double>>>;

inline void Add(Rows& rows, const std::string& name, double milliseconds) {
  for (auto& row : rows) {
    if (row.first == name) return row.second.push_back(milliseconds);
  }
  rows.push_back({name, {milliseconds}});
}

// Splits a piece of work into parts: each call gives the time since the previous one.
class Lap {
 public:
  double Next() {
    const base::TimePoint now = base::Clock::now();
    return base::MillisecondsBetween(std::exchange(last_, now), now);
  }

 private:
  base::TimePoint last_ = base::Clock::now();
};

// Lets one thread wait for another.
class Signal {
 public:
  void Set() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    set_ = true;
    condition_.NotifyAll();
  }
  void Wait() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    while (!set_) condition_.Wait(mutex_);
    set_ = false;
  }

 private:
  base::Mutex mutex_;
  base::Condition condition_;
  bool set_ GUARDED_BY(mutex_) = false;
};

// Room for script, as isolate threads have it.
constexpr size_t kStackBytes = 4 * 1024 * 1024;

// Runs the body on a thread of its own and waits for it.
inline void OnThread(const std::function<void()>& body) {
  Signal done;
  const bool started = base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
    body();
    done.Set();
  });
  if (started) done.Wait();
}

// threads.cc: no V8.
Rows MeasureThreads(int iterations);

}  // namespace codecell::bench
