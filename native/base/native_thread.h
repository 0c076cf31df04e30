// Threads with an explicit stack size, and their CPU clocks: the only place that talks to the operating
// system about threads. [any]
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace codecell::base {

// Starts a thread that nobody joins. False when the system has no thread to give.
bool StartDetachedThread(const char* name, size_t stack_bytes, std::function<void()> body);

// The address below which the calling thread must not let its stack grow, when `usable_bytes` of it may be
// used.
uintptr_t StackLimitForCurrentThread(size_t usable_bytes);

// The CPU time and scheduling of one thread, readable by others. Valid while the thread lives.
class ThreadClock {
 public:
  // Binds to the calling thread.
  void BindToCurrentThread();
  double CpuMilliseconds() const;
  // The system's number for it; 0 where threads have none.
  int thread_id() const { return thread_id_.load(); }
  // Moves the thread behind all others; used for one that does not stop.
  void LowerPriority() const;

 private:
  std::atomic<uintptr_t> handle_{0};
  std::atomic<int> thread_id_{0};
};

// The CPU time of the calling thread.
double CurrentThreadCpuMilliseconds();

// The core that the calling thread runs on at the moment; -1 where the system does not tell.
int CurrentCore();

}  // namespace codecell::base
