// Gate: lets tests order threads without sleeping. Opened once, waited on by many. [any]
#pragma once

#include "base/mutex.h"

namespace codecell::test {

class Gate {
 public:
  void Open() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    open_ = true;
    condition_.NotifyAll();
  }

  void Wait() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    while (!open_) condition_.Wait(mutex_);
  }

 private:
  base::Mutex mutex_;
  base::Condition condition_;
  bool open_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::test
