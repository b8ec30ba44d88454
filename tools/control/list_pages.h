// Lists that a running node gives in pages: each page is printed before the next is asked for.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "reactor/base/check.h"
#include "tools/cli/terminal.h"
#include "tools/control/node_client.h"

namespace xord {

// Asks until there is no further page; visit(row) for each row of `member`.
template <class Visit>
void for_each_row(NodeClient& node, nlohmann::ordered_json request, const char* member,
                  Visit&& visit) {
  CHECK(request.contains("command"));
  for (bool has_more = true; has_more;) {
    const nlohmann::ordered_json page = node.ask(request);
    for (const auto& row : page.at(member)) visit(row);
    has_more = page.contains("next");
    if (has_more) request["from"] = page.at("next");
  }
}

// How a list looks without --json. Lines end with a newline.
struct ListText {
  std::string heading;  // Before the first row.
  std::string (*line_of)(const nlohmann::ordered_json& row) = nullptr;
  std::string empty;  // Instead of rows.
};

// Prints a list row by row: as text, or as one JSON array.
class ListPrinter {
 public:
  ListPrinter(ListText text, bool is_json, Terminal& terminal);
  void add(const nlohmann::ordered_json& row);
  void end();  // Once, after the last row.
  uint64_t count() const { return count_; }

 private:
  const ListText text_;
  const bool is_json_;
  Terminal& terminal_;
  uint64_t count_ = 0;
};

}  // namespace xord
