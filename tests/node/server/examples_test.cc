// The programs of docs/examples/, run together as their comments say.
#include <gtest/gtest.h>

#include "tests/node/server/child_process.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

TEST(Examples, ASecondNodeSetsAndAThirdOneGetsByWayOfTheFirst) {
  TemporaryDirectory directory;
  const std::string bin = XORD_EXAMPLES;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.front() = bin + "/" + arguments.front();
    return std::make_unique<ChildProcess>(arguments, directory.at("stderr"));
  };
  const auto first = run({"first_node", "0", directory.at("first")});
  const std::string line = first->read_line();
  ASSERT_NE(line.find("listening on port "), std::string::npos) << first->errors();
  const std::string via = "127.0.0.1:" + line.substr(line.rfind(' ') + 1);

  const auto set = run({"join_and_set", via, directory.at("second"), "my-key", "my awesome value"});
  EXPECT_EQ(set->read_line(), "stored on 2 nodes") << set->errors();
  EXPECT_EQ(set->wait(), 0);

  // The second node has exited by now: the first one holds the value.
  const auto get = run({"join_and_get", via, directory.at("third"), "my-key"});
  EXPECT_EQ(get->read_line(), "my awesome value") << get->errors();
  EXPECT_EQ(get->wait(), 0);
  const auto missing = run({"join_and_get", via, directory.at("fourth"), "another key"});
  EXPECT_EQ(missing->wait(), 1) << missing->errors();

  first->kill(SIGTERM);
  EXPECT_EQ(first->wait(), 0) << first->errors();
}

TEST(Examples, SayWhatIsWrongAndExitWithTheNumberOfTheKind) {
  TemporaryDirectory directory;
  const std::string bin = XORD_EXAMPLES;
  ChildProcess usage({bin + "/first_node"}, directory.at("stderr"));
  EXPECT_EQ(usage.wait(), 2);
  ChildProcess nobody({bin + "/first_node", "0", "/proc/no/such/place"}, directory.at("stderr"));
  EXPECT_EQ(nobody.wait(), 4);
  EXPECT_NE(nobody.errors().find("/proc/no/such/place"), std::string::npos) << nobody.errors();
}

}  // namespace
}  // namespace xord
