// `xord health` against a control socket that answers as a node would.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class HealthCommandTest : public testing::Test {
 protected:
  // Runs the command while a node that answers `result` listens.
  ExitCode run(const Json& result, std::vector<std::string> words = {}) {
    ControlSocket node(
        directory_.path(),
        [&](std::string_view line) {
          EXPECT_EQ(line, R"({"command":"health"})");
          return Json{{"result", result}}.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    EXPECT_FALSE(node.open());
    words.insert(words.end(), {"--data-dir", directory_.path()});
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}};
    const ExitCode code = health_command(words, terminal);
    out_ = out.str();
    return code;
  }
  static Json result(bool is_ready) {
    return {{"state", is_ready ? "degraded" : "isolated"},
            {"live", true},
            {"started", true},
            {"ready", is_ready},
            {"checks",
             {{{"name", "contacts"},
               {"status", is_ready ? "warn" : "fail"},
               {"detail", "3 contacts answer, fewer than 20"},
               {"since_s", 312.5},
               {"of", {"ready"}}}}}};
  }

  TemporaryDirectory directory_;
  std::string out_;
};

TEST_F(HealthCommandTest, ShowsTheStateAndALineForEachCheck) {
  EXPECT_EQ(run(result(true)), ExitCode::done);
  EXPECT_EQ(out_,
            "degraded\n"
            "CHECK     STATUS   SINCE  DETAIL\n"
            "contacts  warn     5m12s  3 contacts answer, fewer than 20\n");
}

TEST_F(HealthCommandTest, EndsWithOneIfTheNodeIsNotReady) {
  EXPECT_EQ(run(result(false)), ExitCode::not_found);
  EXPECT_EQ(out_.substr(0, 9), "isolated\n");
}

TEST_F(HealthCommandTest, PrintsWhatTheNodeAnsweredAsJson) {
  EXPECT_EQ(run(result(true), {"--json"}), ExitCode::done);
  EXPECT_EQ(Json::parse(out_), result(true));
}

TEST_F(HealthCommandTest, FailsWithFourWithoutANode) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  try {
    health_command(std::vector<std::string>{"--data-dir", directory_.path()}, terminal);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::environment);
  }
}

}  // namespace
}  // namespace xord
