#include "base/cores.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mailbox.h"
#include "base/native_thread.h"
#if defined(__linux__)
#include <sched.h>
#endif

using codecell::base::Computing;
using codecell::base::Mailbox;
using codecell::base::MoveToAnotherCore;

namespace {

// A thread that computes, and does what it is told.
class Thread {
 public:
  Thread() : thread_([this] { Run(); }) {
    Do([](Computing&) {});
  }
  ~Thread() {
    Do(nullptr);
    thread_.join();
  }
  void Do(std::function<void(Computing&)> what) {
    orders_.Push(std::move(what));
    done_.WaitAndTakeAll({});
  }

 private:
  void Run() {
    std::optional<Computing> computing(std::in_place);
    while (computing) {
      for (const auto& order : orders_.WaitAndTakeAll({})) {
        if (order) {
          order(*computing);
        } else {
          computing.reset();
        }
        done_.Push(true);
      }
    }
  }

  Mailbox<std::function<void(Computing&)>> orders_;
  Mailbox<bool> done_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("threads that wait, or are parked for ever, leave their core to others") {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  CHECK(Computing::LeavesCore() == (cores >= 1));
  std::vector<std::unique_ptr<Thread>> threads;
  for (int i = 0; i < cores; i++) threads.push_back(std::make_unique<Thread>());
  CHECK_FALSE(Computing::LeavesCore());
  threads.back()->Do([](Computing& computing) { computing.Pause(); });
  CHECK(Computing::LeavesCore());
  threads.back()->Do([](Computing& computing) { computing.Resume(); });
  CHECK_FALSE(Computing::LeavesCore());
  threads.back()->Do([](Computing&) { Computing::PauseThisThread(); });
  CHECK(Computing::LeavesCore());
  threads.back()->Do([](Computing& computing) { computing.Pause(); });
  threads.pop_back();
  threads.push_back(std::make_unique<Thread>());
  CHECK_FALSE(Computing::LeavesCore());
  threads.clear();
  CHECK(Computing::LeavesCore());
}

#if defined(__linux__)
TEST_CASE("a thread that moves to another core may use all cores afterwards") {
  cpu_set_t before;
  cpu_set_t after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(MoveToAnotherCore() == (CPU_COUNT(&before) > 1));
  REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE("a thread that may use one core only stays on it") {
  std::thread([] {
    const int here = codecell::base::CurrentCore();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(here, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK_FALSE(MoveToAnotherCore());
    CHECK(codecell::base::CurrentCore() == here);
  }).join();
}
#endif
