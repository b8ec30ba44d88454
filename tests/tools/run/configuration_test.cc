#include "tools/run/configuration.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "node/server/config/reload.h"
#include "tests/temporary_directory.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

class ConfigurationTest : public testing::Test {
 protected:
  std::string file(const std::string& text) const {
    const std::string path = directory_.at("xord.toml");
    std::ofstream(path) << text;
    return path;
  }
  Given flag(const std::string& name, std::vector<std::string> texts) const {
    return {find_setting(name), std::move(texts), "--" + name, "flag --" + name};
  }
  // The sentence of the Failure that `act` throws, which must have the usage code.
  template <class Act>
  std::string refusal(Act&& act) const {
    try {
      act();
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::usage);
      return failure.what();
    }
    return "nothing was refused";
  }
  std::string origin(const Configuration& configuration, const std::string& name) const {
    return configuration.origins[static_cast<size_t>(find_setting(name) - settings().data())];
  }

  const Environment home_ = {{"HOME", "/home/ada"}};
  TemporaryDirectory directory_;
};

TEST_F(ConfigurationTest, WithNothingGivenTheDefaultsHold) {
  const Configuration result = build_configuration({}, home_);
  ServerConfig expected = default_config();
  expected.data_dir = "/home/ada/.local/share/xord";
  EXPECT_EQ(result.server, expected);
  EXPECT_EQ(origin(result, "ttl"), "default");
  EXPECT_EQ(origin(result, "data-dir"), "default, by HOME");
}

TEST_F(ConfigurationTest, AFileThatIsNestedDeepIsRefusedWithItsLine) {
  std::string key = "a";
  for (int i = 0; i < 100'000; ++i) key += ".a";
  std::string tables;
  for (int i = 0; i < 100'000; ++i) tables += "{a=";
  for (const std::string& deep : {key + " = 1", "[" + key + "]", "[[" + key + "]]",
                                  "ttl = " + std::string(100'000, '['), "ttl = " + tables}) {
    const std::string path = file("shards = 1\n" + deep + "\n");
    const std::string sentence = refusal([&] { read_config_file(path); });
    EXPECT_EQ(sentence.rfind(path + ":2: keys or lists are nested more than 8 deep", 0), 0u)
        << sentence;
  }
}

TEST_F(ConfigurationTest, AFileThatIsTooLongIsRefused) {
  const std::string path = file(std::string((1 << 20) + 1, '#'));
  EXPECT_NE(refusal([&] { read_config_file(path); }).find("more than 1048576 bytes"),
            std::string::npos);
  EXPECT_NE(refusal([&] { read_config_file("/dev/zero"); }).find("more than 1048576 bytes"),
            std::string::npos);
  EXPECT_TRUE(read_config_file(file(std::string((1 << 20) - 1, '#') + "\n")).empty());
}

TEST_F(ConfigurationTest, AFlagBeatsTheEnvironmentWhichBeatsTheFileWhichBeatsTheDefault) {
  std::vector<Given> given =
      read_config_file(file("ttl = \"1d\"\nshards = 2\nlog-level = \"debug\"\n"));
  for (const Given& row : read_environment({{"XORD_TTL", "2d"}, {"XORD_SHARDS", "3"}})) {
    given.push_back(row);
  }
  given.push_back(flag("ttl", {"3d"}));
  const Configuration result = build_configuration(given, home_);
  EXPECT_EQ(result.server.ttl, hours(72));
  EXPECT_EQ(result.server.shards, 3u);
  EXPECT_EQ(result.server.log_level, LogLevel::debug);
  EXPECT_EQ(result.server.records_max, ServerConfig{}.records_max);
  EXPECT_EQ(origin(result, "ttl"), "flag --ttl");
  EXPECT_EQ(origin(result, "shards"), "environment XORD_SHARDS");
  EXPECT_EQ(origin(result, "log-level"), "file " + directory_.at("xord.toml") + ":3");
  EXPECT_EQ(origin(result, "io"), "default");
}

TEST_F(ConfigurationTest, AHigherSourceReplacesAListAndDoesNotAddToIt) {
  std::vector<Given> given = read_config_file(file("bootstrap = [\"a:1\", \"b:2\"]\n"));
  EXPECT_EQ(build_configuration(given, home_).server.bootstrap,
            (std::vector<std::string>{"a:1", "b:2"}));
  for (const Given& row : read_environment({{"XORD_BOOTSTRAP", "c:3, d:4"}})) given.push_back(row);
  EXPECT_EQ(build_configuration(given, home_).server.bootstrap,
            (std::vector<std::string>{"c:3", "d:4"}));
}

TEST_F(ConfigurationTest, TheDataDirectoryFollowsTheBaseDirectorySpecification) {
  const auto chosen = [](const Environment& environment) {
    return build_configuration({}, environment).server.data_dir;
  };
  EXPECT_EQ(chosen({{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}}), "/x/xord");
  EXPECT_EQ(chosen({{"HOME", "/h"}, {"XDG_DATA_HOME", "relative"}}), "/h/.local/share/xord");
}

TEST_F(ConfigurationTest, WhatPrintConfigPrintsIsAConfigFileThatGivesTheSameAgain) {
  const Configuration first = build_configuration(
      {flag("listen", {"127.0.0.1:0", "rpcudp://[::1]:9"}), flag("bootstrap", {"a.example:8468"}),
       flag("data-dir", {"/tmp/with \"quotes\" and \t"}),
       flag("trusted-net", {"10.0.0.0/8", "::/0"}), flag("amplification-max", {"1.25"}),
       flag("fleet-net", {"203.0.113.0/24", "2001:db8::/32"}),
       flag("allow-private-contacts", {"true"}), flag("disjoint-paths", {"4"}),
       flag("admin", {"[::1]:0", "127.0.0.1:9?", "unix:/run/with \"quotes\""}),
       flag("admin-hosts", {"dht.example.org"}), flag("limits", {"dry-run"}),
       flag("limit-excess", {"2MiB"}), flag("limit-reads", {"7"}),
       flag("limit-for", {"192.0.2.0/24=3", "2001:db8::/32=50"}), flag("limit-loopback", {"true"}),
       flag("memory-max", {"2G"}), flag("shards", {"4"}),
       flag("allow-network-file-system", {"true"}), flag("commit-window", {"5ms"})},
      home_);
  const auto again = read_config_file(file(print_configuration(first)));
  EXPECT_EQ(again.size(), settings().size());
  EXPECT_EQ(build_configuration(again, {}).server, first.server) << print_configuration(first);
}

// A host without IPv6 starts with the defaults, and so with what is printed of them.
TEST_F(ConfigurationTest, TheDefaultsThatArePrintedAreReadAsTheDefaults) {
  const Configuration first = build_configuration({}, home_);
  ASSERT_TRUE(first.server.listen.at(1).optional);
  const auto again = read_config_file(file(print_configuration(first)));
  EXPECT_EQ(build_configuration(again, {}).server, first.server) << print_configuration(first);
}

TEST_F(ConfigurationTest, AnAddressWithAQuestionMarkIsOptional) {
  const Configuration result =
      build_configuration({flag("listen", {"[::1]:9?", "rpcudp://0.0.0.0:9"})}, home_);
  ASSERT_EQ(result.server.listen.size(), 2u);
  EXPECT_TRUE(result.server.listen[0].optional);
  EXPECT_EQ(result.server.listen[0].endpoint, *Endpoint::parse("[::1]:9"));
  EXPECT_FALSE(result.server.listen[1].optional);
  EXPECT_EQ(find_setting("listen")->show(result.server),
            (std::vector<std::string>{"rpcudp://[::1]:9?", "rpcudp://0.0.0.0:9"}));
  EXPECT_NE(refusal([&] {
              build_configuration({flag("listen", {"[::1]:9", "[::1]:9?"})}, home_);
            }).find("name each address once"),
            std::string::npos);
}

TEST_F(ConfigurationTest, AFactorIsPrintedAndReadToItsLastDigit) {
  const std::string tiny = "0." + std::string(200, '0') + "1";
  for (const std::string& text : {std::string("0.12345678901"), std::string("1.0000001"),
                                  std::string("0.00000012345678901234"), tiny}) {
    const auto first = build_configuration({flag("amplification-max", {text})}, home_);
    const auto again = read_config_file(file(print_configuration(first)));
    EXPECT_EQ(build_configuration(again, {}).server.amplification_max,
              first.server.amplification_max)
        << text;
  }
  const auto bare = read_config_file(file("amplification-max = 1e-7\n"));
  EXPECT_EQ(build_configuration(bare, home_).server.amplification_max, 1e-7);
}

TEST_F(ConfigurationTest, EverySettingsDefaultIsAmongWhatItAccepts) {
  ServerConfig config = default_config();
  config.data_dir = "/d";
  for (const Setting& setting : settings()) {
    ServerConfig copy = config;
    setting.apply(copy, setting.show(config));
    EXPECT_EQ(copy, config) << setting.name;
  }
}

TEST_F(ConfigurationTest, AnUnknownKeyIsNamedWithItsLineAndASuggestion) {
  const std::string path = file("shards = 1\ndata_dir = \"/x\"\n");
  EXPECT_EQ(refusal([&] { read_config_file(path); }),
            path + ":2: the key data_dir is not a setting; perhaps you mean data-dir");
  file("zebra = 1\n");
  EXPECT_EQ(
      refusal([&] { read_config_file(path); }),
      path + ":1: the key zebra is not a setting; `xord run --print-config` lists all of them");
  file("[server]\nttl = \"1d\"\n");
  EXPECT_NE(refusal([&] { read_config_file(path); }).find("the table [server] is not a setting"),
            std::string::npos);
}

TEST_F(ConfigurationTest, AFileThatIsNotTomlOrNotThereIsSaidSo) {
  const std::string path = file("ttl = = 3\n");
  EXPECT_EQ(refusal([&] { read_config_file(path); }).rfind(path + ":1: this is not TOML: ", 0), 0u);
  EXPECT_EQ(refusal([&] { read_config_file("/nowhere/xord.toml"); }),
            "the config file /nowhere/xord.toml cannot be read: No such file or directory; name an "
            "existing file with --config FILE");
  EXPECT_NE(refusal([&] { read_config_file(directory_.path()); }).find("Is a directory"),
            std::string::npos);
}

TEST_F(ConfigurationTest, AListWhereOneValueBelongsAndADateAreRefused) {
  const std::string path = file("ttl = [\"1d\"]\n");
  EXPECT_EQ(refusal([&] { read_config_file(path); }),
            path + ":1: ttl has a list of values: give a single one");
  file("ttl = 2024-01-01\n");
  EXPECT_NE(refusal([&] { read_config_file(path); }).find("a type that no setting has"),
            std::string::npos);
}

TEST_F(ConfigurationTest, ABadValueIsNamedWithThePlaceWhereItStands) {
  const auto given = read_config_file(file("\n\nttl = \"7x\"\n"));
  EXPECT_EQ(refusal([&] { build_configuration(given, home_); }),
            directory_.at("xord.toml") +
                ":3: ttl \"7x\" is not a duration: write a number and a unit, such as 7d, 12h or "
                "500ms");
  EXPECT_EQ(refusal([&] {
              build_configuration(read_environment({{"XORD_IO", "urnig"}}), home_);
            }),
            "XORD_IO \"urnig\" is not known: write auto, uring or epoll; perhaps you mean uring");
}

TEST_F(ConfigurationTest, AListThatIsSeparatedOtherwiseIsToldHow) {
  const auto said = [&](const std::vector<Given>& given) {
    return refusal([&] { build_configuration(given, home_); });
  };
  for (const std::string separator : {" ", "\n", "\t", ";"}) {
    const std::string list = "127.0.0.1:1" + separator + "127.0.0.1:2";
    EXPECT_TRUE(said(read_environment({{"XORD_LISTEN", list}}))
                    .ends_with("; separate the values of a list by commas"));
    EXPECT_TRUE(
        said({flag("listen", {list})}).ends_with("; repeat the flag for each value of a list"));
  }
  EXPECT_TRUE(said(read_config_file(file("listen = \"127.0.0.1:1,127.0.0.1:2\"\n")))
                  .ends_with("; write a list like [\"...\", \"...\"]"));
  // Whitespace around the values is ignored.
  const auto given = read_environment({{"XORD_BOOTSTRAP", "\n a:1,\n\tb:2\n"}});
  EXPECT_EQ(build_configuration(given, home_).server.bootstrap,
            (std::vector<std::string>{"a:1", "b:2"}));
}

TEST_F(ConfigurationTest, WordsMayBeWrittenInCapitals) {
  const auto built = [&](const std::string& level) {
    return build_configuration({flag("log-level", {level})}, home_).server.log_level;
  };
  EXPECT_EQ(built("WARNING"), LogLevel::warning);
  EXPECT_EQ(built("Info"), LogLevel::info);
}

TEST_F(ConfigurationTest, ABootstrapAddressIsTakenAsItIsTyped) {
  const auto given = flag("bootstrap", {"a.example", "::1", "rpcudp://0.0.0.0:9", "[::]:8468"});
  EXPECT_EQ(
      build_configuration({given}, home_).server.bootstrap,
      (std::vector<std::string>{"a.example:8468", "[::1]:8468", "127.0.0.1:9", "[::1]:8468"}));
}

TEST_F(ConfigurationTest, AKeyOfAnotherProgramIsUnderstood) {
  const std::string path = file("port = 9000\n");
  EXPECT_EQ(refusal([&] { read_config_file(path); }),
            path + ":1: the key port is not a setting; perhaps you mean listen");
}

TEST_F(ConfigurationTest, AnOriginThatHasALineBreakStaysInItsComment) {
  const std::string path = directory_.at("a\nshards = 7\n\x1b.toml");
  std::ofstream(path) << "ttl = \"3d\"\n";
  const auto printed = print_configuration(build_configuration(read_config_file(path), home_));
  EXPECT_EQ(printed.find('\x1b'), std::string::npos);
  const auto again = read_config_file(file(printed));
  EXPECT_EQ(build_configuration(again, {}).server.shards, 0u);
}

TEST_F(ConfigurationTest, AMistypedVariableIsRefusedAndAForeignOneIgnored) {
  EXPECT_EQ(
      refusal([&] {
        read_environment({{"XORD_DATADIR", "/x"}});
      }),
      "the environment variable XORD_DATADIR is not a setting; perhaps you mean XORD_DATA_DIR: "
      "rename or unset it");
  EXPECT_TRUE(read_environment({{"XORD_SERVICE_HOST", "10.0.0.1"}, {"XORD_CONFIG", "x"}}).empty());
}

TEST_F(ConfigurationTest, ALinkLocalAddressIsTakenWithItsInterface) {
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) GTEST_SKIP() << "this host has no interface lo";
  const auto given = flag("listen", {"rpcudp://[fe80::1%lo]:9"});
  const Configuration result = build_configuration({given}, home_);
  ASSERT_EQ(result.server.listen.size(), 1u);
  EXPECT_EQ(result.server.listen[0].endpoint.scope, loopback);
  EXPECT_EQ(result.server.listen[0].endpoint.port, 9);
  EXPECT_EQ(find_setting("listen")->show(result.server),
            std::vector<std::string>{"rpcudp://[fe80::1%lo]:9"});
}

struct BadText {
  const char* setting;
  const char* text;
  const char* part;  // Part of the sentence: what to do.
};

class BadTexts : public ConfigurationTest, public testing::WithParamInterface<BadText> {};

TEST_P(BadTexts, AreRefusedWithASentenceThatNamesThemAndSaysWhatToDo) {
  const BadText& bad = GetParam();
  const std::string sentence =
      refusal([&] { build_configuration({flag(bad.setting, {bad.text})}, home_); });
  EXPECT_EQ(sentence.rfind("--" + std::string(bad.setting) + " ", 0), 0u) << sentence;
  EXPECT_NE(sentence.find(bad.part), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(bad.text), std::string::npos) << sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Every, BadTexts,
    testing::Values(
        BadText{"listen", "8468", "write ADDR:PORT"}, BadText{"listen", ":8468", "write ADDR:PORT"},
        BadText{"listen", "0.0.0.0", "write ADDR:PORT"},
        BadText{"listen", "0.0.0.0:65536", "write ADDR:PORT"},
        BadText{"listen", "0.0.0.0:1??", "write ADDR:PORT"},
        BadText{"listen", "::1:8468", "write ADDR:PORT"},
        BadText{"listen", "localhost:8468", "write the numeric address"},
        BadText{"listen", "http://0.0.0.0:80", "rpcudp://"},
        BadText{"listen", "mainline://0.0.0.0:6881", "not supported yet"},
        BadText{"listen", "224.0.0.1:8468", "unicast"},
        BadText{"listen", "[fe80::1%nosuchlink]:8468", "ip link"},
        BadText{"listen", "[2001:db8::1%lo]:1", "write the numeric address"},
        BadText{"listen", "[fe80::1%lo:1", "write ADDR:PORT"},
        BadText{"listen", "127.0.0.1%lo]:1", "write ADDR:PORT"},
        BadText{"listen", "[::1]", "write ADDR:PORT"}, BadText{"listen", "[ff02::1]:1", "unicast"},
        BadText{"listen", "rpcudp://", "write ADDR:PORT"},
        BadText{"listen", "RPCUDP://0.0.0.0:1", "has the unknown scheme RPCUDP"},
        BadText{"bootstrap", "node example", "write it like"},
        BadText{"bootstrap", "node.example:0", "write it like"},
        BadText{"bootstrap", "2001:db8::1:8468", "write [2001:db8::1]:8468"},
        BadText{"data-dir", "", "name a directory"},
        BadText{"allow-network-file-system", "maybe", "neither true nor false"},
        BadText{"shards", "0", "1 to 64"}, BadText{"shards", "65", "1 to 64"},
        BadText{"shards", "two", "write auto"}, BadText{"io", "kqueue", "auto, uring or epoll"},
        BadText{"steering", "yes", "on or off"}, BadText{"pin-threads", "yes", "on or off"},
        BadText{"admin", "8470", "write a numeric ADDR:PORT"},
        BadText{"admin", "localhost:8470", "write a numeric ADDR:PORT"},
        BadText{"admin", "http://127.0.0.1:8470", "write a numeric ADDR:PORT"},
        BadText{"admin", "unix:", "write one like unix:/run"},
        BadText{"admin", "unix", "unix:PATH"}, BadText{"admin", "224.0.0.1:1", "unicast"},
        BadText{"admin", "[fe80::1]:1", "unicast"},
        BadText{"admin-hosts", "http://example.org", "without a port"},
        BadText{"admin-hosts", "example.org:8470", "without a port"},
        BadText{"admin-hosts", "[::1]", "without a port"},
        BadText{"admin-open", "yes", "neither true nor false"},
        BadText{"metrics-shards", "true", "on or off"},
        BadText{"log-level", "warn", "perhaps you mean warning"},
        BadText{"log-format", "xml", "text or json"},
        BadText{"color", "yes", "auto, always or never"},
        BadText{"amplification-max", "-1", "write a number"},
        BadText{"disjoint-paths", "0", "at least 1"}, BadText{"disjoint-paths", "9", "at most 8"},
        BadText{"amplification-max", "nan", "write a number"},
        BadText{"amplification-max", "", "write a number"},
        BadText{"limits", "dry", "perhaps you mean dry-run"},
        BadText{"limit-excess", "1KiB", "at least 16KiB"},
        BadText{"limit-reads", "0", "at least 1"},
        BadText{"limit-for", "10.0.0.0/8", "and its factor"},
        BadText{"limit-for", "10.0.0.0/8=0", "a factor from 1 to"},
        BadText{"limit-for", "10.0.0.1/8=2", "no bit set after"},
        BadText{"trusted-net", "10.0.0.1/8", "no bit set after it"},
        BadText{"fleet-net", "10.0.0.1/8", "no bit set after it"},
        BadText{"allow-private-contacts", "yes", "neither true nor false"},
        BadText{"trusted-net", "10.0.0.0", "a slash"}, BadText{"ttl", "604800", "a unit"},
        BadText{"ttl", "1s", "at least 1m"}, BadText{"commit-window", "1m", "at most 1s"},
        BadText{"durability", "none", "sync or os"}, BadText{"records-max", "0", "at least 1"},
        BadText{"records-max", "many", "write digits"},
        BadText{"memory-max", "lots", "such as 64MiB"},
        BadText{"memory-max", "1K", "at least 1MiB"}, BadText{"storage-max", "1.5", "a unit"},
        BadText{"contacts-max", "3", "at least 160"},
        BadText{"contacts-max", "2M", "at most 1048576"}, BadText{"drain-max", "1h", "at most 10m"},
        BadText{"drain-delay", "1h", "at most 10m"},
        BadText{"ready-contacts", "few", "write digits"},
        BadText{"canary", "on", "lookup or store"}));

TEST_F(ConfigurationTest, AnAddressTwiceAndAnEmptyListToListenOnAreRefused) {
  EXPECT_NE(refusal([&] {
              build_configuration({flag("listen", {"0.0.0.0:1", "rpcudp://0.0.0.0:1"})}, home_);
            }).find("name each address once"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              build_configuration({flag("listen", {})}, home_);
            }).find("name at least one address"),
            std::string::npos);
  EXPECT_EQ(build_configuration({flag("listen", {"127.0.0.1:0", "127.0.0.1:0"})}, home_)
                .server.listen.size(),
            2u);
}

TEST_F(ConfigurationTest, TheAdminPortIsOffOrAtTheAddressesThatAreNamed) {
  const auto admin = [&](const std::vector<std::string>& texts) {
    return build_configuration({flag("admin", texts)}, home_).server.admin;
  };
  EXPECT_TRUE(admin({"off"}).empty());
  EXPECT_TRUE(admin({}).empty());
  EXPECT_EQ(admin({"127.0.0.1:0", "127.0.0.1:0"}).size(), 2u);
  EXPECT_FALSE(admin({"127.0.0.1:8470"}).front().is_optional) << "asked for, so it must be free";
  EXPECT_TRUE(admin({"127.0.0.1:8470?"}).front().is_optional);
  EXPECT_EQ(find_setting("admin")->show(build_configuration({}, home_).server),
            (std::vector<std::string>{"127.0.0.1:8470?", "[::1]:8470?"}));
  const auto said = [&](const std::vector<std::string>& texts) {
    return refusal([&] { admin(texts); });
  };
  EXPECT_NE(said({"off", "[::1]:1"}).find("both off and an address"), std::string::npos);
  EXPECT_NE(said({"[::1]:1", "[::1]:1?"}).find("given twice"), std::string::npos);
  EXPECT_NE(said({"unix:/a", "unix:/a"}).find("given twice"), std::string::npos);
  EXPECT_NE(said({"unix:" + std::string(108, 'x')}).find("1 to 107 bytes"), std::string::npos);
  EXPECT_NE(said(std::vector<std::string>(9, "[::1]:0")).find("at most 8"), std::string::npos);
}

TEST_F(ConfigurationTest, TheApiShowsEachSettingWithItsDefaultAndItsOrigin) {
  const auto shown =
      shown_settings(build_configuration({flag("ttl", {"3d"}), flag("bootstrap", {"a:1"})}, home_));
  ASSERT_EQ(shown.size(), settings().size());
  for (size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(shown[i].name, settings()[i].name);
  const auto of = [&](const std::string& name) {
    return shown[static_cast<size_t>(find_setting(name) - settings().data())];
  };
  EXPECT_EQ(of("ttl"), (ShownSetting{"ttl", {"3d"}, {"7d"}, false, true, "flag --ttl"}));
  EXPECT_EQ(of("bootstrap"),
            (ShownSetting{"bootstrap", {"a:1"}, {}, true, true, "flag --bootstrap"}));
  EXPECT_EQ(of("shards"), (ShownSetting{"shards", {"auto"}, {"auto"}, false, false, "default"}));
}

// Each setting with another value than its default, as text...
const std::pair<const char*, std::vector<std::string>> changed_settings[] = {
    {"listen", {"127.0.0.1:9"}},
    {"bootstrap", {"a.example:1"}},
    {"data-dir", {"/d"}},
    {"allow-network-file-system", {"true"}},
    {"shards", {"3"}},
    {"io", {"uring"}},
    {"steering", {"off"}},
    {"pin-threads", {"on"}},
    {"admin", {"127.0.0.1:7", "unix:/run/x"}},
    {"admin-token-file", {"/t"}},
    {"admin-hosts", {"a.example", "::1"}},
    {"admin-open", {"true"}},
    {"metrics-shards", {"off"}},
    {"log-level", {"error"}},
    {"log-format", {"json"}},
    {"color", {"always"}},
    {"amplification-max", {"2.5"}},
    {"trusted-net", {"10.0.0.0/8", "11.0.0.0/8"}},
    {"limits", {"dry-run"}},
    {"limit-excess", {"2MiB"}},
    {"limit-reads", {"7"}},
    {"limit-for", {"192.0.2.0/24=3", "2001:db8::/32=50"}},
    {"limit-loopback", {"true"}},
    {"fleet-net", {"203.0.113.0/24"}},
    {"allow-private-contacts", {"true"}},
    {"disjoint-paths", {"5"}},
    {"ttl", {"5h"}},
    {"commit-window", {"7ms"}},
    {"durability", {"os"}},
    {"records-max", {"1234"}},
    {"memory-max", {"3GiB"}},
    {"storage-max", {"5GiB"}},
    {"contacts-max", {"777"}},
    {"drain-max", {"8s"}},
    {"drain-delay", {"9s"}},
    {"ready-contacts", {"3"}},
    {"canary", {"store"}}};

// ...and as the configuration that follows.
ServerConfig changed_config() {
  ServerConfig expected;
  expected.listen = {{DialectName::rpcudp, *Endpoint::parse("127.0.0.1:9"), false}};
  expected.bootstrap = {"a.example:1"};
  expected.data_dir = "/d";
  expected.allow_network_file_system = true;
  expected.shards = 3;
  expected.io = IoChoice::uring;
  expected.steering = false;
  expected.has_pinned_threads = true;
  expected.admin = {{*Endpoint::parse("127.0.0.1:7"), "", false}, {{}, "/run/x", false}};
  expected.admin_token_file = "/t";
  expected.admin_hosts = {"a.example", "::1"};
  expected.admin_is_open = true;
  expected.has_metrics_by_shard = false;
  expected.log_level = LogLevel::error;
  expected.log_format = LogFormat::json;
  expected.log_color = LogColor::always;
  expected.amplification_max = 2.5;
  expected.trusted_nets = {*Subnet::parse("10.0.0.0/8"), *Subnet::parse("11.0.0.0/8")};
  expected.limits.mode = LimitsMode::dry_run;
  expected.limits.excess_a_second = 2 << 20;
  expected.limits.reads_a_second = 7;
  expected.limits.factors = {{*Subnet::parse("192.0.2.0/24"), 3},
                             {*Subnet::parse("2001:db8::/32"), 50}};
  expected.limits.limits_loopback = true;
  expected.fleet_nets = {*Subnet::parse("203.0.113.0/24")};
  expected.allow_private_contacts = true;
  expected.disjoint_paths = 5;
  expected.ttl = hours(5);
  expected.commit_window = milliseconds(7);
  expected.durability = Durability::os;
  expected.records_max = 1'234;
  expected.memory_max = uint64_t{3} << 30;
  expected.storage_max = uint64_t{5} << 30;
  expected.contacts_max = 777;
  expected.drain_max = seconds(8);
  expected.drain_delay = seconds(9);
  expected.ready_contacts = 3;
  expected.canary = CanaryMode::store;
  return expected;
}

TEST_F(ConfigurationTest, EachSettingSetsWhatItNames) {
  ASSERT_EQ(std::size(changed_settings), settings().size());
  std::vector<Given> given;
  for (const auto& [name, texts] : changed_settings) given.push_back(flag(name, texts));
  const Configuration result = build_configuration(given, {});
  EXPECT_EQ(result.server, changed_config());
  const std::string printed = "\n" + print_configuration(result);
  for (const auto& [name, texts] : changed_settings) {
    EXPECT_EQ(origin(result, name), std::string("flag --") + name);
    const Setting* setting = find_setting(name);
    const auto shown = setting->show(result.server);
    EXPECT_EQ(shown, std::string(name) == "listen"
                         ? std::vector<std::string>{"rpcudp://127.0.0.1:9"}
                         : texts)
        << name;
  }
  for (const char* line :
       {"\nlisten = [\"rpcudp://127.0.0.1:9\"] ", "\nbootstrap = [\"a.example:1\"] ",
        "\nallow-network-file-system = true ", "\nshards = 3 ", "\nio = \"uring\" ",
        "\namplification-max = 2.5 ", "\ntrusted-net = [\"10.0.0.0/8\", \"11.0.0.0/8\"] ",
        "\nttl = \"5h\" ", "\nrecords-max = 1234 ", "\nmemory-max = \"3GiB\" "}) {
    EXPECT_NE(printed.find(line), std::string::npos) << line << printed;
  }
}

// A configuration that has a value already: apply() replaces it, however many there are.
TEST_F(ConfigurationTest, EachSettingReplacesTheValueBefore) {
  ServerConfig config = changed_config();
  const ServerConfig defaults = default_config();
  for (const Setting& setting : settings()) {
    const auto texts = setting.show(defaults);
    if (setting.name == "data-dir") continue;  // It has no default of its own.
    setting.apply(config, texts);
    EXPECT_EQ(setting.show(config), texts) << setting.name;
  }
  config.data_dir = defaults.data_dir;
  EXPECT_EQ(config, defaults);
  for (const auto& [name, texts] : changed_settings) {
    const Setting& setting = *find_setting(name);
    for (int twice = 0; twice < 2; ++twice) setting.apply(config, texts);
  }
  EXPECT_EQ(config, changed_config());
}

// docs/commands/run.md.
TEST_F(ConfigurationTest, ListsHaveAMaximum) {
  struct List {
    const char* setting;
    const char* begins;  // Of each element, before its number.
    const char* ends;
    size_t most;
    const char* what;
  };
  const List lists[] = {{"listen", "127.0.0.1:1", "", listen_max, "addresses"},
                        {"admin", "127.0.0.1:1", "", admin_addresses_max, "addresses"},
                        {"admin-hosts", "host", "", admin_hosts_max, "hosts"},
                        {"limit-for", "10.", ".0.0/16=2", limit_factors_max, "networks"},
                        {"fleet-net", "10.", ".0.0/16", fleet_nets_max, "networks"}};
  for (const auto& [setting, begins, ends, most, what] : lists) {
    std::vector<std::string> texts;
    const auto add = [&] { texts.push_back(begins + std::to_string(texts.size()) + ends); };
    while (texts.size() < most) add();
    EXPECT_NO_THROW(build_configuration({flag(setting, texts)}, home_)) << setting;
    add();
    EXPECT_EQ(refusal([&] { build_configuration({flag(setting, texts)}, home_); }),
              "--" + std::string(setting) + " has " + std::to_string(most + 1) + " " + what +
                  ": name at most " + std::to_string(most));
  }
}

TEST_F(ConfigurationTest, WhatIsPrintedStandsInTwoColumns) {
  const std::string printed = print_configuration(build_configuration({}, home_));
  std::istringstream lines(printed);
  std::set<size_t> columns;
  size_t widest = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t comment = line.find("  # ");
    ASSERT_NE(comment, std::string::npos) << line;
    columns.insert(line.rfind("# "));
    widest = std::max(widest, line.find_last_not_of(' ', comment) + 1);
  }
  ASSERT_EQ(columns.size(), 1u) << printed;
  EXPECT_EQ(*columns.begin(), widest + 2);
}

TEST_F(ConfigurationTest, TextsThatTomlWouldTakeForSomethingElseAreQuoted) {
  const auto line = [&](const std::string& directory) {
    const std::string printed =
        "\n" + print_configuration(build_configuration({flag("data-dir", {directory})}, {}));
    const size_t at = printed.find("\ndata-dir = ") + 12;
    return printed.substr(at, printed.find("  #", at) - at);
  };
  const auto trimmed = [&](const std::string& directory) {
    std::string text = line(directory);
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  EXPECT_EQ(trimmed("/d"), "\"/d\"");
  EXPECT_EQ(trimmed("12"), "12") << "read back as the text of a flag";
  EXPECT_EQ(trimmed("0"), "0");
  EXPECT_EQ(trimmed("0.5"), "0.5");
  EXPECT_EQ(trimmed("012"), "\"012\"");
  EXPECT_EQ(trimmed("1.2.3"), "\"1.2.3\"");
  EXPECT_EQ(trimmed(".5"), "\".5\"");
  EXPECT_EQ(trimmed("5."), "\"5.\"");
  EXPECT_EQ(trimmed("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(trimmed("a\x1f\x7fz"), "\"a\\u001f\\u007fz\"");
}

TEST_F(ConfigurationTest, AListInOneTextIsSplitAtItsCommas) {
  using Parts = std::vector<std::string>;
  const std::pair<const char*, Parts> lists[] = {{"", {}},
                                                 {"a", {"a"}},
                                                 {"a,b", {"a", "b"}},
                                                 {" a ,\tb\r\n", {"a", "b"}},
                                                 {",a,,b,", {"a", "b"}},
                                                 {" , ", {}},
                                                 {"a b,c", {"a b", "c"}}};
  for (const auto& [text, parts] : lists) EXPECT_EQ(split_at_commas(text), parts) << text;
}

struct Range {
  const char* setting;
  std::vector<std::string> taken;
  std::vector<std::string> refused;
};

// docs/commands/run.md.
TEST_F(ConfigurationTest, NumbersReachFromTheirLeastToTheirMost) {
  const Range ranges[] = {
      {"shards", {"auto", "1", "64"}, {"0", "65"}},
      {"amplification-max", {"0", "1000", "1000.0"}, {"1000.1", "1e3", "inf", "1x"}},
      {"disjoint-paths", {"1", "8"}, {"0", "9"}},
      {"ttl", {"1m", "3650d"}, {"59999ms", "3651d"}},
      {"commit-window", {"0", "1s"}, {"1001ms"}},
      {"records-max", {"1", "1G"}, {"0", "1000000001"}},
      {"memory-max", {"auto", "1MiB", "4TiB"}, {"1048575", "4398046511105"}},
      {"storage-max", {"1MiB", "1024TiB"}, {"auto", "1048575", "1125899906842625"}},
      {"contacts-max", {"160", "1048576"}, {"159", "1048577"}},
      {"drain-max", {"0", "10m"}, {"600001ms"}},
      {"drain-delay", {"0", "10m"}, {"600001ms"}},
      {"ready-contacts", {"0", "1048576"}, {"1048577"}}};
  for (const auto& [setting, taken, refused] : ranges) {
    for (const std::string& text : taken) {
      EXPECT_NO_THROW(build_configuration({flag(setting, {text})}, home_)) << setting << text;
    }
    for (const std::string& text : refused) {
      EXPECT_THROW(build_configuration({flag(setting, {text})}, home_), Failure)
          << setting << ' ' << text;
    }
  }
  EXPECT_EQ(build_configuration({flag("memory-max", {"auto"})}, home_).server.memory_max, 0u);
  EXPECT_EQ(build_configuration({flag("shards", {"auto"})}, home_).server.shards, 0u);
}

TEST_F(ConfigurationTest, AsManyAddressesAsANodeMayListenOnAreTaken) {
  std::vector<std::string> addresses;
  while (addresses.size() < listen_max) {
    addresses.push_back("127.0.0.1:" + std::to_string(1 + addresses.size()));
  }
  EXPECT_EQ(build_configuration({flag("listen", addresses)}, home_).server.listen.size(),
            listen_max);
  addresses.push_back("127.0.0.1:0");
  EXPECT_EQ(refusal([&] { build_configuration({flag("listen", addresses)}, home_); }),
            "--listen has " + std::to_string(listen_max + 1) + " addresses: name at most " +
                std::to_string(listen_max));
}

TEST_F(ConfigurationTest, AFileMayHoldEachTypeOfToml) {
  const auto given = read_config_file(
      file("shards = 2\namplification-max = 1.5\nallow-network-file-system = true\nttl = '1h'\n"
           "listen = ['127.0.0.1:1', '127.0.0.1:2']\nbootstrap = 'a:1'\n"));
  const ServerConfig server = build_configuration(given, home_).server;
  EXPECT_EQ(server.shards, 2u);
  EXPECT_EQ(server.amplification_max, 1.5);
  EXPECT_TRUE(server.allow_network_file_system);
  EXPECT_EQ(server.ttl, hours(1));
  EXPECT_EQ(server.listen.size(), 2u);
  EXPECT_EQ(server.bootstrap, std::vector<std::string>{"a:1"});
  EXPECT_FALSE(
      build_configuration(read_config_file(file("allow-network-file-system = false\n")), home_)
          .server.allow_network_file_system);
  const std::string key = "trusted-net = [['10.0.0.0/8']]\n";
  EXPECT_NE(refusal([&] { read_config_file(file(key)); })
                .find(":1: trusted-net has a value of a type that no setting has: write a string, "
                      "a number, true or false, or a list of these"),
            std::string::npos);
}

TEST_F(ConfigurationTest, AutomaticMemoryIsExplained) {
  Configuration automatic = build_configuration({}, home_);
  explain_memory(automatic, std::nullopt);
  const std::string unknown = origin(automatic, "memory-max");
  EXPECT_EQ(unknown.rfind("default; here ", 0), 0u) << unknown;
  EXPECT_EQ(unknown.find(" of "), std::string::npos) << unknown;
  automatic = build_configuration({}, home_);
  explain_memory(automatic, GroupLimitFound{uint64_t{16} << 30, "/the/file"});
  EXPECT_TRUE(origin(automatic, "memory-max").ends_with(" of 16384 MiB (/the/file)"))
      << origin(automatic, "memory-max");
  Configuration fixed = build_configuration({flag("memory-max", {"8MiB"})}, home_);
  explain_memory(fixed, GroupLimitFound{uint64_t{16} << 30, "/the/file"});
  EXPECT_EQ(origin(fixed, "memory-max"), "flag --memory-max");
  Configuration large = build_configuration({flag("memory-max", {"64GiB"})}, home_);
  explain_memory(large, GroupLimitFound{uint64_t{1} << 30, "/the/file"});
  EXPECT_EQ(origin(large, "memory-max").rfind("flag --memory-max; ", 0), 0u);
  for (size_t i = 0; i < settings().size(); ++i) {
    if (settings()[i].name == "memory-max" || settings()[i].name == "data-dir") continue;
    EXPECT_EQ(automatic.origins[i], "default") << "of memory alone";
  }
}

TEST_F(ConfigurationTest, AVariableIsNamedAfterItsSetting) {
  EXPECT_EQ(find_setting("data-dir")->environment_name(), "XORD_DATA_DIR");
  EXPECT_EQ(find_setting("ttl")->environment_name(), "XORD_TTL");
  EXPECT_EQ(find_setting("zebra"), nullptr);
  EXPECT_TRUE(read_environment({{"XORD_VIA", "a"}, {"HOME", "/"}, {"TTL", "1d"}}).empty());
  EXPECT_EQ(refusal([&] {
              read_environment({{"XORD_CONFG", "/x"}});
            }),
            "the environment variable XORD_CONFG is not a setting; perhaps you mean XORD_CONFIG: "
            "rename or unset it");
}

TEST_F(ConfigurationTest, EachSettingIsReloadableOrNeedsARestart) {
  const std::set<std::string> restart = {"listen",      "data-dir",   "allow-network-file-system",
                                         "shards",      "io",         "steering",
                                         "pin-threads", "admin",      "fleet-net",
                                         "durability",  "memory-max", "contacts-max",
                                         "color"};
  for (const ShownSetting& shown : shown_settings(build_configuration({}, home_))) {
    EXPECT_EQ(shown.is_reloadable, !restart.contains(shown.name)) << shown.name;
    const Choice* choice = find_choice(shown.name);
    ASSERT_NE(choice, nullptr) << shown.name;
    EXPECT_EQ(choice->takes == Takes::at_once, shown.is_reloadable) << shown.name;
    EXPECT_TRUE(choice->is_same(default_config(), default_config())) << shown.name;
  }
}

// What apply() writes is what the server compares and copies under the same name.
TEST_F(ConfigurationTest, ASettingAndItsChoiceAreTheSameMember) {
  for (const auto& [name, texts] : changed_settings) {
    const Setting* setting = find_setting(name);
    const Choice* choice = find_choice(name);
    ASSERT_TRUE(setting != nullptr && choice != nullptr) << name;
    ServerConfig changed = default_config();
    setting->apply(changed, texts);
    EXPECT_FALSE(choice->is_same(default_config(), changed)) << name;
    ServerConfig copied = default_config();
    choice->copy(changed, &copied);
    EXPECT_EQ(copied, changed) << name;
  }
}

TEST_F(ConfigurationTest, TheUsualFileIsReadIfItIsThereAndNoOtherIsNamed) {
  const Environment environment = {{"XDG_CONFIG_HOME", directory_.at("config")}};
  const std::string usual = default_config_path(environment, false);
  EXPECT_EQ(usual, directory_.at("config") + "/xord/xord.toml");
  EXPECT_EQ(default_config_path({{"HOME", "/h"}}, false), "/h/.config/xord/xord.toml");
  EXPECT_EQ(default_config_path(environment, true), "/etc/xord/xord.toml");
  EXPECT_TRUE(read_file_and_environment("", environment, false).empty());
  std::filesystem::create_directories(directory_.at("config") + "/xord");
  std::ofstream(usual) << "ttl = \"3d\"\n";
  const auto given = read_file_and_environment("", environment, false);
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].origin, "file " + usual + ":1");
  EXPECT_TRUE(read_file_and_environment(file(""), environment, false).empty());
}

}  // namespace
}  // namespace xord
