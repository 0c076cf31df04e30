// The V8 part of the native benchmarks.
#pragma once

#include <memory>

#include "bench/samples.h"
#include "engine/platform.h"

namespace codecell::bench {

// Bare isolates and contexts, in turn with those that codecell prepares.
Rows MeasureIsolates(const std::shared_ptr<engine::Platform>& platform, int iterations);
// Compiling and evaluating modules, JSON.
Rows MeasureScripts(const std::shared_ptr<engine::Platform>& platform, int iterations);
// The very first isolate and context of the process, on a new thread.
Rows MeasureFirst(const std::shared_ptr<engine::Platform>& platform);
// Bare isolates with a context made and disposed per second by so many threads.
double IsolatesPerSecond(const std::shared_ptr<engine::Platform>& platform, int threads, double milliseconds);
// The same with what codecell installs in each.
double PreparedPerSecond(const std::shared_ptr<engine::Platform>& platform, int threads, double milliseconds);

}  // namespace codecell::bench
