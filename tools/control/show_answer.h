// The answer of a running node, as text or, with --json, as it came.
#pragma once

#include <nlohmann/json.hpp>

#include "node/server/log/json_text.h"
#include "tools/cli/terminal.h"

namespace xord {

// print(answer, terminal) writes it as text.
template <class Print>
void show_answer(const nlohmann::ordered_json& answer, bool is_json, Terminal& terminal,
                 Print&& print) {
  if (is_json) {
    terminal.out << json_text(answer) << '\n';
  } else {
    print(answer, terminal);
  }
}

}  // namespace xord
