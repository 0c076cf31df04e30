#include "base/audio_clip.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

using codecell::base::AudioDurationMs;
using codecell::base::DecodeBase64;
using codecell::base::IsShortAudioDataUrl;

namespace {

using Bytes = std::vector<uint8_t>;

// Builds a file out of tags and numbers.
class File {
 public:
  File& Tag(const std::string& text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  File& Little(uint64_t value, int width) {
    for (int i = 0; i < width; i++) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  File& Big(uint64_t value, int width) {
    for (int i = width; i-- > 0;) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  File& Zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  File& Add(const Bytes& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  Bytes Done() const { return bytes_; }

 private:
  Bytes bytes_;
};

// 16-bit mono at 8 kHz.
Bytes Wave(uint32_t frames, uint32_t claimed_bytes, uint32_t rate = 8000) {
  return File()
      .Tag("RIFF")
      .Little(36 + frames * 2, 4)
      .Tag("WAVE")
      .Tag("fmt ")
      .Little(16, 4)
      .Little(1, 2)
      .Little(1, 2)
      .Little(rate, 4)
      .Little(rate * 2, 4)
      .Little(2, 2)
      .Little(16, 2)
      .Tag("data")
      .Little(claimed_bytes, 4)
      .Zeros(frames * 2)
      .Done();
}

Bytes Flac(uint64_t samples) {
  return File()
      .Tag("fLaC")
      .Big(0x80, 1)
      .Big(34, 3)
      .Zeros(10)
      .Big(uint64_t{48000} << 44 | uint64_t{15} << 36 | samples, 8)
      .Zeros(16)
      .Done();
}

Bytes OggPage(uint8_t flags, uint64_t granule, const Bytes& packet) {
  return File()
      .Tag("OggS")
      .Big(0, 1)
      .Big(flags, 1)
      .Little(granule, 8)
      .Little(77, 4)
      .Zeros(8)
      .Big(1, 1)
      .Big(packet.size(), 1)
      .Add(packet)
      .Done();
}

Bytes Opus(uint64_t last_granule) {
  const Bytes head =
      File().Tag("OpusHead").Big(1, 1).Big(1, 1).Little(312, 2).Little(48000, 4).Zeros(3).Done();
  return File()
      .Add(OggPage(2, 0, head))
      .Add(OggPage(0, 0, Bytes(16)))
      .Add(OggPage(0, UINT64_MAX, Bytes(20)))
      .Add(OggPage(4, last_granule, Bytes(20)))
      .Done();
}

Bytes Vorbis(uint64_t last_granule) {
  const Bytes head = File().Tag("\x01vorbis").Little(0, 4).Big(1, 1).Little(44100, 4).Zeros(14).Done();
  return File().Add(OggPage(2, 0, head)).Add(OggPage(4, last_granule, Bytes(9))).Done();
}

// One MPEG 1 layer III frame: 48 kHz, 32 kbit/s, mono, 96 bytes, 1152 samples (24 ms).
Bytes Mp3Frame() { return File().Big(0xFFFB14C0, 4).Zeros(92).Done(); }

Bytes Mp3(int frames) {
  File file;
  for (int i = 0; i < frames; i++) file.Add(Mp3Frame());
  return file.Done();
}

Bytes Mp3WithXing(uint32_t frames, uint32_t delay, uint32_t padding) {
  Bytes first = File()
                    .Big(0xFFFBA4C0, 4)
                    .Zeros(17)
                    .Tag("Info")
                    .Big(1, 4)
                    .Big(frames, 4)
                    .Tag("LAME3.100")
                    .Zeros(12)
                    .Big(delay << 12 | padding, 3)
                    .Done();
  first.resize(480);  // a frame of 160 kbit/s
  return File().Add(first).Add(Mp3Frame()).Done();
}

// 22.05 kHz as an 80-bit float.
Bytes Aiff(uint32_t frames) {
  return File()
      .Tag("FORM")
      .Big(46, 4)
      .Tag("AIFF")
      .Tag("COMM")
      .Big(18, 4)
      .Big(1, 2)
      .Big(frames, 4)
      .Big(16, 2)
      .Big(0x400D, 2)
      .Big(0xAC44000000000000, 8)
      .Done();
}

std::string Base64(const Bytes& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; j++) group = group << 8 | (j < count ? bytes[i + j] : 0);
    for (size_t j = 0; j < 4; j++) out += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string DataUrl(const Bytes& bytes, const std::string& type = "audio/wav") {
  return "data:" + type + ";base64," + Base64(bytes);
}

}  // namespace

TEST_CASE("the duration of a WAV file is that of its samples") {
  CHECK(AudioDurationMs(Wave(199, 398)) == 24.875);
  CHECK(AudioDurationMs(Wave(200, 400)) == 25.0);
  CHECK(AudioDurationMs(Wave(0, 0)) == 0.0);
  CHECK(AudioDurationMs(Wave(80, 0xFFFFFFFF)) == 10.0);
  CHECK(AudioDurationMs(Wave(80, 160, 0)) == std::nullopt);
}

TEST_CASE("WAV chunks before the samples are skipped, odd ones with their padding") {
  const Bytes plain = Wave(80, 160);
  const Bytes file = File()
                         .Add(Bytes(plain.begin(), plain.begin() + 12))
                         .Tag("LIST")
                         .Little(3, 4)
                         .Zeros(4)
                         .Add(Bytes(plain.begin() + 12, plain.end()))
                         .Done();
  CHECK(AudioDurationMs(file) == 10.0);
}

TEST_CASE("the duration of other formats is read from their headers or frames") {
  CHECK(AudioDurationMs(Flac(480)) == 10.0);
  CHECK(AudioDurationMs(Flac(0)) == 0.0);
  CHECK(AudioDurationMs(File().Add(Flac(0)).Zeros(100).Done()) == std::nullopt);
  CHECK(AudioDurationMs(Opus(312 + 4800)) == 100.0);
  CHECK(AudioDurationMs(Opus(100)) == 0.0);
  CHECK(AudioDurationMs(Vorbis(441)) == 10.0);
  CHECK(AudioDurationMs(Mp3(1)) == 24.0);
  CHECK(AudioDurationMs(Mp3(4)) == 96.0);
  CHECK(AudioDurationMs(Mp3WithXing(2, 1105, 239)) == doctest::Approx(20.0));
  CHECK(AudioDurationMs(Aiff(441)) == 20.0);
  CHECK(AudioDurationMs(Aiff(0)) == 0.0);
}

TEST_CASE("an ID3 tag before MP3 frames or FLAC is skipped") {
  const Bytes tag = File().Tag("ID3").Big(4, 1).Zeros(2).Big(20, 4).Zeros(20).Done();
  CHECK(AudioDurationMs(File().Add(tag).Add(Mp3(2)).Done()) == 48.0);
  CHECK(AudioDurationMs(File().Add(tag).Zeros(7).Add(Mp3(2)).Done()) == 48.0);
  CHECK(AudioDurationMs(File().Add(tag).Add(Flac(480)).Done()) == 10.0);
}

TEST_CASE("MP3 frames are found again after garbage between them") {
  CHECK(AudioDurationMs(File().Add(Mp3(2)).Zeros(33).Add(Mp3(2)).Done()) == 96.0);
}

TEST_CASE("bytes that are no audio have no duration") {
  CHECK(AudioDurationMs(Bytes{}) == std::nullopt);
  CHECK(AudioDurationMs(Bytes{0, 0, 0}) == std::nullopt);
  CHECK(AudioDurationMs(File().Tag("\x89PNG\r\n").Zeros(100).Done()) == std::nullopt);
  CHECK(AudioDurationMs(File().Tag("RIFF").Zeros(4).Tag("AVI ").Zeros(100).Done()) == std::nullopt);
  CHECK(AudioDurationMs(File().Big(0xFFFB14C0, 4).Zeros(500).Done()) == std::nullopt);
}

TEST_CASE("every prefix of a valid file is read safely") {
  for (const auto& file :
       {Wave(20, 40), Flac(480), Opus(5000), Vorbis(441), Mp3(3), Mp3WithXing(2, 10, 10), Aiff(9)}) {
    for (size_t length = 0; length <= file.size(); length++) {
      // A copy of the exact size, so that AddressSanitizer sees a read past the end.
      const Bytes prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
      const auto duration = AudioDurationMs(prefix);
      CHECK((!duration || *duration >= 0));
    }
  }
}

TEST_CASE("corrupted files are read safely") {
  std::mt19937 random(20'240'501);
  for (const auto& file :
       {Wave(20, 40), Flac(480), Opus(5000), Vorbis(441), Mp3(3), Mp3WithXing(2, 10, 10), Aiff(9)}) {
    for (int round = 0; round < 3000; round++) {
      Bytes broken = file;
      for (int change = 0; change < 1 + round % 4; change++) {
        broken[random() % broken.size()] = static_cast<uint8_t>(random() % 3 == 0 ? 0xFF : random());
      }
      const auto duration = AudioDurationMs(broken);
      CHECK((!duration || *duration >= 0));
    }
  }
}

TEST_CASE("base64 is decoded strictly") {
  const auto decode = [](std::string_view in) {
    Bytes out{1, 2, 3};
    const bool ok = DecodeBase64(in, out);
    return std::pair(ok, std::string(out.begin(), out.end()));
  };
  CHECK(decode("") == std::pair(true, std::string()));
  CHECK(decode("Zg==") == std::pair(true, std::string("f")));
  CHECK(decode("Zm8=") == std::pair(true, std::string("fo")));
  CHECK(decode("Zm9v") == std::pair(true, std::string("foo")));
  CHECK(decode("Zm9vYg==") == std::pair(true, std::string("foob")));
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm 9", "Z===", "====", "Zm9v\n", "Zg==Zg==", "Zm_v"}) {
    CHECK(decode(bad) == std::pair(false, std::string()));
  }
}

TEST_CASE("a data URL is short audio when its clip lasts less than 25 ms, whatever its media type") {
  CHECK(IsShortAudioDataUrl(DataUrl(Wave(199, 398))));
  CHECK_FALSE(IsShortAudioDataUrl(DataUrl(Wave(200, 400))));
  CHECK(IsShortAudioDataUrl(DataUrl(Wave(0, 0))));
  CHECK(IsShortAudioDataUrl(DataUrl(Mp3(1), "application/octet-stream")));
  CHECK_FALSE(IsShortAudioDataUrl(DataUrl(Mp3(2))));
  CHECK(IsShortAudioDataUrl("DATA:;BASE64," + Base64(Flac(480))));
}

TEST_CASE("a data URL that cannot be decoded is not short audio") {
  CHECK_FALSE(IsShortAudioDataUrl("data:audio/wav;base64,AAAA"));
  CHECK_FALSE(IsShortAudioDataUrl("data:audio/wav;base64,%%%%"));
  CHECK_FALSE(IsShortAudioDataUrl("data:audio/wav;base64,"));
  CHECK_FALSE(IsShortAudioDataUrl("data:audio/wav," + Base64(Wave(10, 20))));
  CHECK_FALSE(IsShortAudioDataUrl("data:audio/wav;base64"));
  CHECK_FALSE(IsShortAudioDataUrl(""));
}
