#include "tools/control/list_pages.h"

#include "node/server/log/json_text.h"

namespace xord {

ListPrinter::ListPrinter(ListText text, bool is_json, Terminal& terminal)
    : text_(std::move(text)), is_json_(is_json), terminal_(terminal) {
  CHECK(text_.line_of != nullptr);
}

void ListPrinter::add(const nlohmann::ordered_json& row) {
  const bool is_first = count_++ == 0;
  if (is_json_) {
    terminal_.out << (is_first ? '[' : ',') << json_text(row);
    return;
  }
  if (is_first) terminal_.out << text_.heading;
  terminal_.out << text_.line_of(row);
}

void ListPrinter::end() {
  if (is_json_) {
    terminal_.out << (count_ == 0 ? "[]\n" : "]\n");
  } else if (count_ == 0) {
    terminal_.out << text_.empty;
  }
}

}  // namespace xord
