// SettleOnce: the one place where a cell's outcome is decided. The first Settle wins; every later one is
// told so. A value is written once and never changes, so readers after `settled()` need no lock. [any]
#pragma once

#include <atomic>
#include <utility>

namespace codecell::base {

template <typename T>
class SettleOnce {
 public:
  // True for the caller whose value became the outcome.
  bool Settle(T value) {
    State expected = State::kOpen;
    if (!state_.compare_exchange_strong(expected, State::kWriting, std::memory_order_acquire)) return false;
    value_ = std::move(value);
    state_.store(State::kSettled, std::memory_order_release);
    return true;
  }

  // True from the moment a caller has won, even while its value is still being written.
  bool decided() const { return state_.load(std::memory_order_acquire) != State::kOpen; }
  bool settled() const { return state_.load(std::memory_order_acquire) == State::kSettled; }
  // Only after settled().
  const T& value() const { return value_; }

 private:
  enum class State { kOpen, kWriting, kSettled };
  std::atomic<State> state_{State::kOpen};
  T value_{};
};

}  // namespace codecell::base
