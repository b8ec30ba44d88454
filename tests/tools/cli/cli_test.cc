// Command lines from the outside: what is printed where, and the exit code.
#include "tools/cli/cli.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tools/run/settings.h"

namespace xord {
namespace {

struct Outcome {
  ExitCode code;
  std::string out;
  std::string err;
};

// `xord run` keeps its signals blocked until the process ends, which is not after a test when all
// tests run in one process.
class KeptSignals {
 public:
  KeptSignals() { pthread_sigmask(SIG_SETMASK, nullptr, &before_); }
  ~KeptSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  KeptSignals(const KeptSignals&) = delete;
  KeptSignals& operator=(const KeptSignals&) = delete;

 private:
  sigset_t before_{};
};

Outcome xord_of(const std::vector<std::string>& arguments, Environment environment = {}) {
  const KeptSignals kept;
  std::ostringstream out;
  std::ostringstream err;
  // Nobody can make it, not even a broken `xord run` of root.
  if (environment.empty()) environment = {{"HOME", "/proc/nowhere"}};
  Terminal terminal{out, err, environment};
  const ExitCode code = run_cli(arguments, terminal);
  return {code, out.str(), err.str()};
}

struct Refused {
  std::vector<std::string> arguments;
  std::string sentence;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << "xord";
  for (const std::string& argument : refused.arguments) *out << ' ' << argument;
}

class UsageErrors : public testing::TestWithParam<Refused> {};

TEST_P(UsageErrors, AreOneSentenceOnStderrAndExitCodeTwo) {
  const Outcome outcome = xord_of(GetParam().arguments);
  EXPECT_EQ(outcome.code, ExitCode::usage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "xord: " + GetParam().sentence + ".\n");
}

const std::string via = "127.0.0.1:9";

INSTANTIATE_TEST_SUITE_P(
    Every, UsageErrors,
    testing::Values(
        Refused{{"gte", "k"}, "the command gte is not known; perhaps you mean get"},
        Refused{{"frobnicate"}, "the command frobnicate is not known; see `xord --help`"},
        Refused{{"--verson"}, "the flag --verson is not known; perhaps you mean --version"},
        Refused{{"help", "rnu"}, "the command rnu is not known; perhaps you mean run"},
        Refused{{"run", "--lisen", "0.0.0.0:1"},
                "the flag --lisen is not known; perhaps you mean --listen"},
        Refused{{"run", "--data_dir=/x"},
                "the flag --data_dir is not known; perhaps you mean --data-dir"},
        Refused{{"run", "--zebra"}, "the flag --zebra is not known; see `xord run --help`"},
        Refused{{"run", "--ttl"}, "--ttl needs a value; see `xord run --help`"},
        Refused{{"run", "--ttl", "1d", "--ttl", "2d"}, "--ttl is given 2 times: give it once"},
        Refused{{"run", "--config", "a", "--config", "b"},
                "--config is given 2 times: give it once"},
        Refused{{"run", "somewhere"},
                "\"somewhere\" is one argument too many; see `xord run --help`"},
        Refused{{"run", "--listen", "mainline://0.0.0.0:6881"},
                "--listen \"mainline://0.0.0.0:6881\" asks for the Mainline dialect, which is not "
                "supported yet: listen on rpcudp:// only"},
        Refused{{"run", "--config", "/nowhere.toml"},
                "the config file /nowhere.toml cannot be read: No such file or directory; name an "
                "existing file with --config FILE"},
        Refused{{"run", "--amplification-max", "-1"},
                "--amplification-max \"-1\" is not a factor: write a number from 0 to 1000, such "
                "as 1.0"},
        Refused{{"get"}, "the KEY is missing; see `xord get --help`"},
        Refused{{"get", "k", "--id", "11"}, "\"k\" and --id both name a key: leave one out"},
        Refused{{"get", "--id", "4a0a"}, "--id \"4a0a\" is not an id: write 40 hexadecimal digits"},
        Refused{{"get", "k", "--via", via, "--data-dir", "/x"},
                "--via and --data-dir both name a node to start from: leave one out"},
        Refused{{"get", "k", "--via"}, "--via needs a value; see `xord get --help`"},
        Refused{{"get", "k", "--vai", via}, "the flag --vai is not known; perhaps you mean --via"},
        Refused{{"get", "k", "l", "--via", via},
                "\"l\" is one argument too many; see `xord get --help`"},
        Refused{{"get", "k", "--via", "127.0.0.1:"},
                "\"127.0.0.1:\" is not HOST:PORT: write it like node.example, 192.0.2.1:8468 "
                "or [2001:db8::1]:8468"},
        Refused{{"get", "k", "--via", "fe80::1"},
                "\"fe80::1\" is a link-local address, which needs its interface: write it like "
                "[fe80::1%eth0]:8468"},
        Refused{{"get", "k", "--via", via, "--timeout", "5"},
                "--timeout \"5\" is not a duration: write a number and a unit, such as 10s or "
                "500ms"},
        Refused{{"find", "k", "--via", via, "--timeout", "0"},
                "--timeout \"0\" is out of range: write more than 0 and at most 1h"},
        Refused{{"find"}, "the KEY is missing; see `xord find --help`"},
        Refused{{"ping", "127.0.0.1:0"},
                "\"127.0.0.1:0\" is not HOST:PORT: write it like node.example, 192.0.2.1:8468 "
                "or [2001:db8::1]:8468"},
        Refused{{"ping", "::1:8468"},
                "\"::1:8468\" may end in a port or not: write [::1]:8468, or [::1:8468]:8468"},
        Refused{{"ping", via, "--interval", "1s"},
                "--interval is for several pings: add --count N, or leave it out"},
        Refused{{"run", "--port", "9000"},
                "the flag --port is not known; perhaps you mean --listen [SCHEME://]ADDR:PORT[?]"},
        Refused{{"run", "-p", "9000"},
                "the flag -p is not known; perhaps you mean --listen [SCHEME://]ADDR:PORT[?]"},
        Refused{{"run", "--host=::"},
                "the flag --host is not known; perhaps you mean --listen [SCHEME://]ADDR:PORT[?]"},
        Refused{{"run", "--seed-node", "a"},
                "the flag --seed-node is not known; perhaps you mean --bootstrap HOST[:PORT]"},
        Refused{{"run", "--datadir", "/x"},
                "the flag --datadir is not known; perhaps you mean --data-dir DIR"},
        Refused{{"get", "k", "--host", "a"},
                "the flag --host is not known; perhaps you mean --via HOST[:PORT]"},
        Refused{{"load", "--host", "a"},
                "the flag --host is not known; perhaps you mean --target HOST[:PORT]"},
        Refused{{"start"}, "the command start is not known; perhaps you mean `xord run`"},
        Refused{{"run", "--memory-max", "1"},
                "--memory-max \"1\" is out of range: write at least 1MiB and at most 4TiB"},
        Refused{{"run", "--records-max", "0"},
                "--records-max \"0\" is out of range: write at least 1 and at most 1000000000"},
        Refused{{"run", "--listen", "255.255.255.255:1"},
                "--listen \"255.255.255.255:1\" is the broadcast address: a node listens on a "
                "unicast one"},
        Refused{
            {"run", "--listen", "[fe80::1]:1"},
            "--listen \"[fe80::1]:1\" is a link-local address, which needs its interface: write "
            "it like [fe80::1%eth0]:8468"},
        Refused{{"run", "--trusted-net", "10.0.0.0/8,11.0.0.0/8"},
                "--trusted-net \"10.0.0.0/8,11.0.0.0/8\" is not a network: write an address, a "
                "slash and the length of the prefix, with no bit set after it, such as 10.0.0.0/8 "
                "or 2001:db8::/32; repeat the flag for each value of a list"},
        Refused{{"sim", "--for", "0"},
                "--for \"0\" is not a duration from 1ms to 1w: write it like 10s or 500ms"},
        Refused{{"load", "--target", via, "--server-pid", "2147483646"},
                "--server-pid \"2147483646\" is not the id of a process that is running on this "
                "machine"},
        Refused{{"get", "\x1b[2J", "--bad\x1b]0;t\x07"},
                "the flag --bad\\x1b]0;t\\x07 is not known; see `xord get --help`"},
        Refused{{"get", "k", "l", "-q"},
                "the flag -q is not known; put -- before a value that begins with a dash"},
        Refused{{"get", "k", "l", "--", "-"},
                "\"l\" is one argument too many; see `xord get --help`"},
        Refused{{"set", "k", "v", "--keep", "--via", via},
                "--keep and --via do not go together: the node of this host stores what it keeps"},
        Refused{{"set", "k", "v", "--file", "/x", "--via", via},
                "\"v\" and --file both give a value: leave one out"},
        Refused{
            {"set", "k", "v", "--type", "in", "--via", via},
            "--type \"in\" is not known: write str, int, float, bool or bytes; perhaps you mean "
            "int"},
        Refused{{"forget"}, "the KEY is missing; see `xord forget --help`"},
        Refused{{"forget", "--id", "12"}, "--id \"12\" is not an id: write 40 hexadecimal digits"},
        Refused{{"get", "--id", "12", "--id", "13"}, "--id is given 2 times: give it once"},
        Refused{{"published", "--data-dir", "/a", "--data-dir", "/b"},
                "--data-dir is given 2 times: give it once"},
        Refused{{"store", "export", "a", "b"},
                "\"b\" is one argument too many; see `xord store export --help`"},
        Refused{{"store", "import"}, "the FILE is missing; see `xord store import --help`"},
        Refused{{"store", "snapshot"}, "the DIR is missing; see `xord store snapshot --help`"},
        Refused{{"set", "k", "--via", via}, "the VALUE is missing; see `xord set --help`"},
        Refused{{"set", "k", "-v", "--via", via},
                "the flag -v is not known; put -- before a value that begins with a dash"}));

TEST(Cli, WithoutACommandItShowsTheHelpAsAnError) {
  const Outcome outcome = xord_of({});
  EXPECT_EQ(outcome.code, ExitCode::usage);
  EXPECT_NE(outcome.err.find("Usage: xord COMMAND"), std::string::npos);
}

TEST(Cli, HelpNamesEveryCommandAndEveryCommandHasHelp) {
  const Outcome outcome = xord_of({"--help"});
  EXPECT_EQ(outcome.code, ExitCode::done);
  EXPECT_EQ(commands().size(), 21u);
  for (const Command& each : commands()) {
    const std::string command(each.name);
    EXPECT_NE(outcome.out.find("\n  " + command + " "), std::string::npos) << command;
    const Outcome help = xord_of({command, "--help"});
    EXPECT_EQ(help.code, ExitCode::done);
    EXPECT_NE(help.out.find("xord " + command), std::string::npos);
    EXPECT_EQ(help.err, "");
    EXPECT_EQ(xord_of({"help", command}).out, help.out);
  }
}

TEST(Cli, StoreHasCommandsAndHelpOfItsOwn) {
  const Outcome outcome = xord_of({"store", "--help"});
  EXPECT_EQ(outcome.code, ExitCode::done);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(xord_of({"store", "-h"}).out, outcome.out);
  const Outcome without = xord_of({"store"});
  EXPECT_EQ(without.code, ExitCode::usage);
  EXPECT_EQ(without.err, outcome.out);
  EXPECT_EQ(without.out, "");
  for (const std::string command :
       {"stats", "check", "get", "export", "import", "purge", "snapshot"}) {
    EXPECT_NE(outcome.out.find("\n  " + command + " "), std::string::npos) << command;
    const Outcome help = xord_of({"store", command, "--help"});
    EXPECT_EQ(help.code, ExitCode::done);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("Usage: xord store " + command + " "), std::string::npos);
    EXPECT_NE(help.out.find("\nExit codes: 0 "), std::string::npos) << command;
    EXPECT_NE(help.out.find("--data-dir DIR"), std::string::npos) << command;
  }
  EXPECT_EQ(xord_of({"store", "stat"}).err,
            "xord: the command stat is not known; perhaps you mean stats.\n");
  EXPECT_EQ(xord_of({"store", "--zebra"}).err,
            "xord: the flag --zebra is not known; see `xord store --help`.\n");
}

TEST(Cli, TheHelpOfEachCommandTellsItsExitCodesAndKeepsToItsWidth) {
  for (const Command& command : commands()) {
    const std::string help = xord_of({std::string(command.name), "--help"}).out;
    const bool is_told = help.find("xit codes: 0") != std::string::npos;
    EXPECT_TRUE(is_told || command.name == "run" || command.name == "store") << help;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(Cli, WhatCannotBeWrittenToStdoutIsTheEnvironments) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  Terminal terminal{out, err, {}};
  const std::vector<std::string> version = {"--version"};
  EXPECT_EQ(run_cli(version, terminal), ExitCode::environment);
  EXPECT_EQ(err.str(),
            "xord: cannot write to stdout: the disk is full, or nothing reads the pipe.\n");
  class FullAtLast : public std::stringbuf {
    int sync() override { return -1; }
  } full;
  std::ostream held_back(&full);
  Terminal other{held_back, err, {}};
  EXPECT_EQ(run_cli(version, other), ExitCode::environment) << "what is held back counts";
}

TEST(Cli, TheHelpOfRunNamesEverySetting) {
  const std::string help = xord_of({"run", "--help"}).out;
  EXPECT_EQ(settings().size(), 37u);
  for (const std::string_view name : setting_names()) {
    EXPECT_NE(help.find("\n  --" + std::string(name)), std::string::npos) << name;
  }
}

// docs/commands/run.md: the default in brackets, unless there is none, or the flag takes no value.
TEST(Cli, TheHelpOfRunShowsEachDefault) {
  std::istringstream words(xord_of({"run", "--help"}).out);
  std::string help;  // On one line.
  for (std::string word; words >> word;) help += (help.empty() ? "" : " ") + word;
  const ServerConfig defaults = default_config();
  for (const Setting& setting : settings()) {
    std::string expected = " --" + std::string(setting.name) + " ";
    if (!setting.placeholder.empty()) expected += std::string(setting.placeholder) + " ";
    expected += std::string(setting.help) + " ";
    std::string shown;
    for (const std::string& text : setting.show(defaults)) {
      if (!shown.empty()) shown += ", ";
      shown += text;
    }
    if (setting.name == "data-dir") shown = "$XDG_DATA_HOME/xord or ~/.local/share/xord";
    if (!shown.empty() && setting.arity != Arity::yes_or_no) expected += "[" + shown + "] ";
    expected += "--";  // The next flag.
    EXPECT_NE(help.find(expected), std::string::npos) << expected << "\nin " << help;
  }
  EXPECT_NE(help.find(" --ttl DURATION How long a record lives after it was published [7d] --"),
            std::string::npos);
  EXPECT_NE(help.find(" [127.0.0.1:8470?, [::1]:8470?] --"), std::string::npos);
}

TEST(Cli, TheVersionIsAskedForInEveryUsualWay) {
  const std::string report = xord_of({"--version"}).out;
  for (const std::string word : {"-V", "-v", "version"}) EXPECT_EQ(xord_of({word}).out, report);
}

TEST(Cli, HelpShowsWhatMayBeLeftOutAndKeepsItsColumns) {
  const auto help = [](const std::vector<std::string>& command) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--help");
    return xord_of(arguments).out;
  };
  EXPECT_NE(help({"store", "export"}).find("\nUsage: xord store export [FILE] [FLAGS]\n"),
            std::string::npos);
  EXPECT_NE(help({"store", "purge"})
                .find("xord store purge (KEY | --id HEX | --prefix HEX | --expired | --all --yes)"),
            std::string::npos);
  EXPECT_NE(help({"ping"}).find("Usage: xord ping [HOST[:PORT]] [FLAGS]"), std::string::npos);
  EXPECT_NE(help({"set"}).find("Usage: xord set (KEY | --id HEX) (VALUE | - | --file FILE)"),
            std::string::npos);
  for (const Command& command : commands()) {
    std::istringstream lines(help({std::string(command.name)}));
    for (std::string line; std::getline(lines, line);) {
      const size_t description = line.find("  ", line.find_first_not_of(' '));
      if (!line.starts_with("  --") || description == std::string::npos) continue;
      EXPECT_EQ(line.find_first_not_of(' ', description), 30u) << line;
    }
  }
}

TEST(Cli, WithoutANodeAnywhereItSaysHowToGetOne) {
  const Outcome outcome = xord_of({"get", "k", "--via", "", "--timeout", "50ms"});
  EXPECT_EQ(outcome.code, ExitCode::usage) << outcome.err;
  const Outcome by_directory = xord_of({"get", "k", "--data-dir", "/proc/nowhere"});
  EXPECT_EQ(by_directory.code, ExitCode::environment);
  EXPECT_EQ(by_directory.err, "xord: no node is running on /proc/nowhere (no such directory).\n");
}

TEST(Cli, ANodeOfTheEnvironmentIsAsked) {
  for (const std::string named : {"127.94.94.94:9", "127.94.94.94:9, 127.94.94.95:9"}) {
    const Outcome outcome = xord_of({"get", "k"}, {{"HOME", "/x"}, {"XORD_VIA", named}});
    EXPECT_EQ(outcome.code, ExitCode::no_answer);
    EXPECT_EQ(outcome.err, "xord: no node listens on " + named +
                               "; check the port, and that the node is running.\n");
  }
}

TEST(Cli, AnEscapeSequenceNeverReachesTheTerminalInASentence) {
  const std::string evil = "\x1b[31mred\u009b0m\nxord: forged";
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {evil},
           {"run", "--" + evil},
           {"run", evil},
           {"run", "--ttl", evil},
           {"run", "--listen", evil},
           {"run", "--bootstrap", evil},
           {"run", "--config", "/nowhere/" + evil},
           {"run", "--data-dir", "/proc/" + evil},
           {"get", "k", "--via", evil},
           {"get", "k", "--via", "h" + evil + ".invalid"},
           {"get", "k", "--timeout", evil},
           {"get", "--id", evil},
           {"set", "k", evil, "--type", "int"},
           {"set", "k", "v", "--type", evil},
           {"set", "k", "--file", "/nowhere/" + evil},
           {"ping", evil},
           {"ping", "127.0.0.1:9", "--count", evil},
           {"published", "--data-dir", "/nowhere/" + evil},
           {"forget", evil, "--data-dir", "/nowhere/" + evil},
           {"status", "--admin", evil},
           {"status", "--admin", "unix:/nowhere/" + evil},
           {"status", "--admin", "127.0.0.1:9", "--admin-token-file", "/nowhere/" + evil},
           {"store", evil},
           {"store", "stats", "--data-dir", "/nowhere/" + evil},
           {"store", "get", evil, "--data-dir", "/nowhere/" + evil},
           {"store", "export", "--data-dir", "/nowhere/" + evil},
           {"store", "import", "/nowhere/" + evil},
           {"store", "purge", "--prefix", evil},
           {"load", "--target", evil},
           {"load", "--target", "127.0.0.1:9", "--mix", evil},
           {"sim", "--scenario", evil}}) {
    const Outcome outcome = xord_of(command);
    EXPECT_NE(outcome.code, ExitCode::done) << command[0];
    const std::string sentence = outcome.err.substr(0, outcome.err.size() - 1);
    for (const char c : sentence) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << outcome.err;
    EXPECT_EQ(sentence.find("\u009b"), std::string::npos) << outcome.err;
  }
}

TEST(Cli, VersionNamesTheCommitAndBothBackends) {
  const Outcome outcome = xord_of({"--version"});
  EXPECT_EQ(outcome.code, ExitCode::done);
  const bool has_git = std::filesystem::exists(XORD_GOLDEN "/../../.git");
  const std::regex first_line(has_git ? "xord 0\\.[0-9.]+ \\(commit [0-9a-f]{7,40}\\)"
                                      : "xord 0\\.[0-9.]+");
  EXPECT_TRUE(std::regex_match(outcome.out.substr(0, outcome.out.find('\n')), first_line))
      << outcome.out;
  EXPECT_NE(outcome.out.find("\nio_uring: "), std::string::npos);
  EXPECT_NE(outcome.out.find("\nepoll: available\n"), std::string::npos);
}

TEST(Cli, PrintConfigShowsEachValueAndWhereItCameFrom) {
  const Outcome outcome = xord_of({"run", "--print-config", "--ttl", "3d"},
                                  {{"HOME", "/home/ada"}, {"XORD_SHARDS", "2"}});
  EXPECT_EQ(outcome.code, ExitCode::done);
  const auto line_of = [&](const std::string& name) {
    const size_t at = ("\n" + outcome.out).find("\n" + name + " = ");
    return at == std::string::npos ? "" : outcome.out.substr(at, outcome.out.find('\n', at) - at);
  };
  EXPECT_EQ(line_of("ttl").rfind("ttl = \"3d\" ", 0), 0u);
  EXPECT_NE(line_of("ttl").find("# flag --ttl"), std::string::npos);
  EXPECT_NE(line_of("shards").find("shards = 2 "), std::string::npos);
  EXPECT_NE(line_of("shards").find("# environment XORD_SHARDS"), std::string::npos);
  EXPECT_NE(line_of("data-dir").find("\"/home/ada/.local/share/xord\""), std::string::npos);
  EXPECT_NE(line_of("io").find("# default"), std::string::npos);
}

TEST(Cli, TheConfigFileMayBeNamedByTheEnvironment) {
  const Outcome outcome =
      xord_of({"run", "--print-config"}, {{"HOME", "/h"}, {"XORD_CONFIG", "/nowhere.toml"}});
  EXPECT_EQ(outcome.code, ExitCode::usage);
  EXPECT_NE(outcome.err.find("/nowhere.toml"), std::string::npos);
}

TEST(Cli, ANodeThatIsNotThereIsNoAnswer) {
  // Port 9 (discard) of our own address, where nothing listens.
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"ping", "127.94.94.94:9"}, {"get", "k", "--via", "127.94.94.94:9"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--timeout", "1h"});  // It is reported at once.
    const Outcome outcome = xord_of(arguments);
    EXPECT_EQ(outcome.code, ExitCode::no_answer);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err,
              "xord: no node listens on 127.94.94.94:9; check the port, and that the node is "
              "running.\n");
  }
}

TEST(Cli, ValuesThatBeginWithADashAreTakenBehindTwoDashesAndNumbersAnywhere) {
  for (const std::vector<std::string>& rest : std::vector<std::vector<std::string>>{
           {"--", "-x"}, {"--", "--via"}, {"-5", "--type", "int"}, {"", "--type", "str"}}) {
    std::vector<std::string> arguments = {"set",       "k",  "--via", "127.94.94.94:9",
                                          "--timeout", "1ms"};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const Outcome outcome = xord_of(arguments);
    EXPECT_EQ(outcome.code, ExitCode::no_answer) << rest[0] << ": " << outcome.err;
  }
}

TEST(Cli, AValueThatIsNotOfItsTypeOrTooLongIsRefusedBeforeAnythingIsSent) {
  const auto refusal = [](const std::string& type, const std::string& value) {
    // Resolving the name would fail, but only later.
    const Outcome outcome =
        xord_of({"set", "k", "--via", "nosuchhost.invalid:9", "--type", type, "--", value});
    EXPECT_EQ(outcome.code, ExitCode::usage);
    return outcome.err;
  };
  EXPECT_NE(refusal("int", "five").find("\"five\" is not an integer"), std::string::npos);
  EXPECT_NE(refusal("int", "18446744073709551616").find("is not an integer"), std::string::npos);
  EXPECT_NE(refusal("float", "x").find("\"x\" is not"), std::string::npos);
  EXPECT_NE(refusal("bool", "yes").find("\"yes\" is not"), std::string::npos);
  EXPECT_NE(refusal("bytes", "hex:abc").find("is not hexadecimal"), std::string::npos);
  EXPECT_NE(refusal("str", "\xff").find("not UTF-8"), std::string::npos);
  EXPECT_EQ(refusal("string", "x"),
            "xord: --type \"string\" is not known: write str, int, float, bool or bytes.\n");
  EXPECT_EQ(refusal("str", std::string(8138, 'x')),
            "xord: the VALUE is too long: it has 8141 bytes on the wire, and 8140 is the most.\n");
}

TEST(Cli, ANameThatCannotBeResolvedIsNoAnswer) {
  const Outcome outcome = xord_of({"ping", "no such host.invalid:9"});
  EXPECT_EQ(outcome.code, ExitCode::usage);  // A name cannot contain a space.
  const Outcome unresolved = xord_of({"ping", "nosuchhost.invalid:9"});
  EXPECT_EQ(unresolved.code, ExitCode::no_answer);
  EXPECT_NE(unresolved.err.find("nosuchhost.invalid has no address: "), std::string::npos);
}

}  // namespace
}  // namespace xord
