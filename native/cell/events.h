// What cells tell the host, and the queue it travels in.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"

namespace codecell::cell {

enum class Status : uint8_t { kCompleted, kFailed, kTerminated };

// How a cell ended.
struct End {
  Status status = Status::kCompleted;
  std::string code;  // of a failure
  base::Text message;
  base::Text text;
  base::Text stack;
  int line = 0;  // 0: not known
  int column = 0;
  bool quarantined = false;
  std::vector<std::pair<std::string, base::Text>> diagnostics;
  // Nested calls whose answer the script never got, by number; only when `knows_unanswered`.
  std::vector<uint32_t> unanswered;
  bool knows_unanswered = false;
  double queue_ms = 0;
  double start_ms = 0;
  double compile_ms = 0;
  double run_ms = 0;
  double wall_ms = 0;
  double cpu_ms = 0;
  size_t heap_used_bytes = 0;
  size_t output_bytes = 0;
};

// The numbers are the addon's interface (lib/native/addon.ts).
enum class EventKind : uint8_t {
  kStarted = 0,
  kText = 1,
  kImage = 2,
  kAudio = 3,
  kToolCall = 4,
  kNotify = 5,
  kYield = 6,
  kEnded = 7,
};

struct Event {
  Event(EventKind kind, uint32_t cell) : kind(kind), cell(cell) {}

  EventKind kind;
  uint32_t cell;
  uint32_t call = 0;  // kToolCall: its number
  uint32_t tool = 0;  // kToolCall: its index in the manifest
  bool has_input = false;
  base::Text text;          // output, notification, image or audio URL, tool input
  size_t utf8_bytes = 0;    // of an output item
  const char* detail = "";  // kImage
  std::unique_ptr<End> end;

  size_t bytes() const { return sizeof(Event) + text.bytes(); }
};

// Outbox: events of all cells of one service, taken by the host in one batch per wake-up.
//
// Events of one cell keep their order. A cell that produces faster than the host takes waits for room, so
// memory stays bounded; the host never waits. Owned by the engine object, shared with the cells. [any]
class Outbox {
 public:
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // [isolate] Blocks while too much is queued, unless `stopped` says that the cell is being stopped.
  void Push(Event event, const std::function<bool()>& stopped) EXCLUDES(mutex_);
  // [any] Never blocks.
  void PushNow(Event event) EXCLUDES(mutex_);
  // [host]
  std::vector<Event> TakeAll() EXCLUDES(mutex_);
  // [any] Whether there is something to take, without a lock.
  bool HasEvents() const { return has_events_.load(std::memory_order_acquire); }
  // [host] Looks out for events without going to sleep; true when there are some. Nobody signals them
  // meanwhile.
  bool LookOut(base::TimePoint until) EXCLUDES(mutex_);
  // [any] Lets blocked cells look again whether they are stopped.
  void Recheck() EXCLUDES(mutex_);
  // [host] After this nothing is kept or signalled any more.
  void Close() EXCLUDES(mutex_);

 private:
  void Add(Event event) REQUIRES(mutex_);

  base::Mutex mutex_;
  base::Condition room_;
  std::function<void()> wake_ GUARDED_BY(mutex_);
  std::vector<Event> events_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::atomic<bool> has_events_{false};
  std::atomic<int> pusher_core_{-1};
  bool looked_out_for_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::cell
