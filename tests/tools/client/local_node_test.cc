// From which node a command starts that was not told one.
#include "tools/client/local_node.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;
using Texts = std::vector<std::string>;

class LocalNodeTest : public testing::Test {
 protected:
  LocalNodeTest() { std::filesystem::create_directory(directory_); }

  // As a node on that directory would answer.
  void listen(const Json& answer) {
    node_.emplace(
        directory_,
        [this, answer](std::string_view line) {
          asked_ = line;
          return answer.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    ASSERT_FALSE(node_->open());
  }
  void listen_at(const Texts& endpoints) {
    Json sockets = Json::array();
    for (const std::string& endpoint : endpoints) sockets.push_back({{"endpoint", endpoint}});
    listen({{"result", {{"sockets", sockets}}}});
  }
  FirstNode first(const Texts& data_dir, const Environment& more = {}) const {
    std::ostringstream out;
    Environment environment = {{"XDG_DATA_HOME", scratch_.path()}};
    environment.insert(more.begin(), more.end());
    return first_node(data_dir, Terminal{out, out, environment});
  }

  TemporaryDirectory scratch_;
  const std::string directory_ = scratch_.at("xord");  // The usual one, by XDG_DATA_HOME.
  std::string asked_;
  std::optional<ControlSocket> node_;
};

TEST_F(LocalNodeTest, ANodeIsAskedWhereItListensOnThisHost) {
  listen_at({"0.0.0.0:5", "[::]:6", "192.0.2.7:7", "[fe80::1]:8", "none"});
  const FirstNode found = first({directory_});
  EXPECT_EQ(found.addresses, (Texts{"127.0.0.1:5", "[::1]:6", "192.0.2.7:7"}));
  EXPECT_TRUE(found.is_one);
  EXPECT_EQ(found.because, "");
  EXPECT_EQ(asked_, R"({"command":"stats"})");
  EXPECT_EQ(first({}).addresses, found.addresses) << "and so is the one of the usual directory";
  EXPECT_TRUE(first({}).is_one);
}

TEST_F(LocalNodeTest, AVariableNamesSeveralNodesAndAFlagBeatsIt) {
  listen_at({"127.0.0.1:5"});
  const Environment via = {{"XORD_VIA", "a.example, b.example:9"}};
  const FirstNode named = first({}, via);
  EXPECT_EQ(named.addresses, (Texts{"a.example", "b.example:9"}));
  EXPECT_FALSE(named.is_one);
  EXPECT_EQ(named.because, "");
  EXPECT_EQ(first({directory_}, via).addresses, Texts{"127.0.0.1:5"});
}

TEST_F(LocalNodeTest, WithoutAnyItIsTheUsualPort) {
  const auto is_usual = [&] {
    const FirstNode found = first({});
    return found.addresses == Texts{"127.0.0.1:8468"} && found.is_one &&
           found.because == "this host's usual port";
  };
  EXPECT_TRUE(is_usual()) << "no node runs";
  listen_at({});
  EXPECT_TRUE(is_usual()) << "it listens nowhere";
  EXPECT_EQ(asked_, R"({"command":"stats"})");
  listen({{"error", "it is starting"}, {"code", 4}});
  EXPECT_TRUE(is_usual()) << "it does not say where";
}

TEST_F(LocalNodeTest, ADirectoryThatIsNamedMustHaveANode) {
  EXPECT_THROW(first({directory_}), Failure);
  listen({{"error", "it is starting"}, {"code", 4}});
  EXPECT_THROW(first({directory_}), Failure);
}

}  // namespace
}  // namespace xord
