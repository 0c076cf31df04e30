// A string as V8 keeps it: Latin-1 or UTF-16. Carries text and JSON text across threads without
// the cost of transcoding. Plain data, owned by whoever holds it. [any]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace codecell::base {

class Text {
 public:
  Text() = default;
  static Text Latin1(std::string value) {
    Text text;
    text.latin1_ = std::move(value);
    return text;
  }
  static Text Utf16(std::u16string value) {
    Text text;
    text.wide_ = true;
    text.utf16_ = std::move(value);
    return text;
  }
  // Every UTF-8 text; malformed bytes become U+FFFD.
  static Text FromUtf8(std::string_view utf8);

  bool is_latin1() const { return !wide_; }
  const std::string& latin1() const { return latin1_; }
  const std::u16string& utf16() const { return utf16_; }
  // Code units.
  size_t length() const { return wide_ ? utf16_.size() : latin1_.size(); }
  // Memory taken by the characters.
  size_t bytes() const { return wide_ ? utf16_.size() * 2 : latin1_.size(); }
  // Size as UTF-8, lone surrogates counted as the replacement character.
  size_t utf8_bytes() const;
  bool empty() const { return length() == 0; }
  char16_t at(size_t index) const {
    return wide_ ? utf16_[index] : static_cast<char16_t>(static_cast<uint8_t>(latin1_[index]));
  }
  friend bool operator==(const Text&, const Text&) = default;
  bool Equals(std::string_view ascii) const { return !wide_ && latin1_ == ascii; }

  // This text with an ASCII one behind it.
  Text Followed(std::string_view ascii) const;
  // Replaces lone surrogates by U+FFFD.
  void MakeWellFormed();
  // True when nothing but Unicode white space is in it.
  bool IsBlank() const;
  std::string ToUtf8() const;

 private:
  bool wide_ = false;
  std::string latin1_;
  std::u16string utf16_;
};

}  // namespace codecell::base
