// Conversions of text, from any bytes and from any UTF-16: well-formed text comes back as it was, and sizes
// are right.
#include <cstring>

#include "base/text.h"
#include "fuzz/reader.h"

namespace {

using codecell::base::Text;

void CheckText(const Text& text) {
  const std::string utf8 = text.ToUtf8();
  PROPERTY(text.utf8_bytes() == utf8.size());
  PROPERTY(text.empty() == (text.length() == 0));
  PROPERTY(text.bytes() == text.length() * (text.is_latin1() ? 1 : 2));
  (void)text.IsBlank();
  // UTF-8 that we wrote is well-formed: it comes back, byte for byte.
  const Text back = Text::FromUtf8(utf8);
  PROPERTY(back.ToUtf8() == utf8);
  Text well_formed = text;
  well_formed.MakeWellFormed();
  PROPERTY(well_formed.length() == text.length());
  PROPERTY(well_formed.ToUtf8() == utf8);
  PROPERTY(back.length() == well_formed.length());
  for (size_t i = 0; i < back.length(); i++) PROPERTY(back.at(i) == well_formed.at(i));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = codecell::fuzz::AsView(data, size);
  CheckText(Text::FromUtf8(bytes));
  CheckText(Text::Latin1(std::string(bytes)));
  std::u16string units(size / 2, u'\0');
  std::memcpy(units.data(), data, units.size() * 2);
  CheckText(Text::Utf16(std::move(units)));
  return 0;
}
