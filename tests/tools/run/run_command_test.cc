// `xord run` with --check-config and --print-config, which start nothing.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tools/run/configuration.h"

namespace xord {
namespace {

using Words = std::vector<std::string>;

class RunCommandTest : public testing::Test {
 protected:
  CommandOutcome run(Words words) const {
    words.insert(words.end(), {"--config", file("", "empty.toml")});
    return outcome_of(run_command, words, home_);
  }
  std::string file(const std::string& text, const std::string& name = "xord.toml") const {
    std::ofstream(directory_.at(name)) << text;
    return directory_.at(name);
  }
  std::string refused(Words words) const {
    words.insert(words.begin(), "--check-config");
    const CommandOutcome outcome = run(words);
    EXPECT_EQ(outcome.code, ExitCode::usage) << outcome.error;
    EXPECT_EQ(outcome.out, "");
    return outcome.error;
  }
  static std::string last_line(const std::string& text) {
    return text.substr(text.rfind('\n', text.size() - 2) + 1);
  }

  TemporaryDirectory directory_;
  const Environment home_ = {{"HOME", directory_.path()}};
};

TEST_F(RunCommandTest, ACheckOfWhatAStartWouldTakeSaysNothingAndMakesNothing) {
  const std::string data = directory_.at("data");
  const CommandOutcome outcome =
      run({"--check-config", "--data-dir", data, "--memory-max", "1MiB", "--shards", "1"});
  EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
  EXPECT_EQ(outcome.out, "");
  EXPECT_FALSE(std::filesystem::exists(data));
}

TEST_F(RunCommandTest, ACheckNamesWhatAStartWouldRefuse) {
  EXPECT_EQ(refused({"--ttl", "never"}),
            "--ttl \"never\" is not a duration: write a number and a unit, such as 7d, 12h or "
            "500ms");
  EXPECT_EQ(refused({"--ttl", "1d", "--ttl", "2d"}), "--ttl is given 2 times: give it once");
  EXPECT_EQ(refused({"--admin", "0.0.0.0:1"}).rfind("the admin address 0.0.0.0:1 ", 0), 0u);
  const std::string nowhere = directory_.at("token");
  EXPECT_NE(refused({"--admin-token-file", nowhere}).find(nowhere), std::string::npos);
  const std::string wrong = file("ttl = 7\n");
  Words words = {"--check-config", "--config", wrong};
  EXPECT_EQ(outcome_of(run_command, words, home_).error.rfind(wrong + ":1: ttl \"7\" ", 0), 0u);
}

TEST_F(RunCommandTest, AConfigurationIsPrintedWithTheFileThatItCameFrom) {
  const std::string config = file("ttl = \"3d\"\n");
  const CommandOutcome flag =
      outcome_of(run_command, Words{"--print-config", "--config", config}, home_);
  EXPECT_EQ(flag.code, ExitCode::done) << flag.error;
  EXPECT_NE(flag.out.find("\nttl = \"3d\" "), std::string::npos) << flag.out;
  EXPECT_NE(flag.out.find("# file " + config + ":1\n"), std::string::npos) << flag.out;
  EXPECT_EQ(last_line(flag.out), "# config file: " + config + "\n");
  Environment named = home_;
  named["XORD_CONFIG"] = config;
  const Words print = {"--print-config"};
  EXPECT_EQ(last_line(outcome_of(run_command, print, named).out),
            "# config file: " + config + "\n");
  const std::string usual = default_config_path(home_);
  ASSERT_NE(usual, "");
  EXPECT_EQ(last_line(outcome_of(run_command, print, home_).out),
            "# config file: " + usual + (std::filesystem::exists(usual) ? "\n" : " (absent)\n"));
}

TEST_F(RunCommandTest, WhatIsPrintedTellsWhatAutomaticMemoryIs) {
  const std::string printed = run({"--print-config"}).out;
  const size_t at = printed.find("\nmemory-max = \"auto\" ");
  ASSERT_NE(at, std::string::npos) << printed;
  const std::string line = printed.substr(at + 1, printed.find('\n', at + 1) - at - 1);
  EXPECT_NE(line.find("# default; here "), std::string::npos) << line;
}

TEST_F(RunCommandTest, FlagsWithoutAValueAreTakenAsTheyAre) {
  const std::string printed =
      run({"--print-config", "--admin-open", "--bootstrap", "a:1", "--bootstrap", "b:2"}).out;
  EXPECT_NE(printed.find("\nadmin-open = true "), std::string::npos) << printed;
  EXPECT_NE(printed.find("\nbootstrap = [\"a:1\", \"b:2\"] "), std::string::npos) << printed;
  EXPECT_NE(printed.find("# flag --admin-open\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("\nallow-network-file-system = false "), std::string::npos) << printed;
}

}  // namespace
}  // namespace xord
