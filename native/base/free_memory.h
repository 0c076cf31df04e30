// Free memory: what was freed and the C library keeps, handed back to the system.
//
// glibc gives each thread an arena of its own, and keeps what is free at an arena's end, up to 64 MB, for as
// long as the process lives; `malloc_trim` gives back what is free between blocks, and the end of the first
// arena alone. With an arena for each thread that runs cells that adds up to far more than the cells of any
// moment need. Works with glibc, elsewhere it does nothing.
#pragma once

#include <cstdint>

namespace codecell::base {

// [any] What is free between the blocks of all arenas, by a thread of its own: it takes milliseconds.
void TrimAllArenasAside();

// The arena of one thread, trimmed from time to time. [that thread]
class ArenaTrimmer {
 public:
  // Hands back what is free at the end of the thread's arena, when the thread has touched enough memory since
  // it last did so to be worth it.
  void TrimWhenWorth();

 private:
  uint64_t faults_ = 0;
};

}  // namespace codecell::base
