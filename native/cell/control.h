// Control: a cell as the rest of the process sees it. The host thread, the isolate thread and the watchdog
// share it; everything that crosses between them goes through here.
//
// Made by the host when a cell is started, kept alive by whoever refers to it, gone when the last one lets
// go.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/mailbox.h"
#include "base/memory_watch.h"
#include "base/native_thread.h"
#include "base/settle_once.h"
#include "base/value_store.h"
#include "base/watchdog.h"
#include "cell/events.h"
#include "cell/options.h"
#include "cell/tool_manifest.h"
#include "engine/isolate.h"

namespace codecell::cell {

// The answer to a nested call.
struct ToolAnswer {
  uint32_t call = 0;
  bool ok = false;
  base::Text json;     // ok: the result
  base::Text message;  // else: the error, and what decorates it
  base::Text name;
  base::Text code;
  base::Text data_json;
};

// Why a cell settled; the first one stands.
struct Verdict {
  Status status = Status::kCompleted;
  std::string code;
  base::Text message;
};

class Control : public std::enable_shared_from_this<Control> {
 public:
  Control(uint32_t id, base::Text source, Options options, std::shared_ptr<const ToolManifest> tools,
          std::shared_ptr<base::ValueStore> store, std::shared_ptr<Outbox> outbox);

  // Constant after construction.
  const uint32_t id;
  const base::Text source;
  const Options options;
  const std::shared_ptr<const ToolManifest> tools;
  const std::shared_ptr<base::ValueStore> store;
  const base::TimePoint created = base::Clock::now();

  // [any] Settles the cell and stops its script. False when it had settled before.
  bool Stop(Verdict verdict);
  // [isolate] Settles the cell without stopping script. False when it had settled before.
  bool Settle(Verdict verdict) { return verdict_.Settle(std::move(verdict)); }
  bool decided() const { return verdict_.decided(); }
  // Only after decided(); waits for the few instructions in which the winner writes it.
  const Verdict& verdict() const;

  // [host] Answers a nested call.
  void Answer(ToolAnswer answer) { mailbox_.Push(std::move(answer)); }
  base::Mailbox<ToolAnswer>& mailbox() { return mailbox_; }

  // [isolate] Between these two, Stop reaches the isolate and limits are watched.
  void Attach(std::shared_ptr<engine::TerminationHandle> termination);
  void Detach();

  // [isolate] Hands an event to the host, waiting for room if need be.
  void Emit(Event event);
  // [isolate] The script got on: what idle_ms looks for. Free where there is no such limit.
  void Progress() {
    if (options.limits.idle_ms > 0) NoteProgress();
  }
  // [isolate] While one lives, no script runs because it waits for the answer of a nested call.
  class Waiting {
   public:
    Waiting(Control& control, bool for_answer)
        : control_(for_answer && control.options.limits.pause_while_waiting ? &control : nullptr) {
      if (control_ != nullptr) control_->BeginWaiting();
    }
    ~Waiting() {
      if (control_ != nullptr) control_->EndWaiting();
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Control* const control_;
  };
  // [any] An end that says what was decided, and nothing of a run. Only after decided().
  End MakeEnd() const;
  // [any] Reports the end. Only the first report counts; true for it.
  bool ReportEnd(End end);
  bool end_reported() const { return end_reported_.load(std::memory_order_acquire); }
  // [any] Gives up on the isolate thread: reports the end on its behalf. False when it had ended.
  bool Quarantine();
  // [isolate] Called once, from any thread, when the thread is given up.
  void SetQuarantineListener(std::function<void()> listener);

  // Set by the isolate thread when it takes the cell.
  base::TimePoint started;

 private:
  // True for the one who reports the end.
  bool ClaimEnd() { return !end_reported_.exchange(true, std::memory_order_acq_rel); }
  void PushEnd(End end);
  void WatchLimits();
  void WatchMemory() REQUIRES(mutex_);
  void CheckCpu();
  void NoteProgress() EXCLUDES(mutex_);
  void BeginWaiting() EXCLUDES(mutex_);
  void EndWaiting() EXCLUDES(mutex_);
  // Time since the cell was started, without what it waited where waiting does not count.
  double CountedMilliseconds() const REQUIRES(mutex_);
  void WatchTimeAfter(double ms) REQUIRES(mutex_);
  void CheckTime() EXCLUDES(mutex_);

  base::SettleOnce<Verdict> verdict_;
  base::Mailbox<ToolAnswer> mailbox_;
  const std::shared_ptr<Outbox> outbox_;
  std::atomic<bool> end_reported_{false};
  base::Mutex mutex_;
  std::function<void()> on_quarantine_ GUARDED_BY(mutex_);
  std::shared_ptr<engine::TerminationHandle> termination_ GUARDED_BY(mutex_);
  bool attached_ GUARDED_BY(mutex_) = false;
  base::ThreadClock clock_;
  double cpu_at_start_ = 0;
  // Of wall_ms or idle_ms, whichever could be reached first.
  base::Watchdog::Id time_deadline_ GUARDED_BY(mutex_) = 0;
  bool waiting_ GUARDED_BY(mutex_) = false;
  base::TimePoint waiting_since_ GUARDED_BY(mutex_);
  double waited_ms_ GUARDED_BY(mutex_) = 0;
  double progress_ms_ GUARDED_BY(mutex_) = 0;  // as counted
  base::Watchdog::Id cpu_deadline_ GUARDED_BY(mutex_) = 0;
  base::MemoryWatch::Id memory_watch_ GUARDED_BY(mutex_) = 0;
};

}  // namespace codecell::cell
