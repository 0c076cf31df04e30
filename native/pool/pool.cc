#include "pool/pool.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/address_space.h"
#include "base/free_memory.h"
#include "base/native_thread.h"
#include "base/units.h"
#include "base/watchdog.h"
#include "cell/runtime.h"
#include "engine/isolate.h"

namespace codecell::pool {

using base::Clock;
using base::MutexLock;
using cell::Control;

namespace {

// Room for script, V8's native frames above the script's limit, and sanitizers.
constexpr size_t kThreadStackBytes = 4 * base::kMegabyte;
// How long a cell lives before its warm isolate is replaced while it runs.
constexpr auto kRefillDelay = std::chrono::milliseconds(3);
// How long a thread without work stays around.
constexpr auto kParkedFor = std::chrono::seconds(10);

// How long the end of an environment waits for threads. V8 may have parked one in a place where nobody counts
// it.
constexpr auto kWaitAtMost = std::chrono::seconds(3);

constexpr const char* kNoThread = "no isolate could be created: the machine is out of threads or memory";
constexpr const char* kTooManyQuarantined =
    "no isolate is given out any more: as many threads as maxCells allows did not stop and were set aside";
constexpr const char* kNoHeap =
    "no isolate is given out any more: threads that did not stop and were set aside hold what maxHeapMb "
    "allows";
constexpr const char* kNoWatchdog =
    "no isolate is given out: there is no thread to watch its limits, the machine is out of threads or "
    "memory";

}  // namespace

Pool::Pool(std::shared_ptr<engine::Platform> platform, Options options)
    : platform_(std::move(platform)),
      options_(options),
      preparing_at_most_(std::thread::hardware_concurrency() + 1) {}

void Pool::Start() {
  MutexLock lock(mutex_);
  // One at a time, each calls for the next: the first exec of a process often comes at once, and is ready
  // sooner when nothing competes.
  if (options_.warm_isolates > 0) CallThread();
}

void Pool::Submit(std::shared_ptr<Control> control) {
  MutexLock lock(mutex_);
  // The host does not submit to a pool that it closed.
  if (closing_) return;
  queue_.push_back(std::move(control));
  // Each of them holds memory, and a core if it still runs: at some point no more are risked.
  if (quarantined_ >= options_.max_cells) return FailQueued(kTooManyQuarantined);
  // Without it no limit would ever be reached.
  if (!base::Watchdog::Instance().Start()) return FailQueued(kNoWatchdog);
  if (!warm_.empty() && MayRun()) {
    Worker* const worker = warm_.back();
    warm_.pop_back();
    TakeCell(*worker);
    worker->wake.NotifyOne();
  }
  FailHopeless();
  CallThreads();
  RefillLater();
}

void Pool::TakeCell(Worker& worker) {
  worker.cell = std::move(queue_.front());
  queue_.pop_front();
  worker.cell->started = Clock::now();
  worker.heap_bytes = worker.cell->options.limits.heap_bytes;
  heap_bytes_ += worker.heap_bytes;
  live_.push_back(worker.cell);
}

size_t Pool::Runnable(size_t most) const {
  const size_t places = options_.max_cells > live_.size() ? options_.max_cells - live_.size() : 0;
  const size_t count = std::min({queue_.size(), places, most});
  if (options_.max_heap_bytes == 0) return count;
  size_t heap_bytes = heap_bytes_;
  for (size_t i = 0; i < count; i++) {
    heap_bytes += queue_[i]->options.limits.heap_bytes;
    if (heap_bytes > options_.max_heap_bytes) return i;
  }
  return count;
}

void Pool::FailHopeless() {
  if (quarantined_ >= options_.max_cells) FailQueued(kTooManyQuarantined);
  if (!queue_.empty() && live_.empty() && quarantined_ > 0 && Runnable(1) == 0) FailQueued(kNoHeap);
}

// Every queued cell that has a place needs a thread on its way to an isolate. Preparing takes a core: many
// more threads at it than cores would only slow each other down, and hold memory at once. One more than cores
// computes while another waits for the kernel to map memory.
void Pool::CallThreads() {
  if (closing_) return;
  while (preparing_ < Runnable(preparing_at_most_) && CallThread()) {
  }
}

// Gets one more thread on its way. False when there is none to be had.
bool Pool::CallThread() {
  if (!parked_.empty()) {
    Worker* const worker = parked_.back();
    parked_.pop_back();
    worker->called = true;
    preparing_++;
    worker->wake.NotifyOne();
    return true;
  }
  // Threads between two cells come back for more; no more are needed than can be busy at once.
  if (threads_ - quarantined_ >= options_.max_cells + options_.warm_isolates) return false;
  // A thread takes address space, too, and the C++ library ends the process when it gets none.
  if (base::AddressSpaceIsBounded()) {
    if (preparing_ > 0) return false;
    if (!base::MayReserve(engine::Isolate::kAddressSpace)) {
      if (threads_ == quarantined_) FailQueued(kNoThread);
      return false;
    }
  }
  threads_++;
  preparing_++;
  if (base::StartDetachedThread("codecell-cell", kThreadStackBytes,
                                [self = shared_from_this()] { self->RunThread(); })) {
    return true;
  }
  threads_--;
  preparing_--;
  if (threads_ == quarantined_) FailQueued(kNoThread);
  return false;
}

// No thread and no isolate can be had, and none will come back.
void Pool::FailQueued(const char* reason) {
  for (const auto& control : std::exchange(queue_, {})) {
    control->Settle({cell::Status::kFailed, "ISOLATE_UNAVAILABLE", base::Text::Latin1(reason)});
    control->ReportEnd(control->MakeEnd());
  }
}

void Pool::RefillLater() {
  if (refill_planned_ || closing_ || Ready() >= options_.warm_isolates) return;
  refill_planned_ = true;
  base::Watchdog::Instance().At(Clock::now() + kRefillDelay, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    MutexLock lock(self->mutex_);
    self->refill_planned_ = false;
    self->Refill();
  });
}

// One isolate after the other: nobody waits for them, and a cell that runs needs a core, and its host
// another.
void Pool::Refill() {
  if (closing_ || preparing_ > 0 || Ready() >= options_.warm_isolates) return;
  CallThread();
}

// A thread comes here with nothing to do: after start, after preparing an isolate, after a cell.
Pool::Task Pool::NextTask(Worker& worker, bool has_isolate) {
  MutexLock lock(mutex_);
  if (worker.quarantined) return Task::kEnd;
  for (;;) {
    if (worker.cell) {
      worker.called = false;
      return Task::kRun;
    }
    if (closing_) {
      if (worker.called) preparing_--;
      worker.called = false;
      return Task::kEnd;
    }
    if (!has_isolate && worker.called) {
      return Task::kPrepare;
    }
    if (has_isolate) {
      // `called` threads count as preparing until here.
      if (worker.called) preparing_--;
      worker.called = false;
      if (MayRun()) {
        TakeCell(worker);
        CallThreads();
        continue;
      }
      warm_.push_back(&worker);
      Refill();
      while (!worker.cell && !closing_) worker.wake.Wait(mutex_);
      std::erase(warm_, &worker);
      continue;
    }
    if (preparing_ < Runnable(preparing_at_most_) || Ready() < options_.warm_isolates) {
      worker.called = true;
      preparing_++;
      continue;
    }
    parked_.push_back(&worker);
    const auto until = Clock::now() + kParkedFor;
    bool in_time = true;
    while (!worker.called && !closing_ && in_time) in_time = worker.wake.WaitUntil(mutex_, until);
    std::erase(parked_, &worker);
    if (!worker.called && !in_time) return Task::kEnd;
  }
}

void Pool::RunThread() {
  Worker worker;
  worker.called = true;
  // V8 may give the thread up while it makes or disposes an isolate, when there is no cell to notice it.
  engine::OnThreadLost([this, &worker] { Quarantined(worker); });
  std::unique_ptr<cell::Runtime> runtime;
  base::ArenaTrimmer trimmer;
  for (;;) {
    const Task task = NextTask(worker, runtime != nullptr);
    if (task == Task::kEnd) break;
    if (task == Task::kPrepare) {
      runtime = cell::Runtime::Prepare(*platform_, codes_);
      if (runtime) continue;
      MutexLock lock(mutex_);
      preparing_--;
      worker.called = false;
      // Threads that run or dispose a cell come back for the queue, and may have made room by then.
      if (threads_ == quarantined_ + parked_.size() + warm_.size() + 1) FailQueued(kNoThread);
      break;
    }
    const std::shared_ptr<Control> control = worker.cell;
    control->SetQuarantineListener([this, &worker] { Quarantined(worker); });
    runtime->Run(control);
    control->SetQuarantineListener(nullptr);
    EndCell(worker, control);
    // The end has woken the host thread, often on this very core: it goes first, then the isolate is
    // disposed.
    std::this_thread::yield();
    runtime.reset();
    trimmer.TrimWhenWorth();
  }
  runtime.reset();
  const std::shared_ptr<Pool> self = shared_from_this();
  MutexLock lock(mutex_);
  threads_--;
  if (worker.quarantined) {
    quarantined_--;
    heap_bytes_ -= worker.heap_bytes;
    CallThreads();
  }
  threads_changed_.NotifyAll();
}

void Pool::EndCell(Worker& worker, const std::shared_ptr<Control>& control) {
  MutexLock lock(mutex_);
  std::erase(live_, control);
  worker.cell = nullptr;
  // What a thread that was set aside holds is counted until it ends.
  if (!worker.quarantined) heap_bytes_ -= std::exchange(worker.heap_bytes, 0);
  // A place is free now, or several where this cell's heap was large.
  while (!warm_.empty() && MayRun()) {
    Worker* const warm = warm_.back();
    warm_.pop_back();
    TakeCell(*warm);
    warm->wake.NotifyOne();
  }
}

void Pool::Quarantined(Worker& worker) {
  MutexLock lock(mutex_);
  if (worker.quarantined) return;
  worker.quarantined = true;
  quarantined_++;
  if (worker.called) preparing_--;
  worker.called = false;
  std::erase(live_, worker.cell);
  threads_changed_.NotifyAll();
  FailHopeless();
  CallThreads();
  RefillLater();
}

bool Pool::Stop(const std::shared_ptr<Control>& control, cell::Verdict verdict) {
  bool was_queued = false;
  {
    MutexLock lock(mutex_);
    const auto queued = std::find(queue_.begin(), queue_.end(), control);
    if (queued != queue_.end()) {
      queue_.erase(queued);
      was_queued = true;
    }
  }
  const bool won = control->Stop(std::move(verdict));
  if (was_queued) {
    cell::End end = control->MakeEnd();
    end.queue_ms = base::MillisecondsBetween(control->created, Clock::now());
    control->ReportEnd(std::move(end));
  }
  return won;
}

Stats Pool::GetStats() const {
  MutexLock lock(mutex_);
  return {warm_.size(), live_.size(), queue_.size(), threads_, quarantined_, codes_->sources()};
}

void Pool::Close() {
  std::vector<std::shared_ptr<Control>> stopping;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    stopping = live_;
    stopping.insert(stopping.end(), queue_.begin(), queue_.end());
    for (Worker* worker : warm_) worker->wake.NotifyOne();
    for (Worker* worker : parked_) worker->wake.NotifyOne();
  }
  for (const auto& control : stopping) Stop(control, {cell::Status::kTerminated, "", {}});
}

void Pool::WaitForThreads() {
  const auto until = Clock::now() + kWaitAtMost;
  MutexLock lock(mutex_);
  while (threads_ > quarantined_ && threads_changed_.WaitUntil(mutex_, until)) {
  }
}

}  // namespace codecell::pool
