#include "base/alarm.h"

#if defined(__linux__)
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#endif

namespace codecell::base {

#if defined(__linux__)

// steady_clock is CLOCK_MONOTONIC there.
Alarm::Alarm() : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {}

Alarm::~Alarm() {
  if (timer_ >= 0) close(timer_);
}

#else

Alarm::Alarm() = default;
Alarm::~Alarm() = default;

#endif

void Alarm::Set(TimePoint when) {
  when_ = when;
#if defined(__linux__)
  if (timer_ >= 0) {
    itimerspec time{};
    // A time of zero would disarm it, which is right for none only, and one before the clock's start is
    // refused.
    if (when != TimePoint::max()) {
      const auto since = std::max<Clock::duration>(when.time_since_epoch(), std::chrono::nanoseconds(1));
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
      time.it_value.tv_sec = static_cast<time_t>(seconds.count());
      time.it_value.tv_nsec =
          static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count());
    }
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &time, nullptr);
    return;
  }
#endif
  condition_.NotifyOne();
}

void Alarm::Sleep(Mutex& mutex) {
#if defined(__linux__)
  if (timer_ >= 0) {
    mutex.Unlock();
    uint64_t rings = 0;
    while (read(timer_, &rings, sizeof rings) < 0 && errno == EINTR) {
    }
    mutex.Lock();
    return;
  }
#endif
  if (when_ == TimePoint::max()) {
    condition_.Wait(mutex);
  } else {
    condition_.WaitUntil(mutex, when_);
  }
}

}  // namespace codecell::base
