#include "node/server/log/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace xord {
namespace {

TEST(JsonText, EscapesControlCharactersAndKeepsItsMeaning) {
  EXPECT_EQ(json_text(nlohmann::json{{"key", "\u009b\x7f\u202e\u00fc\x1b"}}),
            "{\"key\":\"\\u009b\\u007f\\u202e\u00fc\\u001b\"}");
  const std::string text = "\u009b\x7f\u202e\u00fc\x1b\ufeff";
  EXPECT_EQ(nlohmann::json::parse(json_text(nlohmann::json(text))), text);
  EXPECT_EQ(json_text(nlohmann::json("\xff")), "\"\ufffd\"");
}

}  // namespace
}  // namespace xord
