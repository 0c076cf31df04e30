#include "engine/task_queue.h"

#include <utility>

namespace codecell::engine {

using base::Clock;
using base::MutexLock;

void TaskQueue::SetWake(std::function<void()> wake) {
  MutexLock lock(mutex_);
  wake_ = std::move(wake);
}

void TaskQueue::Post(std::unique_ptr<v8::Task> task, double seconds) {
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  MutexLock lock(mutex_);
  if (closed_) return;
  tasks_.emplace(seconds > 0 ? Clock::now() + delay : base::TimePoint::min(), std::move(task));
  // Under the lock, so that the receiver cannot go away meanwhile: SetWake(nullptr) waits for it.
  if (wake_) wake_();
}

bool TaskQueue::RunDue() {
  std::vector<std::unique_ptr<v8::Task>> due;
  {
    MutexLock lock(mutex_);
    if (tasks_.empty()) return false;
    const auto end = tasks_.upper_bound(Clock::now());
    for (auto task = tasks_.begin(); task != end; ++task) due.push_back(std::move(task->second));
    tasks_.erase(tasks_.begin(), end);
  }
  for (auto& task : due) task->Run();
  return !due.empty();
}

std::optional<base::TimePoint> TaskQueue::NextDue() {
  MutexLock lock(mutex_);
  if (tasks_.empty()) return std::nullopt;
  return tasks_.begin()->first;
}

void TaskQueue::Close() {
  // Destroyed after the lock is released: a task's destructor may post.
  std::multimap<base::TimePoint, std::unique_ptr<v8::Task>> dropped;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    wake_ = nullptr;
    dropped.swap(tasks_);
  }
}

}  // namespace codecell::engine
