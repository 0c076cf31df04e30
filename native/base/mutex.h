// Mutex, lock and condition variable that clang's -Wthread-safety can check. [any]
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define CODECELL_ATTRIBUTE(x) __attribute__((x))
#else
#define CODECELL_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) CODECELL_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY CODECELL_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) CODECELL_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) CODECELL_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) CODECELL_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) CODECELL_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) CODECELL_ATTRIBUTE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS CODECELL_ATTRIBUTE(no_thread_safety_analysis)

namespace codecell::base {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held. Callers loop over their own condition: wake-ups may be spurious.
class Condition {
 public:
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

  void Wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // Returns false when the deadline passed.
  bool WaitUntil(Mutex& mutex, TimePoint deadline) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }

 private:
  std::condition_variable condition_;
};

inline double MillisecondsBetween(TimePoint from, TimePoint to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace codecell::base
