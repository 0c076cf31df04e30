// TaskQueue: the foreground tasks V8 posts to one isolate (GC jobs, finalization, delayed work).
//
// V8's workers post from any thread; the isolate's thread runs the tasks between pieces of script. Tasks
// still queued at the end are dropped.
#pragma once

#include <v8-platform.h>
#include <v8-version.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"

namespace codecell::engine {

class TaskQueue final : public v8::TaskRunner {
 public:
  // [isolate] `wake` is called, from any thread, when a task arrives. Null stops that.
  void SetWake(std::function<void()> wake) EXCLUDES(mutex_);
  // [isolate] Runs the tasks that are due. Returns true when there were any.
  bool RunDue() EXCLUDES(mutex_);
  // [isolate] When the next delayed task is due.
  std::optional<base::TimePoint> NextDue() EXCLUDES(mutex_);
  // [isolate] Drops everything, and whatever is posted from now on.
  void Close() EXCLUDES(mutex_);

  // v8::TaskRunner, [any]. Tasks run with no script on the stack, so all of them are non-nestable.
  bool IdleTasksEnabled() override { return false; }
  bool NonNestableTasksEnabled() const override { return true; }
  bool NonNestableDelayedTasksEnabled() const override { return true; }

#if V8_MAJOR_VERSION < 12
  void PostTask(std::unique_ptr<v8::Task> task) override { Post(std::move(task), 0); }
  void PostNonNestableTask(std::unique_ptr<v8::Task> task) override { Post(std::move(task), 0); }
  void PostDelayedTask(std::unique_ptr<v8::Task> task, double seconds) override {
    Post(std::move(task), seconds);
  }
  void PostNonNestableDelayedTask(std::unique_ptr<v8::Task> task, double seconds) override {
    Post(std::move(task), seconds);
  }
  void PostIdleTask(std::unique_ptr<v8::IdleTask> task) override {}
#else
 protected:
  void PostTaskImpl(std::unique_ptr<v8::Task> task, const v8::SourceLocation&) override {
    Post(std::move(task), 0);
  }
  void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task, const v8::SourceLocation&) override {
    Post(std::move(task), 0);
  }
  void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                           const v8::SourceLocation&) override {
    Post(std::move(task), seconds);
  }
  void PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                                      const v8::SourceLocation&) override {
    Post(std::move(task), seconds);
  }
  void PostIdleTaskImpl(std::unique_ptr<v8::IdleTask> task, const v8::SourceLocation&) override {}
#endif

 private:
  void Post(std::unique_ptr<v8::Task> task, double seconds) EXCLUDES(mutex_);

  base::Mutex mutex_;
  std::function<void()> wake_ GUARDED_BY(mutex_);
  std::multimap<base::TimePoint, std::unique_ptr<v8::Task>> tasks_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace codecell::engine
