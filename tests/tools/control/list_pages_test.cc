#include "tools/control/list_pages.h"

#include <gtest/gtest.h>

#include <sstream>

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

std::string printed(const std::vector<Json>& rows, bool is_json) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.out = out, .err = err, .environment = {}};
  ListPrinter list(
      {.heading = "NAME\n",
       .line_of = [](const Json& row) { return row.at("name").get<std::string>() + "\n"; },
       .empty = "none\n"},
      is_json, terminal);
  for (const Json& row : rows) list.add(row);
  EXPECT_EQ(list.count(), rows.size());
  list.end();
  EXPECT_EQ(err.str(), "");
  return out.str();
}

TEST(ListPrinter, AsTextHasOneHeading) {
  EXPECT_EQ(printed({{{"name", "a"}}, {{"name", "b"}}}, false), "NAME\na\nb\n");
  EXPECT_EQ(printed({}, false), "none\n");
}

TEST(ListPrinter, AsJsonIsOneArray) {
  EXPECT_EQ(printed({{{"name", "a"}}, {{"name", "b"}}}, true),
            "[{\"name\":\"a\"},{\"name\":\"b\"}]\n");
  EXPECT_EQ(printed({}, true), "[]\n");
}

}  // namespace
}  // namespace xord
