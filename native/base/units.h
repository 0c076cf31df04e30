// Sizes in bytes. [any]
#pragma once

#include <cstddef>

namespace codecell::base {

inline constexpr size_t kKilobyte = 1024;
inline constexpr size_t kMegabyte = kKilobyte * 1024;

}  // namespace codecell::base
