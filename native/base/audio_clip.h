// Duration of audio clips, read from their bytes.
//
// The bytes come from scripts, so every read is bounds-checked, the work is linear in the input and nothing
// here allocates more than the decoded payload. Pure functions without state. [any]
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace codecell::base {

// Clips shorter than this are not worth handing to a model.
inline constexpr double kShortAudioMs = 25.0;

// The duration in milliseconds of a WAV, AIFF, FLAC, MPEG audio (MP3), Ogg Vorbis, Ogg Opus or Ogg FLAC file,
// recognised by its content. A valid file without samples has duration 0. nullopt when the bytes are not such
// a file or do not say how long they are.
std::optional<double> AudioDurationMs(std::span<const uint8_t> bytes);

// Decodes standard, padded base64 (RFC 4648 section 4, no white space) into `out`, replacing its content.
// False, with `out` empty, when `in` is anything else.
bool DecodeBase64(std::string_view in, std::vector<uint8_t>& out);

// Whether `data_url` is a base64 `data:` URL, of any media type, whose payload is audio of a known duration
// below kShortAudioMs.
bool IsShortAudioDataUrl(std::string_view data_url);

}  // namespace codecell::base
