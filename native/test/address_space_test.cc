#include "base/address_space.h"

#include <doctest/doctest.h>

#include "base/units.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

using codecell::base::AddressSpaceTurn;
using codecell::base::kMegabyte;

TEST_CASE("where address space is not bounded every turn is granted") {
  if (codecell::base::AddressSpaceIsBounded()) return;
  const AddressSpaceTurn first(size_t{1} << 60);
  const AddressSpaceTurn second(size_t{1} << 60);
  CHECK(first.granted());
  CHECK(second.granted());
}

TEST_CASE("what does not fit the address space cannot be reserved") {
  CHECK(codecell::base::MayReserve(kMegabyte));
  CHECK(!codecell::base::MayReserve(size_t{1} << 60));
}
