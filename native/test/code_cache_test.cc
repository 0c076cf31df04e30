#include "base/code_cache.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using codecell::base::CodeCache;
using codecell::base::Text;

namespace {

Text Source(const std::string& text) { return Text::Latin1(text); }

// Has the code kept, as the second cell with a source does.
void Keep(CodeCache& cache, const Text& source, size_t bytes = 8) {
  cache.Find(source);
  REQUIRE(cache.Find(source).wanted);
  cache.Keep(source, std::vector<uint8_t>(bytes, static_cast<uint8_t>(source.length())));
}

bool Has(CodeCache& cache, const Text& source) { return cache.Find(source).code != nullptr; }

}  // namespace

TEST_CASE("code is wanted when a source is seen again, and found afterwards") {
  CodeCache cache;
  const Text source = Source("text(1)");
  CHECK_FALSE(cache.Find(source).wanted);
  CHECK(cache.Find(source).wanted);
  CHECK(cache.sources() == 0);
  cache.Keep(source, {1, 2, 3});
  const CodeCache::Found found = cache.Find(source);
  REQUIRE(found.code);
  CHECK(*found.code == std::vector<uint8_t>{1, 2, 3});
  CHECK_FALSE(found.wanted);
  CHECK(cache.sources() == 1);
}

TEST_CASE("code is for one source alone, whatever its characters") {
  CodeCache cache;
  Keep(cache, Source("text(1)"));
  CHECK_FALSE(Has(cache, Source("text(2)")));
  CHECK_FALSE(Has(cache, Text::Utf16(u"text(1)")));
  Keep(cache, Text::Utf16(u"text('\u20AC')"));
  CHECK(Has(cache, Text::Utf16(u"text('\u20AC')")));
  CHECK_FALSE(Has(cache, Text::Utf16(u"text('\u20AD')")));
}

TEST_CASE("the source that was used longest ago goes first") {
  CodeCache cache;
  const Text used = Source("used");
  Keep(cache, used);
  Keep(cache, Source("unused"));
  for (size_t i = 2; i < CodeCache::kMostSources; i++) Keep(cache, Source("other " + std::to_string(i)));
  CHECK(Has(cache, used));
  Keep(cache, Source("one more"));
  CHECK(cache.sources() == CodeCache::kMostSources);
  CHECK(Has(cache, used));
  CHECK_FALSE(Has(cache, Source("unused")));
}

TEST_CASE("what is kept is bounded in bytes, sources included") {
  CodeCache cache;
  const size_t quarter = CodeCache::kMostBytes / 4;
  for (int i = 0; i < 10; i++) Keep(cache, Source("source " + std::to_string(i)), quarter);
  CHECK(cache.sources() == 3);
  Keep(cache, Source("too large"), CodeCache::kMostBytes);
  CHECK(cache.sources() == 3);
  CHECK_FALSE(Has(cache, Source("too large")));
}

TEST_CASE("a long source is compiled every time") {
  CodeCache cache;
  const Text source = Source(std::string(CodeCache::kMostSourceBytes + 1, ';'));
  cache.Find(source);
  CHECK_FALSE(cache.Find(source).wanted);
}

TEST_CASE("code that was dropped is wanted again") {
  CodeCache cache;
  const Text source = Source("text(1)");
  Keep(cache, source);
  cache.Drop(source);
  cache.Drop(source);
  CHECK(cache.sources() == 0);
  CHECK(cache.Find(source).wanted);
}

TEST_CASE("a source that was forgotten counts as new") {
  CodeCache cache;
  const Text source = Source("first");
  cache.Find(source);
  for (int i = 0; i < 5000; i++) cache.Find(Source("source " + std::to_string(i)));
  CHECK_FALSE(cache.Find(source).wanted);
}

TEST_CASE("cells find and keep code at the same time") {
  CodeCache cache;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; thread++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; i++) {
        const Text source = Source(std::string(static_cast<size_t>(i % 200) + 1, 'x'));
        const CodeCache::Found found = cache.Find(source);
        if (found.code && found.code->size() != source.length()) wrong++;
        if (found.wanted) cache.Keep(source, std::vector<uint8_t>(source.length()));
        if (i % 97 == 0) cache.Drop(source);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(cache.sources() <= CodeCache::kMostSources);
}
