// Alarm: what the watchdog thread sleeps on until the earliest deadline.
//
// On Linux it is a timerfd: moving the time costs the caller one short system call and wakes nobody, where a
// condition variable would have to wake the sleeper, on one of the cores that are just about to run a cell,
// only to make it sleep again. Elsewhere, and where no file descriptor is to be had, it is a condition.
#pragma once

#include "base/mutex.h"

namespace codecell::base {

class Alarm {
 public:
  Alarm();
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // [any] Sets the time of the next ring, replacing the one before; TimePoint::max() for none. With the lock
  // that Sleep is called with.
  void Set(TimePoint when);
  // [watchdog] Sleeps until the alarm rings; may return early. The lock is released meanwhile.
  void Sleep(Mutex& mutex) REQUIRES(mutex);

 private:
  TimePoint when_ = TimePoint::max();
  Condition condition_;
  int timer_ = -1;  // a file descriptor, or -1
};

}  // namespace codecell::base
