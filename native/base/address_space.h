// AddressSpaceTurn: asks the system for address space before V8 does.
//
// V8 ends the process when it cannot reserve what a new isolate needs. Where the process's address space is
// bounded
// (`ulimit -v`), isolates are therefore made one at a time, and only while there is room for one. [any]
#pragma once

#include <cstddef>

namespace codecell::base {

// Whether the process may have only so much of it.
bool AddressSpaceIsBounded();
// Whether `bytes` could be reserved in one piece right now.
bool MayReserve(size_t bytes);

class AddressSpaceTurn {
 public:
  // Waits until nobody else is making an isolate, and tries to reserve `bytes` in one piece.
  explicit AddressSpaceTurn(size_t bytes);
  ~AddressSpaceTurn();
  AddressSpaceTurn(const AddressSpaceTurn&) = delete;
  AddressSpaceTurn& operator=(const AddressSpaceTurn&) = delete;

  bool granted() const { return granted_; }

 private:
  bool bounded_ = false;
  bool granted_ = true;
};

}  // namespace codecell::base
