// `xord sim`: how it ends when interrupted, and how to repeat a run.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/sim/command/sim_flags.h"
#include "tools/sim/plot.h"

namespace xord {
namespace {

// Ctrl-C as soon as the seed is printed, which is before the network is made.
class InterruptingBuffer : public std::stringbuf {
 public:
  int sync() override { return std::raise(SIGINT); }
};

TEST(SimCommand, AnInterruptEndsTheSeedThatIsInProgress) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{}, {"--seeds", "1000"}, {"--for", "1h"}}) {
    std::vector<std::string> arguments = {"--scenario", "join", "--nodes", "20", "--seed", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::ostringstream out;
    InterruptingBuffer buffer;
    std::ostream err(&buffer);
    Terminal terminal{out, err, {}};
    ExitCode code = ExitCode::done;
    try {
      code = sim_command(arguments, terminal);
    } catch (const Failure& failure) {
      code = failure.code();
    }
    EXPECT_EQ(code, ExitCode::interrupted);
    EXPECT_FALSE(Interrupt::requested()) << "the next command is not interrupted by it";
    EXPECT_EQ(out.str(), "") << "half a run is not a report";
  }
}

std::optional<SimPlan> plan_of(const std::vector<std::string>& arguments, std::string* help) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  const auto plan = parse_sim_flags(arguments, terminal);
  *help = out.str();
  return plan;
}

SimPlan plan_of(const std::vector<std::string>& arguments) {
  std::string help;
  return *plan_of(arguments, &help);
}

TEST(SimCommand, ARunIsRepeatedByTheFlagsAsTheyWereWritten) {
  EXPECT_EQ(command_of(plan_of({"--seeds", "3", "--json"}), 7), "xord sim --seed 7");
  std::vector<std::string> written = {"--scenario",  "churn",    "--nodes",          "1k",
                                      "--hours",     "1.13",     "--records",        "20",
                                      "--ttl",       "90s500ms", "--session",        "61s",
                                      "--buckets",   "64",       "--disjoint-paths", "3",
                                      "--published", "5",        "--shards",         "2",
                                      "--join-span", "9s"};
  written.insert(written.end(), {"--no-old-contacts", "--no-republish", "--one-bootstrap"});
  std::vector<std::string> given = written;
  given.insert(given.end(), {"--seed", "4", "--for", "1s"});
  const SimPlan plan = plan_of(given);
  const std::string command = command_of(plan, 12);
  std::istringstream words(command.substr(std::string("xord sim ").size()));
  const SimPlan again = plan_of({std::istream_iterator<std::string>(words), {}});
  EXPECT_EQ(again.seed, 12u);
  EXPECT_EQ(again.length, plan.length);
  EXPECT_EQ(again.ttl, plan.ttl);
  EXPECT_EQ(again.session, plan.session);
  EXPECT_EQ(again.shards, 2u);
  EXPECT_EQ(sim::describe(setup_of(again, 12)), sim::describe(setup_of(plan, 12)));
  EXPECT_EQ(command_of(again, 12), command);
  for (const std::string& word : written) {
    EXPECT_NE((command + " ").find(" " + word + " "), std::string::npos) << word;
  }
}

TEST(SimFlags, ADelayIsThatOfEveryLink) {
  const sim::Setup setup = setup_of(plan_of({"--scenario", "join", "--delay", "100ms"}), 1);
  EXPECT_EQ(setup.world.network.delay_min, milliseconds(100));
  EXPECT_LE(setup.world.network.delay_mean, microseconds(1));
}

TEST(SimFlags, AllMayJoinAtOnceThroughOne) {
  const sim::Setup setup =
      setup_of(plan_of({"--scenario", "churn", "--join-span", "2s", "--one-bootstrap"}), 1);
  EXPECT_EQ(setup.join_span, seconds(2));
  EXPECT_TRUE(setup.has_one_bootstrap);
  EXPECT_FALSE(setup_of(plan_of({"--scenario", "churn"}), 1).has_one_bootstrap);
}

TEST(SimCommand, FlagsOfOneScenarioAreRefusedElsewhere) {
  EXPECT_EQ(setup_of(plan_of({"--scenario", "churn", "--python", "0.5"}), 1).python_share, 0.5);
  const sim::Setup setup =
      setup_of(plan_of({"--scenario", "oneshot", "--python", "1", "--arrival", "250ms"}), 1);
  EXPECT_EQ(setup.programs.every, milliseconds(250));
  EXPECT_GT(setup.workload.python_get_every, Duration{});
  EXPECT_EQ(setup_of(plan_of({"--scenario", "oneshot"}), 1).programs.every, seconds(5));
  EXPECT_EQ(setup_of(plan_of({"--scenario", "churn"}), 1).programs.every, Duration{});
  for (const std::vector<std::string>& refused :
       std::vector<std::vector<std::string>>{{"--scenario", "mixed", "--python", "0.5"},
                                             {"--python", "0.5"},
                                             {"--scenario", "churn", "--python", "1.1"},
                                             {"--scenario", "churn", "--python", "-0.1"},
                                             {"--scenario", "churn", "--python", "half"},
                                             {"--scenario", "churn", "--arrival", "5s"},
                                             {"--shards", "0"},
                                             {"--shards", "65"}}) {
    EXPECT_THROW(plan_of(refused), Failure) << refused.back();
  }
}

TEST(SimCommand, HelpNamesTheFlagsAsTheyAreToBeWritten) {
  std::string help;
  EXPECT_FALSE(plan_of({"--help"}, &help));
  EXPECT_NE(help.find("  --no-old-contacts "), std::string::npos);
  EXPECT_NE(help.find("  --no-republish "), std::string::npos);
  EXPECT_FALSE(plan_of({"--no-republish"}).republishes);
  EXPECT_FALSE(plan_of({"--no-old-contacts"}).prefers_old_contacts);
  EXPECT_TRUE(plan_of({}).republishes && plan_of({}).prefers_old_contacts);
}

TEST(SimCommand, ThePictureAndTheReportSayWhatTheyShow) {
  const TemporaryDirectory directory;
  const std::vector<std::string> arguments = {"--scenario",
                                              "join",
                                              "--nodes",
                                              "12",
                                              "--hours",
                                              "0.2",
                                              "--seed",
                                              "3",
                                              "--no-republish",
                                              "--plot",
                                              directory.at("run.svg")};
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  EXPECT_EQ(sim_command(arguments, terminal), ExitCode::done);
  std::ostringstream svg;
  svg << std::ifstream(directory.at("run.svg")).rdbuf();
  EXPECT_NE(svg.str().find("class='heading'>xord sim --scenario join --nodes 12 --hours 0.2 "
                           "--no-republish --seed 3</text>"),
            std::string::npos);
  // The first tick of every panel is at its left end, and reads 0.
  const std::string text = svg.str();
  const std::string tick = "text-anchor='middle'>";
  int panels = 0;
  for (size_t at = 0; (at = text.find("class='title'", at)) != std::string::npos; ++panels) {
    at = text.find(tick, at) + tick.size();
    EXPECT_EQ(text.substr(at, text.find('<', at) - at), "0");
  }
  EXPECT_EQ(panels, 7);
  const std::string report = out.str();
  EXPECT_NE(report.find("calls, mean / p99   hops, mean / p99\n"), std::string::npos) << report;
  EXPECT_TRUE(std::regex_search(report, std::regex("\n  join +[0-9]+ +100\\.00 % .* -  +-\n")))
      << report;
  EXPECT_EQ(report.find("0.0 / "), std::string::npos) << report;
}

struct Ran {
  std::vector<nlohmann::json> reports;
  std::string err;
};
// A network as small as may be, with its report in JSON.
Ran ran_with(std::vector<std::string> arguments, bool is_watched = false) {
  arguments.insert(arguments.end(),
                   {"--scenario", "join", "--nodes", "3", "--hours", "0.01", "--json"});
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}, is_watched};
  EXPECT_EQ(sim_command(arguments, terminal), ExitCode::done);
  Ran ran;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    ran.reports.push_back(nlohmann::json::parse(line));
  }
  ran.err = err.str();
  return ran;
}

TEST(SimCommand, SeedsFollowOneAnotherEachWithItsReport) {
  const Ran ran = ran_with({"--seed", "5", "--seeds", "3"});
  ASSERT_EQ(ran.reports.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const nlohmann::json& report = ran.reports[i];
    EXPECT_EQ(report.at("seed"), 5 + i);
    EXPECT_EQ(report.at("nodes"), 3);
    EXPECT_TRUE(report.at("violation").is_null());
    EXPECT_GT(report.at("real_seconds").get<double>(), 0);
    EXPECT_LT(report.at("real_seconds").get<double>(), 120);
    EXPECT_GT(report.at("memory_bytes").get<uint64_t>(), 1u << 20) << "bytes, not kilobytes";
    EXPECT_NE(ran.err.find(sim::describe(setup_of(
                  plan_of({"--scenario", "join", "--nodes", "3", "--hours", "0.01"}), 5 + i))),
              std::string::npos)
        << ran.err;
  }
  EXPECT_NE(ran.reports[0].at("digest"), ran.reports[1].at("digest"));
  EXPECT_EQ(ran_with({"--seed", "6"}).reports.at(0).at("digest"), ran.reports[1].at("digest"))
      << "the same seed is the same run";
  EXPECT_EQ(ran.err.find('\r'), std::string::npos) << "nobody looks on";
}

TEST(SimCommand, HoweverShortItsTimeOneSeedIsRunWhole) {
  const Ran ran = ran_with({"--seed", "5", "--for", "1ms"});
  ASSERT_GE(ran.reports.size(), 1u);
  EXPECT_EQ(ran.reports[0].at("seed"), 5);
}

TEST(SimCommand, WhoeverLooksOnSeesHowFarItIs) {
  const std::string err = ran_with({"--seed", "5"}, true).err;
  EXPECT_TRUE(std::regex_search(err, std::regex("\r  [0-9]{1,3} %, [0-9]+ s left"))) << err;
  EXPECT_EQ(err.back(), '\r') << "and nothing of it stays";
}

TEST(SimCommand, ALongHeadingIsSetOnSeveralLines) {
  std::string heading;
  for (int i = 0; i < 40; ++i) heading += (i > 0 ? " --word" : "--word") + std::to_string(i);
  const std::string svg = sim::svg_of(heading, {{"Panel", "x", "y", {{"", {{1, 1}, {2, 3}}}}}});
  const std::regex line("class='heading'>([^<]*)</text>");
  std::string joined;
  for (std::sregex_iterator at(svg.begin(), svg.end(), line), end; at != end; ++at) {
    EXPECT_LE((*at)[1].length(), 100);
    joined += (joined.empty() ? "" : " ") + std::string((*at)[1]);
  }
  EXPECT_EQ(joined, heading);
}

}  // namespace
}  // namespace xord
