#include "base/text.h"

namespace codecell::base {
namespace {

constexpr char16_t kReplacement = 0xFFFD;

bool IsHigh(char16_t unit) { return (unit & 0xFC00) == 0xD800; }
bool IsLow(char16_t unit) { return (unit & 0xFC00) == 0xDC00; }

bool IsWhiteSpace(char16_t unit) {
  return (unit >= 0x09 && unit <= 0x0D) || unit == 0x20 || unit == 0x85 || unit == 0xA0 || unit == 0x1680 ||
         (unit >= 0x2000 && unit <= 0x200A) || unit == 0x2028 || unit == 0x2029 || unit == 0x202F ||
         unit == 0x205F || unit == 0x3000;
}

void AppendUtf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (point >> 6)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (point >> 12)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (point >> 18)));
    out.push_back(static_cast<char>(0x80 | ((point >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

// Reads one code point and moves `index` past it; malformed input gives U+FFFD and moves one byte.
uint32_t NextPoint(std::string_view utf8, size_t& index) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(utf8[at]); };
  const uint8_t lead = byte(index++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 && lead < 0xF5   ? 3
                   : lead >= 0xE0 && lead < 0xF0 ? 2
                   : lead >= 0xC2 && lead < 0xE0 ? 1
                                                 : 0;
  if (more == 0 || index + more > utf8.size()) return kReplacement;
  uint32_t point = lead & (0x3F >> more);
  for (int i = 0; i < more; i++) {
    if ((byte(index + i) & 0xC0) != 0x80) return kReplacement;
    point = (point << 6) | (byte(index + i) & 0x3F);
  }
  if ((more == 2 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) ||
      (more == 3 && (point < 0x10000 || point > 0x10FFFF))) {
    return kReplacement;
  }
  index += more;
  return point;
}

}  // namespace

Text Text::FromUtf8(std::string_view utf8) {
  bool ascii = true;
  for (const char c : utf8) ascii = ascii && static_cast<uint8_t>(c) < 0x80;
  if (ascii) return Latin1(std::string(utf8));
  std::u16string wide;
  wide.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size();) {
    const uint32_t point = NextPoint(utf8, i);
    if (point < 0x10000) {
      wide.push_back(static_cast<char16_t>(point));
    } else {
      wide.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      wide.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return Utf16(std::move(wide));
}

Text Text::Followed(std::string_view ascii) const {
  Text text = *this;
  if (wide_) {
    text.utf16_.append(ascii.begin(), ascii.end());
  } else {
    text.latin1_.append(ascii);
  }
  return text;
}

void Text::MakeWellFormed() {
  if (!wide_) return;
  for (size_t i = 0; i < utf16_.size(); i++) {
    if (IsHigh(utf16_[i]) && i + 1 < utf16_.size() && IsLow(utf16_[i + 1])) {
      i++;
    } else if (IsHigh(utf16_[i]) || IsLow(utf16_[i])) {
      utf16_[i] = kReplacement;
    }
  }
}

bool Text::IsBlank() const {
  for (size_t i = 0; i < length(); i++) {
    if (!IsWhiteSpace(at(i))) return false;
  }
  return true;
}

size_t Text::utf8_bytes() const {
  size_t bytes = length();
  if (!wide_) {
    for (const char c : latin1_) bytes += static_cast<uint8_t>(c) >> 7;
    return bytes;
  }
  for (size_t i = 0; i < utf16_.size(); i++) {
    const char16_t unit = utf16_[i];
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A pair takes four bytes, not twice three.
    if (IsHigh(unit) && i + 1 < utf16_.size() && IsLow(utf16_[i + 1])) i++;
  }
  return bytes;
}

std::string Text::ToUtf8() const {
  std::string out;
  out.reserve(length());
  for (size_t i = 0; i < length(); i++) {
    const char16_t unit = at(i);
    if (IsHigh(unit) && i + 1 < length() && IsLow(at(i + 1))) {
      AppendUtf8(out, 0x10000 + ((static_cast<uint32_t>(unit) - 0xD800) << 10) + (at(i + 1) - 0xDC00));
      i++;
    } else if (IsHigh(unit) || IsLow(unit)) {
      AppendUtf8(out, kReplacement);
    } else {
      AppendUtf8(out, unit);
    }
  }
  return out;
}

}  // namespace codecell::base
