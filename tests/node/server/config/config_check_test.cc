#include "node/server/config/config_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace xord {
namespace {

ServerConfig good_config() {
  ServerConfig config;
  config.data_dir = "/somewhere";
  return config;
}

TEST(ConfigCheck, AcceptsTheDefaultsWithADirectory) {
  EXPECT_FALSE(check_config(good_config()));
}

TEST(ConfigCheck, AcceptsAnAdminPortOnThisHostOrOneThatIsGuarded) {
  ServerConfig config = good_config();
  config.admin = default_admin();
  config.admin.push_back({*Endpoint::parse("127.9.9.9:0"), "", false});
  config.admin.push_back({{}, "/run/xord/admin", false});
  EXPECT_FALSE(check_config(config));
  config.admin.push_back({*Endpoint::parse("0.0.0.0:8470"), "", false});
  EXPECT_TRUE(check_config(config));
  config.admin_is_open = true;
  EXPECT_FALSE(check_config(config));
  config.admin_is_open = false;
  config.admin_token_file = "/etc/xord/token";
  EXPECT_FALSE(check_config(config));
}

TEST(ConfigCheck, RefusesWhatCannotBeAndNamesIt) {
  struct Fault {
    std::function<void(ServerConfig&)> spoil;
    std::string named;
  };
  const std::vector<Fault> faults = {
      {[](ServerConfig& c) { c.data_dir.clear(); }, "data directory"},
      {[](ServerConfig& c) { c.listen.clear(); }, "no address"},
      {[](ServerConfig& c) { c.listen.resize(17); }, "16 addresses"},
      {[](ServerConfig& c) { c.listen.front().dialect = DialectName::mainline; }, "mainline"},
      {[](ServerConfig& c) { c.listen.front().endpoint = *Endpoint::parse("224.0.0.1:1"); },
       "224.0.0.1:1"},
      {[](ServerConfig& c) { c.shards = 65; }, "65 shards"},
      {[](ServerConfig& c) { c.ttl = seconds(59); }, "ttl of 59 s"},
      {[](ServerConfig& c) { c.ttl = hours(24 * 3651); }, "3650 days"},
      {[](ServerConfig& c) { c.amplification_max = -1; }, "amplification"},
      {[](ServerConfig& c) { c.amplification_max = 1.0 / 0.0; }, "amplification"},
      {[](ServerConfig& c) { c.commit_window = seconds(2); }, "commit window"},
      {[](ServerConfig& c) { c.drain_max = -seconds(1); }, "drain"},
      {[](ServerConfig& c) { c.drain_max = minutes(11); }, "drain"},
      {[](ServerConfig& c) { c.records_max = 0; }, "records"},
      {[](ServerConfig& c) { c.memory_max = 1; }, "memory"},
      {[](ServerConfig& c) { c.storage_max = 0; }, "storage"},
      {[](ServerConfig& c) { c.contacts_max = 159; }, "contacts"},
      {[](ServerConfig& c) { c.contacts_max = 1'048'577; }, "1048576"},
      {[](ServerConfig& c) { c.disjoint_paths = 0; }, "disjoint paths"},
      {[](ServerConfig& c) { c.disjoint_paths = 9; }, "disjoint paths"},
      {[](ServerConfig& c) { c.limits.excess_a_second = 1; }, "16 KiB"},
      {[](ServerConfig& c) { c.limits.reads_a_second = 0; }, "reads"},
      {[](ServerConfig& c) { c.limits.factors.resize(65); }, "64 networks"},
      {[](ServerConfig& c) {
         c.limits.factors = {{*Subnet::parse("10.0.0.0/8"), 0}};
       },
       "10.0.0.0/8"},
      {[](ServerConfig& c) { c.fleet_nets.resize(fleet_nets_max + 1); }, "at most 64"},
      {[](ServerConfig& c) { c.bootstrap = {"example.org"}; }, "\"example.org\""},
      {[](ServerConfig& c) { c.admin.resize(9); }, "8 admin addresses"},
      {[](ServerConfig& c) { c.admin_hosts.resize(17); }, "16 admin hosts"},
      {[](ServerConfig& c) {
         c.admin = {{*Endpoint::parse("224.0.0.1:1"), "", false}};
       },
       "224.0.0.1:1"},
      {[](ServerConfig& c) {
         c.admin = {{*Endpoint::parse("0.0.0.0:8470"), "", false}};
       },
       "admin-token-file"},
      {[](ServerConfig& c) {
         c.admin = {{*Endpoint::parse("[2001:db8::1]:1"), "", false}};
       },
       "admin-open"},
  };
  for (const Fault& fault : faults) {
    ServerConfig config = good_config();
    fault.spoil(config);
    const auto error = check_config(config);
    ASSERT_TRUE(error) << fault.named;
    EXPECT_EQ(error->kind, ServerErrorKind::config);
    EXPECT_NE(error->sentence.find(fault.named), std::string::npos) << error->sentence;
  }
}

struct Range {
  std::function<void(ServerConfig&)> least;
  std::function<void(ServerConfig&)> below;  // Null: there is nothing below.
  std::function<void(ServerConfig&)> most;
  std::function<void(ServerConfig&)> above;
  std::string named;
};

void check_ranges(const std::vector<Range>& ranges) {
  for (const Range& range : ranges) {
    for (const auto& within : {range.least, range.most}) {
      ServerConfig config = good_config();
      within(config);
      EXPECT_FALSE(check_config(config)) << range.named;
    }
    for (const auto& beyond : {range.below, range.above}) {
      if (!beyond) continue;
      ServerConfig config = good_config();
      beyond(config);
      const auto error = check_config(config);
      ASSERT_TRUE(error) << range.named;
      EXPECT_NE(error->sentence.find(range.named), std::string::npos) << error->sentence;
    }
  }
}

// What docs/commands/run.md says of each, to the last unit.
TEST(ConfigCheck, TakesTheLeastAndTheMostOfEachRangeAndNothingBeyond) {
  constexpr uint64_t mib = uint64_t{1} << 20;
  const std::vector<Range> ranges = {
      {[](ServerConfig& c) { c.shards = 0; }, nullptr, [](ServerConfig& c) { c.shards = 64; },
       [](ServerConfig& c) { c.shards = 65; }, "at most 64"},
      {[](ServerConfig& c) { c.ttl = minutes(1); },
       [](ServerConfig& c) { c.ttl = minutes(1) - nanoseconds(1); },
       [](ServerConfig& c) { c.ttl = hours(24 * 3650); },
       [](ServerConfig& c) { c.ttl = hours(24 * 3650) + nanoseconds(1); }, "1 minute to 3650 days"},
      {[](ServerConfig& c) { c.amplification_max = 0; },
       [](ServerConfig& c) { c.amplification_max = -0.001; },
       [](ServerConfig& c) { c.amplification_max = 1000; },
       [](ServerConfig& c) { c.amplification_max = 1000.001; }, "0 to 1000"},
      {[](ServerConfig& c) { c.disjoint_paths = 1; }, [](ServerConfig& c) { c.disjoint_paths = 0; },
       [](ServerConfig& c) { c.disjoint_paths = 8; }, [](ServerConfig& c) { c.disjoint_paths = 9; },
       "between 1 and 8"},
      {[](ServerConfig& c) { c.commit_window = {}; },
       [](ServerConfig& c) { c.commit_window = -nanoseconds(1); },
       [](ServerConfig& c) { c.commit_window = seconds(1); },
       [](ServerConfig& c) { c.commit_window = seconds(1) + nanoseconds(1); }, "between 0 and 1 s"},
      {[](ServerConfig& c) { c.drain_max = {}; },
       [](ServerConfig& c) { c.drain_max = -nanoseconds(1); },
       [](ServerConfig& c) { c.drain_max = minutes(10); },
       [](ServerConfig& c) { c.drain_max = minutes(10) + nanoseconds(1); }, "10 minutes"},
      {[](ServerConfig& c) { c.records_max = 1; }, [](ServerConfig& c) { c.records_max = 0; },
       [](ServerConfig& c) { c.records_max = 1'000'000'000; },
       [](ServerConfig& c) { c.records_max = 1'000'000'001; },
       "the maximum of records must be between 1 and 1000000000"},
      {[](ServerConfig& c) { c.memory_max = mib; }, [](ServerConfig& c) { c.memory_max = mib - 1; },
       [](ServerConfig& c) { c.memory_max = mib << 22; },
       [](ServerConfig& c) { c.memory_max = (mib << 22) + 1; },
       "memory for records, in bytes, must be between 1048576 and 4398046511104"},
      {[](ServerConfig& c) { c.storage_max = mib; },
       [](ServerConfig& c) { c.storage_max = mib - 1; },
       [](ServerConfig& c) { c.storage_max = mib << 30; },
       [](ServerConfig& c) { c.storage_max = (mib << 30) + 1; },
       "storage for values, in bytes, must be between 1048576 and 1125899906842624"},
      {[](ServerConfig& c) { c.contacts_max = 160; }, [](ServerConfig& c) { c.contacts_max = 159; },
       [](ServerConfig& c) { c.contacts_max = 1'048'576; },
       [](ServerConfig& c) { c.contacts_max = 1'048'577; },
       "the maximum of contacts must be between 160 and 1048576"},
      {[](ServerConfig& c) { c.listen.resize(1); }, [](ServerConfig& c) { c.listen.clear(); },
       [](ServerConfig& c) { c.listen.resize(16); }, [](ServerConfig& c) { c.listen.resize(17); },
       "listen on"},
  };
  check_ranges(ranges);
}

TEST(ConfigCheck, TakesTheRangesOfHealth) {
  check_ranges({
      {[](ServerConfig& c) { c.drain_delay = {}; },
       [](ServerConfig& c) { c.drain_delay = -nanoseconds(1); },
       [](ServerConfig& c) { c.drain_delay = minutes(10); },
       [](ServerConfig& c) { c.drain_delay = minutes(10) + nanoseconds(1); },
       "the delay before draining must be between 0 and 10 minutes"},
      {[](ServerConfig& c) { c.canary_interval = seconds(1); },
       [](ServerConfig& c) { c.canary_interval = seconds(1) - nanoseconds(1); },
       [](ServerConfig& c) { c.canary_interval = hours(1); },
       [](ServerConfig& c) { c.canary_interval = hours(1) + nanoseconds(1); },
       "the interval of the canary must be between 1 s and 1 hour"},
      {[](ServerConfig& c) { c.ready_contacts = 0; },
       {},
       [](ServerConfig& c) { c.ready_contacts = 1'048'576; },
       [](ServerConfig& c) { c.ready_contacts = 1'048'577; },
       "contacts of a ready node must be between 0 and 1048576"},
  });
}

TEST(ConfigCheck, TheMemoryThatNobodyNamedIsLeftToTheHost) {
  ServerConfig config = good_config();
  config.memory_max = 0;
  EXPECT_FALSE(check_config(config));
}

TEST(ServerConfig, HasTheDefaultsThatItsDocumentNames) {
  const ServerConfig config;
  ASSERT_EQ(config.listen.size(), 2u);
  EXPECT_EQ(config.listen[0].endpoint.text(), "0.0.0.0:8468");
  EXPECT_FALSE(config.listen[0].optional);
  EXPECT_EQ(config.listen[1].endpoint.text(), "[::]:8468");
  EXPECT_TRUE(config.listen[1].optional);
  EXPECT_TRUE(config.steering);
  EXPECT_FALSE(config.has_pinned_threads);
  EXPECT_TRUE(config.has_metrics_by_shard);
  EXPECT_EQ(config.log_level, LogLevel::info);
  EXPECT_EQ(config.amplification_max, 1.0);
  EXPECT_EQ(config.disjoint_paths, 1u);
  EXPECT_EQ(config.ttl, hours(24 * 7));
  EXPECT_EQ(config.commit_window, Duration{});
  EXPECT_EQ(config.durability, Durability::sync);
  EXPECT_EQ(config.records_max, 10'000'000u);
  EXPECT_EQ(config.storage_max, uint64_t{16} << 30);
  EXPECT_EQ(config.contacts_max, 65'536u);
  EXPECT_EQ(config.drain_max, seconds(5));
  EXPECT_EQ(config.drain_delay, Duration{});
  EXPECT_EQ(config.ready_contacts, 1u);
  EXPECT_EQ(config.canary, CanaryMode::lookup);
  EXPECT_EQ(config.canary_interval, minutes(1));
}

TEST(ConfigCheck, TakesTheRangesOfLimitsAndTheLengthsOfLists) {
  const auto factor = [](ServerConfig& c, uint32_t times) {
    c.limits.factors = {{*Subnet::parse("10.0.0.0/8"), times}};
  };
  check_ranges({
      {[](ServerConfig& c) { c.limits.excess_a_second = 16'384; },
       [](ServerConfig& c) { c.limits.excess_a_second = 16'383; },
       [](ServerConfig& c) { c.limits.excess_a_second = 16'777'216; },
       [](ServerConfig& c) { c.limits.excess_a_second = 16'777'217; },
       "16 KiB to 16 MiB a second of excess"},
      {[](ServerConfig& c) { c.limits.reads_a_second = 1; },
       [](ServerConfig& c) { c.limits.reads_a_second = 0; },
       [](ServerConfig& c) { c.limits.reads_a_second = 100'000; },
       [](ServerConfig& c) { c.limits.reads_a_second = 100'001; }, "1 to 100000 reads"},
      {[&](ServerConfig& c) { factor(c, 1); }, [&](ServerConfig& c) { factor(c, 0); },
       [&](ServerConfig& c) { factor(c, 65'536); }, [&](ServerConfig& c) { factor(c, 65'537); },
       "the factor of 10.0.0.0/8 must be between 1 and 65536"},
      {[](ServerConfig& c) { c.limits.factors.clear(); },
       {},
       [](ServerConfig& c) { c.limits.factors.resize(64); },
       [](ServerConfig& c) { c.limits.factors.resize(65); },
       "more than 64 networks with a factor: give fewer"},
      {[](ServerConfig& c) { c.fleet_nets.clear(); },
       {},
       [](ServerConfig& c) { c.fleet_nets.resize(64); },
       [](ServerConfig& c) { c.fleet_nets.resize(65); },
       "65 networks of the fleet are too many: at most 64"},
      {[](ServerConfig& c) { c.admin.clear(); },
       {},
       [](ServerConfig& c) { c.admin.resize(8, default_admin()[0]); },
       [](ServerConfig& c) { c.admin.resize(9, default_admin()[0]); },
       "more than 8 admin addresses: give fewer"},
      {[](ServerConfig& c) { c.admin_hosts.clear(); },
       {},
       [](ServerConfig& c) { c.admin_hosts.resize(16); },
       [](ServerConfig& c) { c.admin_hosts.resize(17); },
       "more than 16 admin hosts: give fewer"},
  });
}

TEST(ConfigCheck, LooksAtEachAddressAndEachNameOfAList) {
  const std::vector<std::pair<std::function<void(ServerConfig&)>, std::string>> last = {
      {[](ServerConfig& c) {
         c.listen.push_back({DialectName::rpcudp, *Endpoint::parse("224.0.0.1:1")});
       },
       "cannot listen on 224.0.0.1:1: it is a multicast address; use an address of this host"},
      {[](ServerConfig& c) {
         c.listen.push_back({DialectName::mainline, *Endpoint::parse("192.0.2.1:1")});
       },
       "cannot listen on mainline://192.0.2.1:1: this version speaks rpcudp only; use "
       "rpcudp://ADDRESS:PORT"},
      {[](ServerConfig& c) {
         c.bootstrap = {"example.org:1", "[::1]"};
       },
       "cannot bootstrap from \"[::1]\": write HOST:PORT, an IPv6 address as [ADDRESS]:PORT"},
      {[](ServerConfig& c) {
         c.admin = {{{}, "/run/admin", false}, {*Endpoint::parse("192.0.2.1:1"), "", false}};
       },
       "the admin address 192.0.2.1:1 can be reached from other hosts: name an admin-token-file "
       "for "
       "them, or set admin-open to show them health and metrics alone"},
  };
  for (const auto& [spoil, sentence] : last) {
    ServerConfig config = good_config();
    spoil(config);
    const auto error = check_config(config);
    ASSERT_TRUE(error) << sentence;
    EXPECT_EQ(error->sentence, sentence);
  }
}

}  // namespace
}  // namespace xord
