#include "cell/events.h"

#include "base/look_out.h"
#include "base/native_thread.h"
#include "base/units.h"

namespace codecell::cell {

namespace {
constexpr size_t kHighWaterBytes = 32 * base::kMegabyte;
}

void Outbox::Add(Event event) {
  if (closed_) return;
  const bool was_empty = events_.empty();
  bytes_ += event.bytes();
  events_.push_back(std::move(event));
  has_events_.store(true, std::memory_order_release);
  pusher_core_.store(base::CurrentCore(), std::memory_order_relaxed);
  // One signal per batch: the host takes everything that is there when it comes.
  if (was_empty && wake_ && !looked_out_for_) wake_();
}

void Outbox::Push(Event event, const std::function<bool()>& stopped) {
  base::MutexLock lock(mutex_);
  while (bytes_ >= kHighWaterBytes && !closed_ && !stopped()) room_.Wait(mutex_);
  Add(std::move(event));
}

void Outbox::PushNow(Event event) {
  base::MutexLock lock(mutex_);
  Add(std::move(event));
}

std::vector<Event> Outbox::TakeAll() {
  base::MutexLock lock(mutex_);
  if (bytes_ >= kHighWaterBytes) room_.NotifyAll();
  bytes_ = 0;
  has_events_.store(false, std::memory_order_relaxed);
  return std::exchange(events_, {});
}

bool Outbox::LookOut(base::TimePoint until) {
  {
    base::MutexLock lock(mutex_);
    if (!events_.empty()) return true;
    looked_out_for_ = true;
  }
  const bool same_core = pusher_core_.load(std::memory_order_relaxed) == base::CurrentCore();
  base::LookOut(same_core, until, [this] { return HasEvents(); });
  base::MutexLock lock(mutex_);
  looked_out_for_ = false;
  return !events_.empty();
}

void Outbox::Recheck() {
  base::MutexLock lock(mutex_);
  room_.NotifyAll();
}

void Outbox::Close() {
  base::MutexLock lock(mutex_);
  closed_ = true;
  wake_ = nullptr;
  events_.clear();
  bytes_ = 0;
  room_.NotifyAll();
}

}  // namespace codecell::cell
