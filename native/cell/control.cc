#include "cell/control.h"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "base/units.h"

namespace codecell::cell {

using base::Clock;
using base::MutexLock;
using base::Text;
using base::Watchdog;

namespace {

Clock::duration Milliseconds(double ms) {
  // About 30 years: more than any wait, less than what overflows the clock.
  const double bounded = std::min(ms, 1e12);
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(bounded));
}

// What a cell may take of memory that is in no limit, besides.
constexpr size_t kUncountedMemory = 192 * base::kMegabyte;

Text Sentence(const char* format, double used, double allowed) {
  char buffer[200];
  std::snprintf(buffer, sizeof buffer, format, used, allowed);
  return Text::Latin1(buffer);
}

}  // namespace

Control::Control(uint32_t id, Text source, Options options, std::shared_ptr<const ToolManifest> tools,
                 std::shared_ptr<base::ValueStore> store, std::shared_ptr<Outbox> outbox)
    : id(id),
      source(std::move(source)),
      options(options),
      tools(std::move(tools)),
      store(std::move(store)),
      outbox_(std::move(outbox)) {}

bool Control::Stop(Verdict verdict) {
  if (!verdict_.Settle(std::move(verdict))) return false;
  {
    MutexLock lock(mutex_);
    if (termination_) termination_->Terminate();
  }
  mailbox_.Wake();
  outbox_->Recheck();
  Watchdog::Instance().At(Clock::now() + Milliseconds(options.quarantine_ms), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Quarantine();
  });
  return true;
}

const Verdict& Control::verdict() const {
  while (!verdict_.settled()) std::this_thread::yield();
  return verdict_.value();
}

void Control::Attach(std::shared_ptr<engine::TerminationHandle> termination) {
  clock_.BindToCurrentThread();
  cpu_at_start_ = clock_.CpuMilliseconds();
  {
    MutexLock lock(mutex_);
    termination_ = std::move(termination);
    attached_ = true;
    // Stop may have come before there was an isolate to stop.
    if (verdict_.decided()) termination_->Terminate();
  }
  WatchLimits();
}

void Control::Detach() {
  MutexLock lock(mutex_);
  termination_ = nullptr;
  attached_ = false;
  if (time_deadline_ != 0) Watchdog::Instance().Cancel(time_deadline_);
  if (cpu_deadline_ != 0) Watchdog::Instance().Cancel(cpu_deadline_);
  if (memory_watch_ != 0) base::MemoryWatch::Instance().Remove(memory_watch_);
}

void Control::WatchLimits() {
  MutexLock lock(mutex_);
  const Limits& limits = options.limits;
  progress_ms_ = CountedMilliseconds();
  if (limits.wall_ms > 0 || limits.idle_ms > 0) WatchTimeAfter(0);
  if (limits.heap_bytes > 0) WatchMemory();
  if (limits.cpu_ms > 0) {
    cpu_deadline_ =
        Watchdog::Instance().At(Clock::now() + Milliseconds(limits.cpu_ms), [weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->CheckCpu();
        });
  }
}

void Control::WatchMemory() {
  const size_t heap = options.limits.heap_bytes;
  // Heap and array buffers, what V8 is granted on top so that the script can be stopped, and V8's own needs.
  memory_watch_ = base::MemoryWatch::Instance().Add(
      clock_.thread_id(), 3 * heap + kUncountedMemory, [weak = weak_from_this()](size_t bytes) {
        const auto self = weak.lock();
        if (!self) return;
        const double megabyte = base::kMegabyte;
        self->Stop(
            {Status::kFailed, "HEAP_LIMIT",
             Sentence("the script made the process need about %.0f MB more memory, most of it outside of "
                      "the heap of %.0f MB allowed",
                      static_cast<double>(bytes) / megabyte,
                      static_cast<double>(self->options.limits.heap_bytes) / megabyte)});
      });
}

double Control::CountedMilliseconds() const {
  const base::TimePoint now = waiting_ ? waiting_since_ : Clock::now();
  return base::MillisecondsBetween(started, now) - waited_ms_;
}

void Control::NoteProgress() {
  MutexLock lock(mutex_);
  progress_ms_ = CountedMilliseconds();
}

void Control::BeginWaiting() {
  MutexLock lock(mutex_);
  waiting_ = true;
  waiting_since_ = Clock::now();
}

void Control::EndWaiting() {
  MutexLock lock(mutex_);
  waited_ms_ += base::MillisecondsBetween(waiting_since_, Clock::now());
  waiting_ = false;
  // The watchdog looked in vain meanwhile and has left it at that.
  const bool watched = options.limits.wall_ms > 0 || options.limits.idle_ms > 0;
  if (attached_ && watched && time_deadline_ == 0) WatchTimeAfter(0);
}

// Looks again when a limit could be reached, at least `ms` from now.
void Control::WatchTimeAfter(double ms) {
  const Limits& limits = options.limits;
  const double counted = CountedMilliseconds();
  double left = 1e12;
  if (limits.wall_ms > 0) left = std::min(left, limits.wall_ms - counted);
  if (limits.idle_ms > 0) left = std::min(left, progress_ms_ + limits.idle_ms - counted);
  time_deadline_ =
      Watchdog::Instance().At(Clock::now() + Milliseconds(std::max(left, ms)), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->CheckTime();
      });
}

// [watchdog]
void Control::CheckTime() {
  const Limits& limits = options.limits;
  double counted = 0;
  double idle = 0;
  {
    MutexLock lock(mutex_);
    if (!attached_) return;
    time_deadline_ = 0;
    counted = CountedMilliseconds();
    idle = counted - progress_ms_;
    const bool reached =
        (limits.wall_ms > 0 && counted >= limits.wall_ms) || (limits.idle_ms > 0 && idle >= limits.idle_ms);
    if (!reached) {
      // While the cell waits its time stands still.
      if (!waiting_) WatchTimeAfter(1);
      return;
    }
  }
  if (limits.wall_ms > 0 && counted >= limits.wall_ms) {
    Stop({Status::kFailed, "WALL_LIMIT",
          Sentence("the script ran for %.0f ms, longer than the %.0f ms allowed", counted, limits.wall_ms)});
  } else {
    Stop({Status::kFailed, "IDLE_LIMIT",
          Sentence("the script made no progress for %.0f ms, longer than the %.0f ms allowed", idle,
                   limits.idle_ms)});
  }
}

// [watchdog] CPU time grows at most as fast as wall time, so the next look is due when what is left could be
// used up.
void Control::CheckCpu() {
  const double allowed = options.limits.cpu_ms;
  double used = 0;
  {
    MutexLock lock(mutex_);
    if (!attached_) return;
    used = clock_.CpuMilliseconds() - cpu_at_start_;
    if (used < allowed) {
      cpu_deadline_ = Watchdog::Instance().At(Clock::now() + Milliseconds(std::max(allowed - used, 1.0)),
                                              [weak = weak_from_this()] {
                                                if (const auto self = weak.lock()) self->CheckCpu();
                                              });
      return;
    }
  }
  Stop({Status::kFailed, "CPU_LIMIT",
        Sentence("the script used %.0f ms of CPU time, more than the %.0f ms allowed", used, allowed)});
}

void Control::Emit(Event event) {
  Progress();
  outbox_->Push(std::move(event), [this] { return decided(); });
}

End Control::MakeEnd() const {
  const Verdict& decision = verdict();
  End end;
  end.status = decision.status;
  end.code = decision.code;
  end.message = end.text = decision.message;
  return end;
}

bool Control::ReportEnd(End end) {
  if (!ClaimEnd()) return false;
  PushEnd(std::move(end));
  return true;
}

void Control::PushEnd(End end) {
  end.wall_ms = base::MillisecondsBetween(created, Clock::now());
  Event event(EventKind::kEnded, id);
  event.end = std::make_unique<End>(std::move(end));
  outbox_->PushNow(std::move(event));
}

void Control::SetQuarantineListener(std::function<void()> listener) {
  MutexLock lock(mutex_);
  on_quarantine_ = std::move(listener);
}

bool Control::Quarantine() {
  if (!decided() || !ClaimEnd()) return false;
  End end = MakeEnd();
  end.quarantined = true;
  end.diagnostics.emplace_back("QUARANTINED",
                               Text::Latin1("the isolate's thread did not stop and was set aside; "
                                            "its memory is not returned"));
  {
    MutexLock lock(mutex_);
    if (attached_) {
      end.queue_ms = base::MillisecondsBetween(created, started);
      end.cpu_ms = clock_.CpuMilliseconds() - cpu_at_start_;
      clock_.LowerPriority();
      if (memory_watch_ != 0) base::MemoryWatch::Instance().Remove(memory_watch_);
    }
    // Before the host hears of the end: what it does next must find the thread counted.
    if (on_quarantine_) on_quarantine_();
  }
  PushEnd(std::move(end));
  return true;
}

}  // namespace codecell::cell
