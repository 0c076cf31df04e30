// QuietStderr: keeps what a thread prints to C's stderr from reaching the process's.
//
// V8 prints a report on its way to an out-of-memory error and cannot be told not to; nothing a script does
// may write to the host's stderr. While at least one thread is quiet, C's stderr is a stream that drops what
// quiet threads write and passes on what all others do. Node's own output does not go through C's stderr.
// Does nothing where the C library cannot replace stderr (musl, Windows). [any]
#pragma once

namespace codecell::base {

class QuietStderr {
 public:
  QuietStderr() = default;
  ~QuietStderr() { End(); }
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;

  // From here on the calling thread is quiet. Begin and End belong to one thread.
  void Begin();
  void End();

 private:
  bool active_ = false;
};

}  // namespace codecell::base
