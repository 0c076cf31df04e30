// MemoryWatch: what resident memory of the process is due to which isolate thread.
//
// V8 takes memory that no limit of its own counts: compiled regular expressions, ICU's formatters, flattened
// strings. The watch looks at the process's resident memory again and again, and shares its growth out among
// the threads by the page faults they took meanwhile; the host's own growth falls to the host's threads. An
// estimate, and enough for a bound with room to spare. It looks only while there is a thread to watch. Memory
// that such a thread left behind in the C library's free lists is handed back to the system afterwards. Works
// on Linux, elsewhere it does nothing. [any]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "base/mutex.h"

namespace codecell::base {

class MemoryWatch {
 public:
  using Id = uint64_t;

  static MemoryWatch& Instance();

  // Calls `over`, once and on the watchdog, with what is due to the thread when that is more than `allowed`
  // bytes. Ids are never 0.
  Id Add(int thread_id, size_t allowed, std::function<void(size_t bytes)> over) EXCLUDES(mutex_);
  // Forgets a thread; a call that is on its way still comes.
  void Remove(Id id) EXCLUDES(mutex_);

 private:
  struct Watched {
    int thread_id;
    double allowed;
    std::function<void(size_t)> over;
    // Its faults have not been counted yet: threads that are watched for a moment only cost next to nothing.
    bool is_new = true;
    uint64_t faults = 0;
    double bytes = 0;
    double most_bytes = 0;
  };

  MemoryWatch() = default;
  void LookLater() REQUIRES(mutex_);
  void Look() EXCLUDES(mutex_);
  void ShareOut(double grown, double faults) REQUIRES(mutex_);
  void TrimLater() REQUIRES(mutex_);

  Mutex mutex_;
  std::map<Id, Watched> watched_ GUARDED_BY(mutex_);
  Id next_id_ GUARDED_BY(mutex_) = 1;
  bool looking_ GUARDED_BY(mutex_) = false;
  bool trim_planned_ GUARDED_BY(mutex_) = false;
  // Since memory was handed back: a thread has left much behind, and how many threads were removed.
  bool much_left_ GUARDED_BY(mutex_) = false;
  int removed_ GUARDED_BY(mutex_) = 0;
  double resident_ GUARDED_BY(mutex_) = 0;
  uint64_t faults_ GUARDED_BY(mutex_) = 0;
};

}  // namespace codecell::base
