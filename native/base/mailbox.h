// Mailbox: the queue of commands from the host (and wake-ups from V8's workers) to one isolate thread.
//
// Many producers, one consumer. The consumer takes everything at once, so a burst of N commands costs
// one lock and one wake-up, and commands of one producer keep their order. Owned by the cell's control
// block. [any] pushes and wakes, [isolate] takes.
#pragma once

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "base/look_out.h"
#include "base/mutex.h"
#include "base/native_thread.h"

namespace codecell::base {

template <typename T>
class Mailbox {
 public:
  void Push(T command) EXCLUDES(mutex_) {
    bool sleeping;
    {
      MutexLock lock(mutex_);
      commands_.push_back(std::move(command));
      pusher_core_.store(CurrentCore(), std::memory_order_relaxed);
      arrived_.store(true, std::memory_order_release);
      sleeping = sleeping_;
    }
    if (sleeping) condition_.NotifyOne();
  }

  // Ends a wait without a command.
  void Wake() EXCLUDES(mutex_) {
    bool sleeping;
    {
      MutexLock lock(mutex_);
      woken_ = true;
      arrived_.store(true, std::memory_order_release);
      sleeping = sleeping_;
    }
    if (sleeping) condition_.NotifyOne();
  }

  // Takes what is there, in order, without waiting.
  std::vector<T> TakeAll() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    woken_ = false;
    arrived_.store(false, std::memory_order_relaxed);
    return std::exchange(commands_, {});
  }

  // Takes what is there; waits for a command, a wake-up or the deadline when there is nothing. Before it
  // sleeps it looks out for `spin`, where the last command came from another core: what comes meanwhile costs
  // no wake-up of this thread. On one core only sleeping lets the other thread run.
  std::vector<T> WaitAndTakeAll(std::optional<TimePoint> deadline, Clock::duration spin = {})
      EXCLUDES(mutex_) {
    if (spin > Clock::duration::zero() && pusher_core_.load(std::memory_order_relaxed) != CurrentCore()) {
      LookOut(false, Clock::now() + spin, [this] { return arrived_.load(std::memory_order_acquire); });
    }
    MutexLock lock(mutex_);
    sleeping_ = true;
    while (commands_.empty() && !woken_) {
      if (!deadline) {
        condition_.Wait(mutex_);
      } else if (!condition_.WaitUntil(mutex_, *deadline)) {
        break;
      }
    }
    sleeping_ = false;
    woken_ = false;
    arrived_.store(false, std::memory_order_relaxed);
    return std::exchange(commands_, {});
  }

  // Whether the last command was pushed on the core that this thread is on.
  bool PushedFromThisCore() const {
    const int core = pusher_core_.load(std::memory_order_relaxed);
    return core >= 0 && core == CurrentCore();
  }

 private:
  Mutex mutex_;
  Condition condition_;
  std::vector<T> commands_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;
  bool sleeping_ GUARDED_BY(mutex_) = false;
  // Something to take, for those who look without the lock.
  std::atomic<bool> arrived_{false};
  std::atomic<int> pusher_core_{-1};
};

}  // namespace codecell::base
