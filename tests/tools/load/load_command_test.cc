// `xord load` as a whole: what it prints and writes, and its exit code.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/temporary_directory.h"
#include "tests/tools/load/scripted_node.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

class LoadCommand : public testing::Test {
 protected:
  struct Outcome {
    ExitCode code;
    std::string out;
  };
  static Outcome run(const ScriptedNode& node, std::vector<std::string> words) {
    words.insert(words.end(), {"--target", node.endpoint().text(), "--sleep", "--warm-up", "0",
                               "--duration", "20ms", "--seed", "1", "--sources", "2"});
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}};
    const ExitCode code = load_command(words, terminal);
    EXPECT_EQ(err.str(), "");
    return {code, out.str()};
  }
};

TEST_F(LoadCommand, PrintsTablesOrJsonAndWritesThePercentilesOfEachStep) {
  const TemporaryDirectory directory;
  const ScriptedNode node;
  const std::string plot = directory.at("plot");
  Outcome done = run(node, {"--rate", "100,100,100", "--hgrm", plot});
  EXPECT_EQ(done.code, ExitCode::done);
  EXPECT_EQ(done.out.rfind("load on " + node.endpoint().text(), 0), 0u);
  EXPECT_NE(done.out.find("\nleft 0 contacts in the node's table\n"), std::string::npos);
  std::set<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    files.insert(file.path().filename());
  }
  EXPECT_EQ(files, (std::set<std::string>{"plot", "plot.2", "plot.3"}));
  done = run(node, {"--json", "--window", "1"});
  EXPECT_EQ(done.code, ExitCode::done);
  EXPECT_EQ(nlohmann::json::parse(done.out)["steps"].size(), 1u);
  EXPECT_EQ(done.out.back(), '\n');
}

TEST_F(LoadCommand, EndsByWhatTheNodeDid) {
  {
    const ScriptedNode liar({}, 21);
    EXPECT_EQ(run(liar, {"--window", "1"}).code, ExitCode::not_found);
  }
  {
    std::atomic<int> pings{0};
    const ScriptedNode silent([&](const Request& request, const Packed& answer) {
      if (request.method == Method::ping && ++pings > 1) return Datagrams{};
      return Datagrams{answer};
    });
    EXPECT_EQ(run(silent, {"--window", "1", "--mix", "ping=1", "--timeout", "30ms"}).code,
              ExitCode::no_answer);
  }
  {
    const ScriptedNode refusing([&](const Request& request, const Packed& answer) {
      return Datagrams{request.method == Method::store ? stored(request, false) : answer};
    });
    EXPECT_EQ(run(refusing, {"--window", "1", "--mix", "store=1"}).code, ExitCode::done)
        << "a refusal is an answer";
  }
  const ScriptedNode node;
  EXPECT_EQ(run(node, {"--find-max", "--slo", "1us"}).code, ExitCode::not_found) << "no rate held";
  std::ostringstream out;
  Terminal terminal{out, out, {}};
  const std::vector<std::string> help = {"--help"};
  EXPECT_EQ(load_command(help, terminal), ExitCode::done);
}

}  // namespace
}  // namespace xord
