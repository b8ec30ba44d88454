#include "node/server/config_check.h"

#include <gtest/gtest.h>

#include <functional>

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

}  // namespace
}  // namespace xord
