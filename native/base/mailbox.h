// Mailbox: the queue of commands from the host (and wake-ups from V8's workers) to one isolate thread.
//
// Many producers, one consumer. The consumer takes everything at once, so a burst of N commands costs
// one lock and one wake-up, and commands of one producer keep their order. Owned by the cell's control
// block. [any] pushes and wakes, [isolate] takes.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace codecell::base {

template <typename T>
class Mailbox {
 public:
  void Push(T command) EXCLUDES(mutex_) {
    bool sleeping;
    {
      MutexLock lock(mutex_);
      commands_.push_back(std::move(command));
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
      sleeping = sleeping_;
    }
    if (sleeping) condition_.NotifyOne();
  }

  // Takes what is there, in order, without waiting.
  std::vector<T> TakeAll() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    woken_ = false;
    return std::exchange(commands_, {});
  }

  // Takes what is there; waits for a command, a wake-up or the deadline when there is nothing.
  std::vector<T> WaitAndTakeAll(std::optional<TimePoint> deadline) EXCLUDES(mutex_) {
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
    return std::exchange(commands_, {});
  }

 private:
  Mutex mutex_;
  Condition condition_;
  std::vector<T> commands_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;
  bool sleeping_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::base
