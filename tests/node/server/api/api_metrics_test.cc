// What /metrics shows beside the counters: which program and node it is, and its limits.
#include <gtest/gtest.h>

#include <string>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class ApiMetricsTest : public testing::Test {
 protected:
  ServerConfig config() const { return loopback_config(directory_.at("data")); }
  // The answer of a node with that configuration, whose id is `id_`.
  std::string metrics_of(const ServerConfig& with) {
    Admin admin(with, node_doors());
    const auto error = admin.start();
    EXPECT_FALSE(error) << error->sentence;
    id_ = admin.id().hex();
    const HttpReceived received = HttpClient(directory_.at("data") + "/control").get("/metrics");
    EXPECT_EQ(received.status, 200);
    EXPECT_EQ(received.fields.at("Cache-Control"), "no-store");
    EXPECT_EQ(received.fields.at("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    return received.body;
  }
  static bool has_line(const std::string& metrics, const std::string& begin) {
    return metrics.find("\n" + begin) != std::string::npos;
  }
  // The value of a metric without labels.
  static double value_of(const std::string& metrics, const std::string& name) {
    const size_t at = metrics.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? -1 : std::stod(metrics.substr(at + name.size() + 2));
  }

  TemporaryDirectory directory_;
  std::string id_;
};

TEST_F(ApiMetricsTest, TheVersionIsShownApartFromItsCommit) {
  ServerConfig with = config();
  const auto shows = [&](const std::string& version, const std::string& labels) {
    with.version = version;
    const std::string metrics = metrics_of(with);
    EXPECT_TRUE(has_line(metrics, "xord_build_info{" + labels + ",compiler=")) << version;
  };
  shows("0.1.0 (commit 0123abc)", "version=\"0.1.0\",commit=\"0123abc\"");
  shows("my program (7)", "version=\"my program (7)\",commit=\"\"");
  shows("1 (commit 2", "version=\"1 (commit 2\",commit=\"\"");
}

TEST_F(ApiMetricsTest, TheNodeIsNamedWithItsNetworkAndItsChoices) {
  ServerConfig with = config();
  const auto names = [&](const std::string& durability) {
    const std::string metrics = metrics_of(with);
    return has_line(metrics, "xord_node_info{network=\"rpcudp\",id=\"" + id_ +
                                 "\",io=\"epoll\",durability=\"" + durability + "\"} 1\n");
  };
  EXPECT_TRUE(names("sync"));
  with.durability = Durability::os;
  EXPECT_TRUE(names("os"));
}

TEST_F(ApiMetricsTest, LimitsAreThoseOfTheConfiguration) {
  ServerConfig with = config();
  with.storage_max = 1 << 28;
  const std::string metrics = metrics_of(with);
  EXPECT_EQ(value_of(metrics, "xord_contacts_limit"), 1'000);
  EXPECT_EQ(value_of(metrics, "xord_records_limit"), 10'000);
  EXPECT_EQ(value_of(metrics, "xord_storage_limit_bytes"), 1 << 28);
  EXPECT_EQ(value_of(metrics, "xord_memory_limit_bytes"), 1 << 20);
  EXPECT_GT(value_of(metrics, "xord_disk_size_bytes"), 0);
  EXPECT_GT(value_of(metrics, "process_open_fds"), 0);
  EXPECT_TRUE(has_line(metrics, "xord_log_lines_dropped_total{reason=\"limited\"} 0\n"));
}

}  // namespace
}  // namespace xord
