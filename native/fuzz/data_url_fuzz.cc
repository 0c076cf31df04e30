// Data URLs and base64: what decodes is the encoding of what it decodes to, and nothing else decodes.
#include <vector>

#include "base/audio_clip.h"
#include "fuzz/reader.h"

namespace {

std::string Encode(const std::vector<uint8_t>& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t group =
        bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    for (size_t digit = 0; digit < 4; digit++) {
      text.push_back(digit <= left ? kDigits[group >> (18 - 6 * digit) & 63] : '=');
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using codecell::base::AudioDurationMs;
  using codecell::base::DecodeBase64;
  const std::string_view text = codecell::fuzz::AsView(data, size);
  std::vector<uint8_t> decoded = {1, 2, 3};
  if (DecodeBase64(text, decoded)) {
    PROPERTY(Encode(decoded) == text);
  } else {
    PROPERTY(decoded.empty());
  }
  const std::vector<uint8_t> bytes(data, data + size);
  PROPERTY(DecodeBase64(Encode(bytes), decoded) && decoded == bytes);

  (void)codecell::base::IsShortAudioDataUrl(text);
  const auto duration_ms = AudioDurationMs(bytes);
  PROPERTY(codecell::base::IsShortAudioDataUrl("data:audio/x;base64," + Encode(bytes)) ==
           (duration_ms && *duration_ms < codecell::base::kShortAudioMs));
  return 0;
}
