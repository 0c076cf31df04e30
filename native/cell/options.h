// What a cell is started with. Plain data. [any]
#pragma once

#include <cstddef>
#include <cstdint>

namespace codecell::cell {

enum class Profile : uint8_t { kDefault, kCodex };

// 0 means no limit.
struct Limits {
  size_t heap_bytes = 0;
  double cpu_ms = 0;
  double wall_ms = 0;
  double idle_ms = 0;
  // wall_ms and idle_ms do not run while no script runs and a nested call is unanswered.
  bool pause_while_waiting = false;
  size_t output_bytes = 0;
  size_t output_items = 0;
  size_t tool_calls = 0;
  size_t tool_input_bytes = 0;
  size_t stored_bytes = 0;
};

struct Options {
  Profile profile = Profile::kDefault;
  bool remote_images = true;
  // How long the cell may take to stop before its thread is given up.
  double quarantine_ms = 500;
  Limits limits;
};

}  // namespace codecell::cell
