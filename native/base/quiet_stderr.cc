#include "base/quiet_stderr.h"

#include <cstdio>

#include "base/mutex.h"

#if defined(__GLIBC__)
#include <unistd.h>
#endif

namespace codecell::base {

#if defined(__GLIBC__)

namespace {

thread_local bool quiet = false;

ssize_t Write(void*, const char* data, size_t size) {
  return quiet ? static_cast<ssize_t>(size) : write(STDERR_FILENO, data, size);
}

// The one replacement of the process; never closed, because another thread may be writing to it.
struct Replacement {
  Mutex mutex;
  int users GUARDED_BY(mutex) = 0;
  FILE* original GUARDED_BY(mutex) = nullptr;
  FILE* filter GUARDED_BY(mutex) = nullptr;
};

Replacement& Process() {
  static Replacement* const replacement = new Replacement;
  return *replacement;
}

}  // namespace

void QuietStderr::Begin() {
  if (active_) return;
  Replacement& process = Process();
  MutexLock lock(process.mutex);
  if (process.filter == nullptr) {
    process.filter =
        fopencookie(nullptr, "w", {.read = nullptr, .write = Write, .seek = nullptr, .close = nullptr});
    if (process.filter == nullptr) return;
    (void)setvbuf(process.filter, nullptr, _IONBF, 0);
  }
  active_ = true;
  quiet = true;
  if (process.users++ > 0) return;
  process.original = stderr;
  stderr = process.filter;
}

void QuietStderr::End() {
  if (!active_) return;
  active_ = false;
  quiet = false;
  Replacement& process = Process();
  MutexLock lock(process.mutex);
  if (--process.users == 0) stderr = process.original;
}

#else

void QuietStderr::Begin() {}
void QuietStderr::End() {}

#endif

}  // namespace codecell::base
