// Cores: how many of them the process's cells keep busy, and how a thread gets off one that it shares. [any]
#pragma once

#include <atomic>

namespace codecell::base {

// While one lives, its thread computes for a cell: it makes an isolate, runs script, or disposes. One at a
// time on each thread.
class Computing {
 public:
  Computing();
  ~Computing();
  Computing(const Computing&) = delete;
  Computing& operator=(const Computing&) = delete;

  // While a cell waits its thread leaves the core to others.
  void Pause();
  void Resume();
  // The same as Pause() of the calling thread's, if it has one: for a thread that will do nothing ever again.
  static void PauseThisThread();

  // Whether a core is left when each of those that compute has one, and the host's thread has one.
  static bool LeavesCore();

 private:
  static std::atomic<int> threads_;
  bool paused_ = true;
};

// Moves the calling thread to another core than the one it is on, if it may use one; the system may move it
// back later. On Linux; elsewhere, and where there is no other core, false.
bool MoveToAnotherCore();

}  // namespace codecell::base
