// What it costs to hand something to another thread: the floor of exec and of nested calls.
#include <uv.h>

#include <atomic>

#include "base/mailbox.h"
#include "bench/samples.h"

namespace codecell::bench {
namespace {

constexpr int kBatch = 100;

void MeasureThreadStart(Rows& rows) {
  Signal done;
  const base::TimePoint start = base::Clock::now();
  base::TimePoint running;
  base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
    running = base::Clock::now();
    done.Set();
  });
  done.Wait();
  Add(rows, "thread start", base::MillisecondsBetween(start, running));
}

void MeasureUncontended(Rows& rows, int iterations) {
  base::Mailbox<int> mailbox;
  for (int i = 0; i < iterations; i++) {
    Lap lap;
    for (int n = 0; n < kBatch; n++) {
      mailbox.Push(n);
      mailbox.TakeAll();
    }
    Add(rows, "mailbox, push + take, no wait", lap.Next() / kBatch);
    for (int n = 0; n < kBatch; n++) mailbox.Push(n);
    mailbox.TakeAll();
    Add(rows, "mailbox, one of 100 pushed and taken at once", lap.Next() / kBatch);
  }
}

// There and back through two mailboxes, both sides asleep until woken.
void MeasureMailboxes(Rows& rows, int iterations) {
  base::Mailbox<int> there, back;
  OnThread([&] {
    Signal answering;
    base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
      for (int i = 0; i < iterations; i++) {
        there.WaitAndTakeAll(std::nullopt);
        back.Push(i);
      }
      answering.Set();
    });
    Lap lap;
    for (int i = 0; i < iterations; i++) {
      there.Push(i);
      back.WaitAndTakeAll(std::nullopt);
      Add(rows, "thread hand-over and back, two mailboxes", lap.Next());
    }
    answering.Wait();
  });
}

// The same without sleeping: what the memory system alone takes. Yields, as it must on a single core.
void MeasureSpinning(Rows& rows, int iterations) {
  std::atomic<int> turn{0};
  OnThread([&] {
    Signal answering;
    base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
      for (int i = 0; i < iterations; i++) {
        while (turn.load(std::memory_order_acquire) != 2 * i + 1) {
        }
        turn.store(2 * i + 2, std::memory_order_release);
      }
      answering.Set();
    });
    Lap lap;
    for (int i = 0; i < iterations; i++) {
      turn.store(2 * i + 1, std::memory_order_release);
      while (turn.load(std::memory_order_acquire) != 2 * i + 2) {
      }
      Add(rows, "thread hand-over and back, spinning", lap.Next());
    }
    answering.Wait();
  });
}

// As a nested call goes: an isolate thread wakes an event loop, the loop answers into a mailbox.
struct Host {
  uv_loop_t loop;
  uv_async_t wake;
  base::Mailbox<int> answers;
  std::atomic<int> left{0};
};

// `spin`: the isolate thread looks into its mailbox again and again instead of sleeping.
void MeasureEventLoop(Rows& rows, const char* name, int iterations, bool spin) {
  Host host;
  host.left = iterations;
  uv_loop_init(&host.loop);
  uv_async_init(&host.loop, &host.wake, [](uv_async_t* handle) {
    auto* const self = static_cast<Host*>(handle->data);
    const bool last = --self->left == 0;
    self->answers.Push(1);
    if (last) uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
  });
  host.wake.data = &host;
  Signal looping;
  base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
    uv_run(&host.loop, UV_RUN_DEFAULT);
    looping.Set();
  });
  OnThread([&] {
    Lap lap;
    for (int i = 0; i < iterations; i++) {
      uv_async_send(&host.wake);
      if (!spin) host.answers.WaitAndTakeAll(std::nullopt);
      while (spin && host.answers.TakeAll().empty()) {
      }
      Add(rows, name, lap.Next());
    }
  });
  looping.Wait();
  uv_loop_close(&host.loop);
}

}  // namespace

Rows MeasureThreads(int iterations) {
  Rows rows;
  for (int i = 0; i < iterations / 10 + 1; i++) MeasureThreadStart(rows);
  MeasureUncontended(rows, iterations);
  MeasureMailboxes(rows, iterations * 10);
  MeasureEventLoop(rows, "thread hand-over and back, event loop + mailbox", iterations * 10, false);
  MeasureEventLoop(rows, "the same, the isolate thread spinning", iterations * 10, true);
  MeasureSpinning(rows, iterations * 10);
  return rows;
}

}  // namespace codecell::bench
