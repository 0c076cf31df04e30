#include "base/native_thread.h"

#include <memory>
#include <tuple>
#include <utility>

#if defined(_WIN32)
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#include <time.h>
#endif
#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__APPLE__)
#include <mach/mach.h>
#endif

namespace codecell::base {
namespace {

struct Start {
  const char* name;
  std::function<void()> body;
};

void RunBody(std::unique_ptr<Start> start) {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), start->name);
#elif defined(__APPLE__)
  pthread_setname_np(start->name);
#endif
  start->body();
}

#if defined(_WIN32)
unsigned __stdcall Enter(void* start) {
  RunBody(std::unique_ptr<Start>(static_cast<Start*>(start)));
  return 0;
}
#else
void* Enter(void* start) {
  RunBody(std::unique_ptr<Start>(static_cast<Start*>(start)));
  return nullptr;
}

double Milliseconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}
#endif

}  // namespace

bool StartDetachedThread(const char* name, size_t stack_bytes, std::function<void()> body) {
  auto start = std::make_unique<Start>(Start{name, std::move(body)});
#if defined(_WIN32)
  const uintptr_t handle = _beginthreadex(nullptr, static_cast<unsigned>(stack_bytes), Enter, start.get(),
                                          STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (handle == 0) return false;
  CloseHandle(reinterpret_cast<HANDLE>(handle));
#else
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  (void)pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int result = pthread_create(&thread, &attributes, Enter, start.get());
  pthread_attr_destroy(&attributes);
  if (result != 0) return false;
#endif
  // The thread owns it now.
  std::ignore = start.release();
  return true;
}

uintptr_t StackLimitForCurrentThread(size_t usable_bytes) {
#if defined(__GNUC__)
  // Not a local's address: sanitizers keep locals elsewhere.
  const void* const here = __builtin_frame_address(0);
#else
  const char local = 0;
  const void* const here = &local;
#endif
  return reinterpret_cast<uintptr_t>(here) - usable_bytes;
}

#if defined(_WIN32)

void ThreadClock::BindToCurrentThread() {
  HANDLE copy = nullptr;
  DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &copy, 0, FALSE,
                  DUPLICATE_SAME_ACCESS);
  handle_.store(reinterpret_cast<uintptr_t>(copy));
}

double ThreadClock::CpuMilliseconds() const {
  FILETIME created, ended, kernel, user;
  if (!GetThreadTimes(reinterpret_cast<HANDLE>(handle_.load()), &created, &ended, &kernel, &user)) return 0;
  const auto ticks = [](const FILETIME& t) {
    return (static_cast<uint64_t>(t.dwHighDateTime) << 32) | t.dwLowDateTime;
  };
  return static_cast<double>(ticks(kernel) + ticks(user)) / 1e4;
}

void ThreadClock::LowerPriority() const {
  SetThreadPriority(reinterpret_cast<HANDLE>(handle_.load()), THREAD_PRIORITY_IDLE);
}

double CurrentThreadCpuMilliseconds() {
  ThreadClock clock;
  clock.BindToCurrentThread();
  return clock.CpuMilliseconds();
}

#else

void ThreadClock::BindToCurrentThread() {
  handle_.store(reinterpret_cast<uintptr_t>(pthread_self()));
#if defined(__linux__)
  thread_id_.store(static_cast<int>(syscall(SYS_gettid)));
#endif
}

double ThreadClock::CpuMilliseconds() const {
#if defined(__APPLE__)
  thread_basic_info_data_t info;
  mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
  const auto port = pthread_mach_thread_np(reinterpret_cast<pthread_t>(handle_.load()));
  if (thread_info(port, THREAD_BASIC_INFO, reinterpret_cast<thread_info_t>(&info), &count) != KERN_SUCCESS)
    return 0;
  return (info.user_time.seconds + info.system_time.seconds) * 1e3 +
         (info.user_time.microseconds + info.system_time.microseconds) / 1e3;
#else
  clockid_t clock;
  timespec time;
  if (pthread_getcpuclockid(static_cast<pthread_t>(handle_.load()), &clock) != 0 ||
      clock_gettime(clock, &time) != 0) {
    return 0;
  }
  return Milliseconds(time);
#endif
}

void ThreadClock::LowerPriority() const {
#if defined(__linux__)
  setpriority(PRIO_PROCESS, static_cast<id_t>(thread_id_.load()), 19);
#endif
}

double CurrentThreadCpuMilliseconds() {
  timespec time;
  return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 ? Milliseconds(time) : 0;
}

#endif

int CurrentCore() {
#if defined(_WIN32)
  return static_cast<int>(GetCurrentProcessorNumber());
#elif defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

}  // namespace codecell::base
