#include "base/audio_clip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace codecell::base {
namespace {

using Bytes = std::span<const uint8_t>;

// Reads past the end give zero, so a parser that checked its lengths wrongly misjudges a clip and nothing
// worse.
uint8_t At(Bytes bytes, size_t offset) { return offset < bytes.size() ? bytes[offset] : 0; }

uint64_t BigEndian(Bytes bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; i++) value = value << 8 | At(bytes, offset + i);
  return value;
}

uint64_t LittleEndian(Bytes bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | At(bytes, offset + i);
  return value;
}

bool HasTag(Bytes bytes, size_t offset, std::string_view tag) {
  return offset <= bytes.size() && bytes.size() - offset >= tag.size() &&
         std::memcmp(bytes.data() + offset, tag.data(), tag.size()) == 0;
}

Bytes From(Bytes bytes, size_t offset) { return bytes.subspan(std::min(offset, bytes.size())); }

std::optional<double> SamplesToMs(double samples, double rate) {
  if (!(rate > 0) || !std::isfinite(rate) || !(samples >= 0)) return std::nullopt;
  const double ms = samples * 1000.0 / rate;
  return std::isfinite(ms) ? std::optional(ms) : std::nullopt;
}

// --- RIFF WAVE and its 64-bit and big-endian forms
// ---------------------------------------------------------------

std::optional<double> WaveDurationMs(Bytes bytes) {
  const bool big_endian = HasTag(bytes, 0, "RIFX");
  const bool wide = HasTag(bytes, 0, "RF64") || HasTag(bytes, 0, "BW64");
  if (!big_endian && !wide && !HasTag(bytes, 0, "RIFF")) return std::nullopt;
  if (!HasTag(bytes, 8, "WAVE")) return std::nullopt;
  const auto number = [&](size_t offset, size_t width) {
    return big_endian ? BigEndian(bytes, offset, width) : LittleEndian(bytes, offset, width);
  };

  uint64_t wide_data_size = 0;
  uint64_t format = 0, channels = 0, rate = 0, byte_rate = 0, block_align = 0, bits = 0;
  uint64_t sample_count = 0;
  bool have_format = false;
  size_t offset = 12;
  while (bytes.size() - offset >= 8) {
    const size_t body = offset + 8;
    const size_t available = bytes.size() - body;
    uint64_t size = number(offset + 4, 4);
    if (HasTag(bytes, offset, "ds64") && available >= 16) {
      wide_data_size = number(body + 8, 8);
    } else if (HasTag(bytes, offset, "fmt ") && size >= 16 && available >= 16) {
      format = number(body, 2);
      channels = number(body + 2, 2);
      rate = number(body + 4, 4);
      byte_rate = number(body + 8, 4);
      block_align = number(body + 12, 2);
      bits = number(body + 14, 2);
      have_format = true;
    } else if (HasTag(bytes, offset, "fact") && size >= 4 && available >= 4) {
      sample_count = number(body, 4);
    } else if (HasTag(bytes, offset, "data")) {
      if (!have_format || rate == 0 || channels == 0) return std::nullopt;
      if (wide && size == 0xFFFFFFFF) size = wide_data_size;
      // A stream of unknown length claims more than there is.
      size = std::min<uint64_t>(size, available);
      constexpr uint64_t kPcm = 1, kFloat = 3, kALaw = 6, kMuLaw = 7, kExtensible = 0xFFFE;
      const bool plain =
          format == kPcm || format == kFloat || format == kALaw || format == kMuLaw || format == kExtensible;
      if (plain) {
        const uint64_t frame = block_align != 0 ? block_align : channels * ((bits + 7) / 8);
        if (frame == 0) return std::nullopt;
        const uint64_t frames = size / frame;
        return SamplesToMs(static_cast<double>(frames), static_cast<double>(rate));
      }
      if (sample_count != 0) return SamplesToMs(static_cast<double>(sample_count), static_cast<double>(rate));
      return SamplesToMs(static_cast<double>(size), static_cast<double>(byte_rate));
    }
    const uint64_t padded = size + (size & 1);
    if (padded > available) break;
    offset = body + static_cast<size_t>(padded);
  }
  return std::nullopt;
}

// --- AIFF
// --------------------------------------------------------------------------------------------------------

std::optional<double> AiffDurationMs(Bytes bytes) {
  if (!HasTag(bytes, 0, "FORM") || !(HasTag(bytes, 8, "AIFF") || HasTag(bytes, 8, "AIFC")))
    return std::nullopt;
  size_t offset = 12;
  while (bytes.size() - offset >= 8) {
    const size_t body = offset + 8;
    const size_t available = bytes.size() - body;
    const uint64_t size = BigEndian(bytes, offset + 4, 4);
    if (HasTag(bytes, offset, "COMM") && size >= 18 && available >= 18) {
      const uint64_t frames = BigEndian(bytes, body + 2, 4);
      // The sample rate is an 80-bit extended float: sign and exponent, then a mantissa with its integer bit.
      const int exponent = static_cast<int>(BigEndian(bytes, body + 8, 2));
      if (exponent >= 0x7FFF) return std::nullopt;
      const double mantissa = static_cast<double>(BigEndian(bytes, body + 10, 8));
      return SamplesToMs(static_cast<double>(frames), std::ldexp(mantissa, exponent - 16383 - 63));
    }
    const uint64_t padded = size + (size & 1);
    if (padded > available) break;
    offset = body + static_cast<size_t>(padded);
  }
  return std::nullopt;
}

// --- FLAC
// --------------------------------------------------------------------------------------------------------

constexpr size_t kStreamInfoSize = 34;

struct StreamInfo {
  double rate;
  double samples;  // 0: not known
};

std::optional<StreamInfo> ParseStreamInfo(Bytes block) {
  if (block.size() < kStreamInfoSize) return std::nullopt;
  const uint64_t packed = BigEndian(block, 10, 8);  // 20 bits rate, 3 channels, 5 depth, 36 samples
  const uint64_t rate = packed >> 44;
  if (rate == 0) return std::nullopt;
  return StreamInfo{static_cast<double>(rate), static_cast<double>(packed & ((uint64_t{1} << 36) - 1))};
}

std::optional<double> FlacDurationMs(Bytes bytes) {
  if (!HasTag(bytes, 0, "fLaC")) return std::nullopt;
  if ((At(bytes, 4) & 0x7F) != 0 || BigEndian(bytes, 5, 3) < kStreamInfoSize) return std::nullopt;
  const auto info = ParseStreamInfo(From(bytes, 8));
  if (!info) return std::nullopt;
  if (info->samples > 0) return SamplesToMs(info->samples, info->rate);
  // No total: known only when no audio follows the metadata blocks.
  size_t offset = 4;
  for (bool last = false; !last;) {
    if (bytes.size() - offset < 4) return std::nullopt;
    last = (bytes[offset] & 0x80) != 0;
    const uint64_t size = BigEndian(bytes, offset + 1, 3);
    if (size > bytes.size() - offset - 4) return std::nullopt;
    offset += 4 + static_cast<size_t>(size);
  }
  return offset == bytes.size() ? std::optional(0.0) : std::nullopt;
}

// --- Ogg
// ---------------------------------------------------------------------------------------------------------

std::optional<double> OggDurationMs(Bytes bytes) {
  constexpr size_t kPageHeader = 27;
  if (!HasTag(bytes, 0, "OggS")) return std::nullopt;

  double rate = 0, pre_skip = 0, known_samples = 0;
  uint64_t serial = 0;
  bool have_stream = false;
  double last_granule = 0;
  size_t offset = 0;
  while (bytes.size() - offset >= kPageHeader) {
    if (!HasTag(bytes, offset, "OggS")) {
      // Lost the page grid: on to the next byte that may start a page.
      const Bytes rest = From(bytes, offset + 1);
      const auto* next = static_cast<const uint8_t*>(std::memchr(rest.data(), 'O', rest.size()));
      if (next == nullptr) break;
      offset = static_cast<size_t>(next - bytes.data());
      continue;
    }
    const size_t segments = bytes[offset + 26];
    const size_t body = offset + kPageHeader + segments;
    if (body > bytes.size()) break;
    size_t size = 0;
    for (size_t i = 0; i < segments; i++) size += bytes[offset + kPageHeader + i];
    size = std::min(size, bytes.size() - body);
    const Bytes packet = bytes.subspan(body, size);
    const uint64_t page_serial = LittleEndian(bytes, offset + 14, 4);

    const bool begins_stream = (bytes[offset + 5] & 0x02) != 0;
    if (begins_stream && !have_stream) {
      if (HasTag(packet, 0, "\x01vorbis") && packet.size() >= 16) {
        rate = static_cast<double>(LittleEndian(packet, 12, 4));
      } else if (HasTag(packet, 0, "OpusHead") && packet.size() >= 12) {
        rate = 48000;
        pre_skip = static_cast<double>(LittleEndian(packet, 10, 2));
      } else if (HasTag(packet, 0,
                        "\x7f"
                        "FLAC") &&
                 HasTag(packet, 9, "fLaC")) {
        if (const auto info = ParseStreamInfo(From(packet, 17))) {
          rate = info->rate;
          known_samples = info->samples;
        }
      }
      have_stream = rate > 0;
      serial = page_serial;
    } else if (have_stream && page_serial == serial) {
      const uint64_t granule = LittleEndian(bytes, offset + 6, 8);
      // All ones: no packet ends on this page. Other values above 2^63 are no positions.
      if (granule >> 63 == 0) last_granule = std::max(last_granule, static_cast<double>(granule));
    }
    offset = body + size;
  }
  if (!have_stream) return std::nullopt;
  if (known_samples > 0) return SamplesToMs(known_samples, rate);
  return SamplesToMs(std::max(0.0, last_granule - pre_skip), rate);
}

// --- MPEG audio
// --------------------------------------------------------------------------------------------------

struct MpegFrame {
  size_t size;         // bytes, header included
  int samples;         // per channel
  int rate;            // Hz
  size_t side_info;    // where a Xing or Info header would start
  uint32_t stream_id;  // the header bits that stay the same from frame to frame
};

std::optional<MpegFrame> ParseMpegFrame(Bytes bytes, size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < 4) return std::nullopt;
  const auto header = static_cast<uint32_t>(BigEndian(bytes, offset, 4));
  if (header >> 21 != 0x7FF) return std::nullopt;
  const uint32_t version_bits = header >> 19 & 3;  // 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
  const uint32_t layer_bits = header >> 17 & 3;    // 1: III, 2: II, 3: I
  const uint32_t bitrate_bits = header >> 12 & 15;
  const uint32_t rate_bits = header >> 10 & 3;
  // Bit rate 0 is the free format, whose frame size is not in the header.
  if (version_bits == 1 || layer_bits == 0 || bitrate_bits == 0 || bitrate_bits == 15 || rate_bits == 3) {
    return std::nullopt;
  }
  static constexpr std::array<std::array<int, 15>, 5> kKilobits{{
      {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},  // MPEG 1, layer I
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},     // MPEG 1, layer II
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},      // MPEG 1, layer III
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},     // MPEG 2, layer I
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},          // MPEG 2, layers II and III
  }};
  static constexpr std::array<int, 3> kRates{44100, 48000, 32000};
  const bool mpeg1 = version_bits == 3;
  const int layer = static_cast<int>(4 - layer_bits);
  const int row = mpeg1 ? layer - 1 : layer == 1 ? 3 : 4;
  const int bits_per_second = kKilobits[static_cast<size_t>(row)][bitrate_bits] * 1000;
  const int rate = kRates[rate_bits] >> (mpeg1 ? 0 : version_bits == 2 ? 1 : 2);
  const int padding = static_cast<int>(header >> 9 & 1);
  const bool mono = (header >> 6 & 3) == 3;

  MpegFrame frame{};
  frame.rate = rate;
  frame.stream_id = header & 0xFFFE0C00;  // sync, version, layer, sample rate
  if (layer == 1) {
    frame.samples = 384;
    frame.size = 4 * (size_t{12} * bits_per_second / rate + padding);
  } else {
    frame.samples = layer == 3 && !mpeg1 ? 576 : 1152;
    frame.size = size_t{frame.samples / 8U} * bits_per_second / rate + padding;
  }
  frame.side_info = mpeg1 ? (mono ? 21 : 36) : (mono ? 13 : 21);
  return frame.size > 4 ? std::optional(frame) : std::nullopt;
}

// A frame that another frame of the same stream, a trailing tag or the end of the bytes follows.
std::optional<MpegFrame> ConfirmedMpegFrame(Bytes bytes, size_t offset) {
  const auto frame = ParseMpegFrame(bytes, offset);
  if (!frame || bytes.size() - offset < frame->size) return std::nullopt;
  const size_t next = offset + frame->size;
  if (next == bytes.size() || HasTag(bytes, next, "TAG") || HasTag(bytes, next, "APETAGEX")) return frame;
  const auto following = ParseMpegFrame(bytes, next);
  if (following && following->stream_id == frame->stream_id) return frame;
  return std::nullopt;
}

// The samples a Xing, Info or VBRI header promises, encoder delay and padding taken off where they are given.
// nullopt when the frame carries no such header; 0 when it does without a count.
std::optional<double> DeclaredMpegSamples(Bytes frame_bytes, const MpegFrame& frame) {
  if (HasTag(frame_bytes, 36, "VBRI")) {
    return static_cast<double>(BigEndian(frame_bytes, 36 + 14, 4)) * frame.samples;
  }
  const size_t tag = frame.side_info;
  if (!HasTag(frame_bytes, tag, "Xing") && !HasTag(frame_bytes, tag, "Info")) return std::nullopt;
  const uint64_t flags = BigEndian(frame_bytes, tag + 4, 4);
  if ((flags & 1) == 0) return 0;
  double samples = static_cast<double>(BigEndian(frame_bytes, tag + 8, 4)) * frame.samples;
  const size_t encoder = tag + 8 + 4 + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
  if (HasTag(frame_bytes, encoder, "LAME") || HasTag(frame_bytes, encoder, "Lavc") ||
      HasTag(frame_bytes, encoder, "Lavf")) {
    const uint64_t delays = BigEndian(frame_bytes, encoder + 21, 3);  // 12 bits delay, 12 bits padding
    samples -= static_cast<double>((delays >> 12) + (delays & 0xFFF));
  }
  return std::max(samples, 0.0);
}

std::optional<double> MpegDurationMs(Bytes bytes, bool tagged) {
  // Only bytes after an ID3 tag may start with something else than a frame: arbitrary data holds false
  // headers.
  size_t offset = 0;
  auto frame = ParseMpegFrame(bytes, 0);
  if (!frame && !tagged) return std::nullopt;
  frame = ConfirmedMpegFrame(bytes, 0);
  while (!frame && tagged && offset < bytes.size()) frame = ConfirmedMpegFrame(bytes, ++offset);
  if (!frame) return std::nullopt;

  const uint32_t stream_id = frame->stream_id;
  const double rate = frame->rate;
  if (const auto declared = DeclaredMpegSamples(bytes.subspan(offset, frame->size), *frame)) {
    if (*declared > 0) return SamplesToMs(*declared, rate);
    offset += frame->size;
  }
  double samples = 0;
  while (offset < bytes.size()) {
    auto next = ParseMpegFrame(bytes, offset);
    if (next && next->stream_id == stream_id && bytes.size() - offset >= next->size) {
      samples += next->samples;
      offset += next->size;
    } else {
      offset++;
    }
  }
  return SamplesToMs(samples, rate);
}

// The size of an ID3v2 tag at the start, 0 without one.
size_t Id3Size(Bytes bytes) {
  if (!HasTag(bytes, 0, "ID3") || bytes.size() < 10) return 0;
  uint64_t size = 0;
  for (size_t i = 6; i < 10; i++) {
    if (bytes[i] & 0x80) return 0;
    size = size << 7 | bytes[i];
  }
  const bool footer = (bytes[5] & 0x10) != 0;
  return static_cast<size_t>(std::min<uint64_t>(10 + size + (footer ? 10 : 0), bytes.size()));
}

// --- base64
// ------------------------------------------------------------------------------------------------------

constexpr uint8_t kNoDigit = 0xFF;

constexpr std::array<uint8_t, 256> MakeBase64Digits() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < kAlphabet.size(); i++) {
    digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}

constexpr std::array<uint8_t, 256> kBase64Digits = MakeBase64Digits();

bool EqualsIgnoringCase(std::string_view text, std::string_view lower_case) {
  return text.size() == lower_case.size() &&
         std::equal(text.begin(), text.end(), lower_case.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

}  // namespace

std::optional<double> AudioDurationMs(Bytes bytes) {
  const size_t tag = Id3Size(bytes);
  const Bytes content = bytes.subspan(tag);
  if (content.size() < 4) return std::nullopt;
  switch (content[0]) {
    case 'R':
    case 'B':
      return WaveDurationMs(content);
    case 'F':
      return AiffDurationMs(content);
    case 'f':
      return FlacDurationMs(content);
    case 'O':
      return OggDurationMs(content);
    default:
      return MpegDurationMs(content, tag != 0);
  }
}

bool DecodeBase64(std::string_view in, std::vector<uint8_t>& out) {
  out.clear();
  if (in.size() % 4 != 0) return false;
  if (in.empty()) return true;
  const size_t padding = in.ends_with("==") ? 2 : in.ends_with('=') ? 1 : 0;
  const size_t digits = in.size() - padding;
  out.reserve(in.size() / 4 * 3);
  uint32_t group = 0;
  for (size_t i = 0; i < digits; i++) {
    const uint8_t digit = kBase64Digits[static_cast<uint8_t>(in[i])];
    if (digit == kNoDigit) {
      out.clear();
      return false;
    }
    group = group << 6 | digit;
    if (i % 4 == 3) {
      out.push_back(static_cast<uint8_t>(group >> 16));
      out.push_back(static_cast<uint8_t>(group >> 8));
      out.push_back(static_cast<uint8_t>(group));
      group = 0;
    }
  }
  // What is left holds 12 or 18 bits, of which the last 4 or 2 must be zero: one text per byte sequence.
  const uint32_t unused = padding == 2 ? 4 : padding == 1 ? 2 : 0;
  if ((group & ((1u << unused) - 1)) != 0) {
    out.clear();
    return false;
  }
  group >>= unused;
  if (padding == 1) out.push_back(static_cast<uint8_t>(group >> 8));
  if (padding != 0) out.push_back(static_cast<uint8_t>(group));
  return true;
}

bool IsShortAudioDataUrl(std::string_view data_url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kEncoding = ";base64";
  if (!EqualsIgnoringCase(data_url.substr(0, kScheme.size()), kScheme)) return false;
  const size_t comma = data_url.find(',');
  if (comma == std::string_view::npos) return false;
  const std::string_view media_type = data_url.substr(kScheme.size(), comma - kScheme.size());
  if (media_type.size() < kEncoding.size() ||
      !EqualsIgnoringCase(media_type.substr(media_type.size() - kEncoding.size()), kEncoding)) {
    return false;
  }
  std::vector<uint8_t> bytes;
  if (!DecodeBase64(data_url.substr(comma + 1), bytes)) return false;
  const auto duration_ms = AudioDurationMs(bytes);
  return duration_ms && *duration_ms < kShortAudioMs;
}

}  // namespace codecell::base
