#include "base/cores.h"

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace codecell::base {

std::atomic<int> Computing::threads_{0};

void Computing::Pause() { threads_.fetch_sub(1, std::memory_order_relaxed); }

void Computing::Resume() { threads_.fetch_add(1, std::memory_order_relaxed); }

bool Computing::LeavesCore() {
  // Those that the process may use.
  static const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return threads_.load(std::memory_order_relaxed) + 1 <= cores;
}

bool MoveToAnotherCore() {
#if defined(__linux__)
  const int here = sched_getcpu();
  cpu_set_t allowed;
  if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  cpu_set_t others = allowed;
  CPU_CLR(here, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return false;
  // The thread has moved; from here on it may go anywhere again.
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
#else
  return false;
#endif
}

}  // namespace codecell::base
