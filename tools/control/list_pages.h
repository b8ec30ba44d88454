// Lists that a running node gives in pages: each page is printed before the next is asked for.
#pragma once

#include <nlohmann/json.hpp>

#include "reactor/base/check.h"
#include "tools/control/control_client.h"

namespace xord {

// Asks until there is no further page; visit(row) for each row of `member`.
template <class Visit>
void for_each_row(ControlClient& node, nlohmann::ordered_json request, const char* member,
                  Visit&& visit) {
  CHECK(request.contains("command"));
  for (bool has_more = true; has_more;) {
    const nlohmann::ordered_json page = node.ask(request);
    for (const auto& row : page.at(member)) visit(row);
    has_more = page.contains("next");
    if (has_more) request["from"] = page.at("next");
  }
}

}  // namespace xord
