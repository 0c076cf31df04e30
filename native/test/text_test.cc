#include "base/text.h"

#include <doctest/doctest.h>

#include <string>

using codecell::base::Text;

TEST_CASE("ASCII stays one byte per character") {
  const Text text = Text::FromUtf8("plain");
  CHECK(text.is_latin1());
  CHECK(text.bytes() == 5);
  CHECK(text.Equals("plain"));
  CHECK_FALSE(text.Equals("plai"));
}

TEST_CASE("UTF-8 survives the way there and back") {
  for (const std::string utf8 :
       {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "a\xF0\x9F\x98\x80z"}) {
    CHECK(Text::FromUtf8(utf8).ToUtf8() == utf8);
  }
  CHECK(Text::FromUtf8("\xF0\x9F\x98\x80").length() == 2);
}

TEST_CASE("Latin-1 becomes UTF-8") { CHECK(Text::Latin1("\xE9").ToUtf8() == "\xC3\xA9"); }

TEST_CASE("malformed UTF-8 becomes replacement characters and nothing is read past the end") {
  const std::string replacement = "\xEF\xBF\xBD";
  for (const std::string broken :
       {"\x80", "\xC0", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xFF", "\xF5\x80\x80\x80"}) {
    const std::string utf8 = Text::FromUtf8(broken).ToUtf8();
    CHECK(utf8.starts_with(replacement));
  }
  CHECK(Text::FromUtf8("\xED\xA0\x80").ToUtf8().starts_with(replacement));  // an encoded surrogate
  CHECK(Text::FromUtf8("\xC0\xAF").ToUtf8().starts_with(replacement));      // an overlong slash
  CHECK(Text::FromUtf8("\xC3(").ToUtf8() == replacement + "(");
}

TEST_CASE("lone surrogates are replaced and pairs kept") {
  Text text = Text::Utf16(std::u16string{u'a', 0xD800, u'b', 0xDC00, 0xD83D, 0xDE00, 0xD83D});
  const std::string utf8 = text.ToUtf8();
  text.MakeWellFormed();
  CHECK(text.utf16() == std::u16string{u'a', 0xFFFD, u'b', 0xFFFD, 0xD83D, 0xDE00, 0xFFFD});
  CHECK(text.ToUtf8() == utf8);
}

TEST_CASE("white space of any script is blank") {
  CHECK(Text().IsBlank());
  CHECK(Text::FromUtf8(" \t\r\n\v\f").IsBlank());
  CHECK(Text::Utf16(u"\u00A0\u2003\u3000\u2028").IsBlank());
  CHECK_FALSE(Text::FromUtf8(" x ").IsBlank());
}
