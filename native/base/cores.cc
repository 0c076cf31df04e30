#include "base/cores.h"

#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

namespace codecell::base {

namespace {
thread_local Computing* of_this_thread = nullptr;
}

std::atomic<int> Computing::threads_{0};

Computing::Computing() {
  of_this_thread = this;
  Resume();
}

Computing::~Computing() {
  Pause();
  of_this_thread = nullptr;
}

void Computing::Pause() {
  if (!std::exchange(paused_, true)) threads_.fetch_sub(1, std::memory_order_relaxed);
}

void Computing::Resume() {
  if (std::exchange(paused_, false)) threads_.fetch_add(1, std::memory_order_relaxed);
}

void Computing::PauseThisThread() {
  if (of_this_thread != nullptr) of_this_thread->Pause();
}

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
