// Looking out for another thread for microseconds, before going to sleep: being woken costs several times
// what the other thread needs to answer. [any]
#pragma once

#include <thread>

#include "base/mutex.h"
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace codecell::base {

inline void PauseBriefly() {
#if defined(_MSC_VER)
  YieldProcessor();
#elif defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// Looks until `arrived()` or the deadline; true when it arrived. With `same_core` the other thread needs the
// core that this one runs on, and gets it each time.
template <typename Arrived>
bool LookOut(bool same_core, TimePoint until, const Arrived& arrived) {
  // Reading the clock costs as much as many looks.
  constexpr int kLooks = 32;
  do {
    for (int i = 0; i < kLooks; i++) {
      if (arrived()) return true;
      if (same_core) {
        std::this_thread::yield();
        break;
      }
      PauseBriefly();
    }
  } while (Clock::now() < until);
  return arrived();
}

}  // namespace codecell::base
