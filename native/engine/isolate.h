// Isolate: one V8 isolate with its limits, made, run and disposed on one thread.
//
// Owns the isolate, its array-buffer allocator, its task queue and the registration with the platform.
// Entered for its whole life. Handles of it die with it. [isolate]
#pragma once

#include <v8.h>

#include <atomic>
#include <functional>
#include <memory>

#include "base/mutex.h"
#include "base/quiet_stderr.h"
#include "base/units.h"
#include "engine/platform.h"
#include "engine/resizable_buffers.h"
#include "engine/task_queue.h"

namespace codecell::engine {

// Stops script in an isolate from any thread; does nothing once the isolate is gone. [any]
class TerminationHandle {
 public:
  explicit TerminationHandle(v8::Isolate* isolate) : isolate_(isolate) {}
  // [any] False when the isolate was disposed.
  bool Terminate() EXCLUDES(mutex_);

  // [isolate] While one lives, a termination reaches V8 as an interrupt, which script alone takes notice of.
  // V8 before 13 ends the process when it enters an asynchronous module with a termination pending.
  class Entry {
   public:
    explicit Entry(TerminationHandle& handle) : handle_(handle) { handle_.SetEntering(true); }
    ~Entry() { handle_.SetEntering(false); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    TerminationHandle& handle_;
  };

 private:
  friend class Isolate;
  void Clear() EXCLUDES(mutex_);
  void SetEntering(bool entering) EXCLUDES(mutex_);

  base::Mutex mutex_;
  bool entering_ GUARDED_BY(mutex_) = false;
  v8::Isolate* isolate_ GUARDED_BY(mutex_);
};

// Counts array-buffer memory against a limit. Memory itself comes from V8's own allocator, which knows
// whether buffers must lie inside V8's sandbox.
class BufferAllocator final : public v8::ArrayBuffer::Allocator {
 public:
  BufferAllocator();
  void SetLimit(size_t bytes) { limit_ = bytes; }
  size_t limit() const { return limit_; }
  size_t used() const { return used_.load(std::memory_order_relaxed); }
  // How many allocations were refused because of the limit.
  size_t refusals() const { return refusals_.load(std::memory_order_relaxed); }

  void* Allocate(size_t length) override;
  void* AllocateUninitialized(size_t length) override;
  void Free(void* data, size_t length) override;

  // Counts memory that comes from elsewhere. False, and nothing is counted, when that is over the limit.
  bool Reserve(size_t length);
  void ReserveAnyway(size_t length) { used_.fetch_add(length, std::memory_order_relaxed); }
  void Unreserve(size_t length) { used_.fetch_sub(length, std::memory_order_relaxed); }
  void CountRefusal();
  // Called, on the isolate's thread, before an allocation is refused: it may make room.
  void SetReclaim(std::function<void()> reclaim) { reclaim_ = std::move(reclaim); }
  // Called once, on the isolate's thread, when so much was refused that the script seems to do nothing else.
  void SetTooManyRefusals(std::function<void()> handler) { too_many_refusals_ = std::move(handler); }

 private:
  bool ReserveOrRefuse(size_t length);

  const std::unique_ptr<v8::ArrayBuffer::Allocator> memory_;
  size_t limit_ = SIZE_MAX;
  std::function<void()> reclaim_;
  std::function<void()> too_many_refusals_;
  std::atomic<size_t> used_{0};
  std::atomic<size_t> refusals_{0};
};

class Isolate {
 public:
  // Address space that must be free, in one piece, before one is made: V8's code range, the thread's malloc
  // arena, and room for the heap and for the host to go on.
  static constexpr size_t kAddressSpace = (V8_MAJOR_VERSION >= 14 ? 1152 : 896) * base::kMegabyte;

  // What the heap guard does when the heap reaches its limit. `fatal`: V8 is about to give the thread up and
  // the call must not return.
  using HeapLimitHandler = std::function<void(bool fatal)>;

  // Null when the machine has no memory for another isolate.
  static std::unique_ptr<Isolate> Create(Platform& platform, size_t stack_bytes);
  ~Isolate();
  Isolate(const Isolate&) = delete;
  Isolate& operator=(const Isolate&) = delete;

  v8::Isolate* v8() const { return isolate_; }
  TaskQueue& tasks() const { return *tasks_; }
  BufferAllocator& buffers() { return allocator_; }
  const std::shared_ptr<TerminationHandle>& termination() const { return termination_; }

  // Counts the resizable array buffers of a context that has run no script.
  void GuardArrayBuffers(v8::Local<v8::Context> context) { resizable_buffers_.Install(context); }

  // Script is about to run. Limits heap and array buffers, each to `bytes`. The handler is called once, on
  // this thread, when the heap gets there; a bounded grant lets the script be stopped in an orderly way.
  void SetHeapLimit(size_t bytes, HeapLimitHandler handler);

 private:
  Isolate() = default;
  static size_t OnNearHeapLimit(void* data, size_t current, size_t initial);
  static void OnOutOfMemory(const char* location, const v8::OOMDetails& details);
  static void OnFatalError(const char* location, const char* message);
  [[noreturn]] static void GiveUp();

  BufferAllocator allocator_;
  ResizableBuffers resizable_buffers_{allocator_};
  std::shared_ptr<TaskQueue> tasks_;
  v8::Isolate* isolate_ = nullptr;
  std::unique_ptr<Platform::Registration> registration_;
  std::shared_ptr<TerminationHandle> termination_;
  HeapLimitHandler on_heap_limit_;
  size_t heap_limit_ = 0;
  size_t granted_ = 0;
  size_t seen_refusals_ = 0;
  bool disposing_ = false;
  base::QuietStderr quiet_;
};

// What this thread does, once, when V8 has given it up: it never comes back from V8, whatever it was doing
// there. Isolates need not exist at that time. [isolate]
void OnThreadLost(std::function<void()> handler);

// Ends a termination request so that the embedder's own code can run in the isolate again. [isolate]
void ClearTermination(v8::Isolate* isolate);

}  // namespace codecell::engine
