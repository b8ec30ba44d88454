// Why a server cannot start, or cannot take other choices: a sentence, and who has to fix it.
#pragma once

#include <cstdint>
#include <string>

namespace xord {

// Who has to fix an error; `xord run` exits with its number.
enum class ServerErrorKind : uint8_t {
  config = 2,       // The configuration is impossible: change it.
  environment = 4,  // The host refused: port taken, directory locked, no permission.
};

struct ServerError {
  ServerErrorKind kind{};
  std::string sentence;  // What was refused and what to do; no full stop, no newline.
};

}  // namespace xord
