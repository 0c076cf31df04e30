#include "base/cores.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/native_thread.h"
#if defined(__linux__)
#include <sched.h>
#endif

using codecell::base::Computing;
using codecell::base::MoveToAnotherCore;

TEST_CASE("threads that wait leave their core to others") {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  CHECK(Computing::LeavesCore() == (cores >= 1));
  std::vector<std::unique_ptr<Computing>> threads;
  for (int i = 0; i < cores; i++) threads.push_back(std::make_unique<Computing>());
  CHECK_FALSE(Computing::LeavesCore());
  threads.back()->Pause();
  CHECK(Computing::LeavesCore());
  threads.back()->Resume();
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
