// Pool: the isolate threads of one service and the warm isolates they keep ready.
//
// A thread prepares an isolate, waits warm for a cell, runs it, disposes the isolate and starts over. What is
// refilled behind a running cell waits until that cell has ended or has lived for a moment, so that short
// cells do not compete with the preparation of their successors.
//
// Owned by the engine object and by its threads; the last one to go destroys it.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/code_cache.h"
#include "base/mutex.h"
#include "cell/control.h"
#include "engine/platform.h"

namespace codecell::pool {

struct Options {
  size_t warm_isolates = 2;
  size_t max_cells = 64;
  // Of the heap limits of all cells that run, bytes; 0 means none.
  size_t max_heap_bytes = 0;
};

struct Stats {
  size_t warm_isolates = 0;
  size_t live_cells = 0;
  size_t queued_cells = 0;
  size_t threads = 0;
  size_t quarantined_threads = 0;
  size_t cached_sources = 0;
};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<engine::Platform> platform, Options options);

  // [host] Prepares the warm isolates.
  void Start() EXCLUDES(mutex_);
  // [host] Runs a cell as soon as an isolate and a place are free, in order of submission.
  void Submit(std::shared_ptr<cell::Control> control) EXCLUDES(mutex_);
  // [host] Stops a cell, queued or running; false when it had settled.
  bool Stop(const std::shared_ptr<cell::Control>& control, cell::Verdict verdict) EXCLUDES(mutex_);
  Stats GetStats() const EXCLUDES(mutex_);

  // [host] Stops everything; threads end on their own. Idempotent.
  void Close() EXCLUDES(mutex_);
  // [host] Waits until all threads have let go of V8, but not for those that were given up.
  void WaitForThreads() EXCLUDES(mutex_);

 private:
  // One isolate thread. Lives on its stack.
  struct Worker {
    base::Condition wake;
    std::shared_ptr<cell::Control> cell;  // guarded by the pool's mutex_
    bool called = false;                  // guarded by the pool's mutex_: taken off an idle list
    bool quarantined = false;             // guarded by the pool's mutex_
    size_t heap_bytes = 0;                // guarded by the pool's mutex_: its cell's heap limit
  };

  void RunThread();
  // What a thread should do next.
  enum class Task { kRun, kPrepare, kEnd };
  Task NextTask(Worker& worker, bool has_isolate) EXCLUDES(mutex_);
  void EndCell(Worker& worker, const std::shared_ptr<cell::Control>& control) EXCLUDES(mutex_);
  void FailQueued(const char* reason) REQUIRES(mutex_);

  bool MayRun() const REQUIRES(mutex_) { return Runnable(1) > 0; }
  // How many cells at the head of the queue have a place, counted up to `most`.
  size_t Runnable(size_t most) const REQUIRES(mutex_);
  // Fails the queued cells when no end of a cell can make room for them any more.
  void FailHopeless() REQUIRES(mutex_);
  size_t Ready() const REQUIRES(mutex_) { return warm_.size() + preparing_; }
  void TakeCell(Worker& worker) REQUIRES(mutex_);
  // Calls threads for queued cells, and for refilling when nothing is warm.
  void CallThreads() REQUIRES(mutex_);
  bool CallThread() REQUIRES(mutex_);
  void RefillLater() REQUIRES(mutex_);
  void Refill() REQUIRES(mutex_);
  void Quarantined(Worker& worker) EXCLUDES(mutex_);

  const std::shared_ptr<engine::Platform> platform_;
  const Options options_;
  const size_t preparing_at_most_;
  // Of the service's cells.
  const std::shared_ptr<base::CodeCache> codes_ = std::make_shared<base::CodeCache>();

  mutable base::Mutex mutex_;
  base::Condition threads_changed_;
  std::deque<std::shared_ptr<cell::Control>> queue_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<cell::Control>> live_ GUARDED_BY(mutex_);
  std::vector<Worker*> warm_ GUARDED_BY(mutex_);  // last one in is the first one out: its memory is in cache
  std::vector<Worker*> parked_ GUARDED_BY(mutex_);  // threads without an isolate
  size_t preparing_ GUARDED_BY(mutex_) = 0;         // threads on their way to an isolate
  size_t threads_ GUARDED_BY(mutex_) = 0;
  size_t quarantined_ GUARDED_BY(mutex_) = 0;
  size_t heap_bytes_ GUARDED_BY(mutex_) = 0;  // heap limits of running cells, and of those set aside
  bool refill_planned_ GUARDED_BY(mutex_) = false;
  bool closing_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::pool
