#include "engine/isolate.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/cores.h"
#include "base/native_thread.h"
#include "base/units.h"

namespace codecell::engine {
namespace {

// The isolate of this thread, for V8's process-wide callbacks that say nothing of the isolate.
thread_local Isolate* current = nullptr;

// What the thread's owner does when V8 has given the thread up.
thread_local std::function<void()> on_thread_lost;

// V8 asks several times for one buffer, and collects garbage in between, before it refuses it to the script.
constexpr size_t kMostRefusals = 600;

// V8 does not come back from its fatal paths, and returning from them aborts the process: the thread is kept
// here, its isolate is lost, the process lives.
[[noreturn]] void ParkThread() {
  base::Computing::PauseThisThread();
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

bool TerminationHandle::Terminate() {
  base::MutexLock lock(mutex_);
  if (isolate_ == nullptr) return false;
#if V8_MAJOR_VERSION < 13
  if (entering_) {
    isolate_->RequestInterrupt([](v8::Isolate* isolate, void*) { isolate->TerminateExecution(); }, nullptr);
    return true;
  }
#endif
  isolate_->TerminateExecution();
  return true;
}

void TerminationHandle::SetEntering(bool entering) {
  base::MutexLock lock(mutex_);
  entering_ = entering;
}

void TerminationHandle::Clear() {
  base::MutexLock lock(mutex_);
  isolate_ = nullptr;
}

BufferAllocator::BufferAllocator() : memory_(v8::ArrayBuffer::Allocator::NewDefaultAllocator()) {}

bool BufferAllocator::Reserve(size_t length) {
  const size_t before = used_.fetch_add(length, std::memory_order_relaxed);
  if (length <= limit_ && before <= limit_ - length) return true;
  used_.fetch_sub(length, std::memory_order_relaxed);
  return false;
}

bool BufferAllocator::ReserveOrRefuse(size_t length) {
  if (Reserve(length)) return true;
  if (reclaim_) {
    reclaim_();
    if (Reserve(length)) return true;
  }
  CountRefusal();
  return false;
}

void BufferAllocator::CountRefusal() {
  if (refusals_.fetch_add(1, std::memory_order_relaxed) == kMostRefusals && too_many_refusals_)
    too_many_refusals_();
}

void* BufferAllocator::Allocate(size_t length) {
  if (!ReserveOrRefuse(length)) return nullptr;
  void* const data = memory_->Allocate(length);
  if (data == nullptr) Unreserve(length);
  return data;
}

void* BufferAllocator::AllocateUninitialized(size_t length) {
  if (!ReserveOrRefuse(length)) return nullptr;
  void* const data = memory_->AllocateUninitialized(length);
  if (data == nullptr) Unreserve(length);
  return data;
}

void BufferAllocator::Free(void* data, size_t length) {
  Unreserve(length);
  memory_->Free(data, length);
}

std::unique_ptr<Isolate> Isolate::Create(Platform& platform, size_t stack_bytes) {
  std::unique_ptr<Isolate> self(new Isolate);
  self->tasks_ = std::make_shared<TaskQueue>();
  v8::Isolate* const isolate = v8::Isolate::Allocate();
  if (isolate == nullptr) return nullptr;
  self->isolate_ = isolate;
  self->registration_ = platform.Register(isolate, self->tasks_);

  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = &self->allocator_;
  params.allow_atomics_wait = false;
  v8::Isolate::Initialize(isolate, params);
  isolate->Enter();
  isolate->SetStackLimit(base::StackLimitForCurrentThread(stack_bytes));
  isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate->SetCaptureStackTraceForUncaughtExceptions(false);
  isolate->SetOOMErrorHandler(OnOutOfMemory);
  isolate->SetFatalErrorHandler(OnFatalError);
  self->termination_ = std::make_shared<TerminationHandle>(isolate);
  current = self.get();
  return self;
}

Isolate::~Isolate() {
  if (isolate_ == nullptr) return;
  disposing_ = true;
  // Disposal itself collects garbage, and must not fail for a limit that was the script's.
  isolate_->IncreaseHeapLimitForDebugging();
  resizable_buffers_.Clear();
  if (termination_) {
    termination_->Clear();
    ClearTermination(isolate_);
    isolate_->Exit();
  }
  tasks_->Close();
  registration_->DisposeIsolate();
  current = nullptr;
}

void Isolate::SetHeapLimit(size_t bytes, HeapLimitHandler handler) {
  // Some of V8's fatal paths print before they ask anybody, so whatever this thread prints from here on is
  // dropped.
  quiet_.Begin();
  on_heap_limit_ = std::move(handler);
  allocator_.SetReclaim([this] { resizable_buffers_.Prune(); });
  allocator_.SetTooManyRefusals([this] {
    isolate_->TerminateExecution();
    if (on_heap_limit_) on_heap_limit_(false);
  });
  if (bytes == 0) return;
  allocator_.SetLimit(bytes);
  heap_limit_ = bytes;
  isolate_->AddNearHeapLimitCallback(OnNearHeapLimit, this);
  // Lowers the configured limit to ours: V8 takes the limit to return to from the removal.
  isolate_->RemoveNearHeapLimitCallback(OnNearHeapLimit, bytes);
  isolate_->AddNearHeapLimitCallback(OnNearHeapLimit, this);
}

size_t Isolate::OnNearHeapLimit(void* data, size_t current_limit, size_t) {
  auto* const self = static_cast<Isolate*>(data);
  // Disposal itself collects garbage, and must not fail for a limit that was the script's.
  if (self->disposing_) return current_limit + current_limit / 2;
  // Newer V8 asks also on behalf of an array buffer that was refused, however empty the heap is. The script
  // gets its RangeError then.
  const size_t refusals = self->allocator_.refusals();
  if (std::exchange(self->seen_refusals_, refusals) != refusals) {
    v8::HeapStatistics heap;
    self->isolate_->GetHeapStatistics(&heap);
    if (heap.used_heap_size() < self->heap_limit_ / 4 * 3) return current_limit;
  }
  if (self->granted_ == 0) {
    self->isolate_->TerminateExecution();
    if (self->on_heap_limit_) self->on_heap_limit_(false);
  }
  // Script is being stopped; V8 needs room until it notices. What does not stop within the grant runs into
  // V8's out-of-memory path and is parked.
  const size_t grant = std::max(self->heap_limit_ / 4, 16 * base::kMegabyte);
  if (self->granted_ >= 4 * grant) return current_limit;
  self->granted_ += grant;
  return current_limit + grant;
}

void Isolate::OnOutOfMemory(const char*, const v8::OOMDetails&) { GiveUp(); }

void Isolate::OnFatalError(const char*, const char*) { GiveUp(); }

void Isolate::GiveUp() {
  if (current != nullptr) {
    current->quiet_.End();
    if (current->on_heap_limit_) current->on_heap_limit_(true);
  }
  // Not the handler itself: it may be what is running.
  if (const auto lost = std::exchange(on_thread_lost, nullptr)) lost();
  ParkThread();
}

void OnThreadLost(std::function<void()> handler) { on_thread_lost = std::move(handler); }

void ClearTermination(v8::Isolate* isolate) {
  if (isolate->IsExecutionTerminating()) isolate->CancelTerminateExecution();
  isolate->CancelTerminateExecution();
}

}  // namespace codecell::engine
