// Several Servers on loopback, as one network: with both I/O backends, and one, two and three
// shards each.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/node/server/server_fixture.h"
#include "tests/skip_if_refused.h"

namespace xord {
namespace {

struct Shape {
  IoChoice io;
  uint32_t shards;
};

// In place of its bytes, padding included, in the names that ctest lists.
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.shards << " shards";
}

class ServerNetwork : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override { skip_if_refused(GetParam().io); }
  // Starts server `index` in its own directory; it knows no other node.
  Server& start(size_t index) {
    if (servers_.size() <= index) servers_.resize(index + 1);
    servers_[index] = std::make_unique<Server>();
    const ServerConfig config =
        loopback_config(directory_.at(std::to_string(index)), GetParam().shards, GetParam().io);
    const auto error = servers_[index]->start(config);
    EXPECT_FALSE(error) << error->sentence;
    return *servers_[index];
  }
  // Starts `count` servers; all but the first join through it.
  void start_network(size_t count) {
    for (size_t index = 0; index < count; ++index) {
      start(index);
      if (index == 0) continue;
      const BootstrapResult joined = server(index).bootstrap({address_of(server(0))}).get();
      ASSERT_EQ(joined.status, ServerStatus::done) << describe(joined.status);
    }
    ASSERT_TRUE(eventually([&] {
      for (size_t index = 0; index < count; ++index) {
        if (!is_ready(server(index)) || server(index).stats().contacts < count - 1) return false;
      }
      return true;
    })) << "every server should have heard of every other";
  }
  Server& server(size_t index) { return *servers_[index]; }

  TemporaryDirectory directory_;
  std::vector<std::unique_ptr<Server>> servers_;
};

TEST_P(ServerNetwork, GetsOnOneServerWhatAnotherOneSet) {
  start_network(2);
  const std::vector<Value> values = {true,
                                     int64_t{-5},
                                     uint64_t{18'446'744'073'709'551'615u},
                                     3.5,
                                     std::string("awesome"),
                                     std::string(4'096, 'x'),
                                     std::string(),
                                     std::vector<uint8_t>{},
                                     std::vector<uint8_t>(8'137, 0xab)};
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string key = "key " + std::to_string(i);
    const SetResult set = server(0).set(key, values[i]).get();
    ASSERT_EQ(set.status, ServerStatus::done) << key << ": " << describe(set.status);
    EXPECT_EQ(set.stored, 2u);
    for (size_t reader = 0; reader < 2; ++reader) {
      const GetResult got = server(reader).get(key).get();
      ASSERT_EQ(got.status, ServerStatus::done) << key << ": " << describe(got.status);
      EXPECT_EQ(got.value, values[i]) << key;
    }
  }
  EXPECT_EQ(server(1).get("a key of nobody").get().status, ServerStatus::not_found);
}

TEST_P(ServerNetwork, ReplacesAValueByTheNextOneOfItsKey) {
  start_network(2);
  ASSERT_EQ(server(0).set("key", std::string("old")).get().status, ServerStatus::done);
  ASSERT_EQ(server(1).set("key", std::string("new")).get().status, ServerStatus::done);
  for (size_t reader = 0; reader < 2; ++reader) {
    EXPECT_EQ(server(reader).get("key").get().value, Value(std::string("new")));
  }
}

TEST_P(ServerNetwork, FindsAndStoresOnEveryServerOfASmallNetwork) {
  constexpr size_t count = 5;
  start_network(count);
  for (size_t writer = 0; writer < count; ++writer) {
    for (int i = 0; i < 4; ++i) {
      const std::string key = std::to_string(writer) + "/" + std::to_string(i);
      const SetResult set = server(writer).set(key, key).get();
      ASSERT_EQ(set.status, ServerStatus::done);
      EXPECT_EQ(set.stored, count) << "k is 20: everybody is among the nearest";
    }
  }
  for (size_t reader = 0; reader < count; ++reader) {
    for (size_t writer = 0; writer < count; ++writer) {
      const std::string key = std::to_string(writer) + "/" + std::to_string(reader % 4);
      EXPECT_EQ(server(reader).get(key).get().value, Value(key));
    }
    const FindResult found = server(reader).find(key_digest("target")).get();
    ASSERT_EQ(found.status, ServerStatus::done);
    EXPECT_EQ(found.contacts.size(), count - 1);
    for (size_t i = 1; i < found.contacts.size(); ++i) {
      EXPECT_TRUE(nearer(key_digest("target"), found.contacts[i - 1].id, found.contacts[i].id));
    }
  }
  EXPECT_EQ(server(0).stats().records, 4 * count);
}

TEST_P(ServerNetwork, ServesItsRecordsAndKnowsItsContactsAfterARestartWithoutBootstrap) {
  start_network(3);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(server(0).set("key " + std::to_string(i), int64_t{i}).get().stored, 3u);
  }
  const Id id = server(2).id();
  // Server 2 stops and restarts; then 0 stops, so that only 1 and 2 can answer.
  server(2).stop();
  start(2);
  EXPECT_EQ(server(2).id(), id);
  ASSERT_TRUE(eventually([&] { return is_ready(server(2)) && server(2).stats().contacts >= 2; }));
  EXPECT_EQ(server(2).stats().records, 10u);
  server(0).stop();
  for (int i = 0; i < 10; ++i) {
    const GetResult got = server(2).get("key " + std::to_string(i)).get();
    ASSERT_EQ(got.status, ServerStatus::done) << i;
    EXPECT_EQ(got.value, Value(int64_t{i}));
  }
}

TEST_P(ServerNetwork, CompletesManyCallsAtOnceEachExactlyOnce) {
  start_network(3);
  constexpr uint32_t calls = 1'000;
  std::atomic<uint32_t> finished{0};
  std::atomic<uint32_t> done{0};
  std::atomic<uint32_t> refused{0};
  for (uint32_t i = 0; i < calls; ++i) {
    const auto count = [&](const SetResult& result) {
      if (result.status == ServerStatus::done) ++done;
      if (result.status == ServerStatus::refused) ++refused;
      ++finished;
    };
    server(i % 3).set(key_digest("many " + std::to_string(i)), int64_t{i}, count);
  }
  ASSERT_TRUE(eventually([&] { return finished == calls; }));
  EXPECT_EQ(done + refused, calls);
  EXPECT_GE(done.load(), Server::operations_max) << "what was admitted must have been done";
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(server(i).stats().operations, 0u);
}

std::string shape_name(const testing::TestParamInfo<Shape>& info) {
  return std::string(info.param.io == IoChoice::epoll ? "epoll" : "uring") +
         std::to_string(info.param.shards);
}
INSTANTIATE_TEST_SUITE_P(Shapes, ServerNetwork,
                         testing::Values(Shape{IoChoice::epoll, 1}, Shape{IoChoice::epoll, 2},
                                         Shape{IoChoice::epoll, 3}, Shape{IoChoice::uring, 1},
                                         Shape{IoChoice::uring, 2}, Shape{IoChoice::uring, 3}),
                         shape_name);

}  // namespace
}  // namespace xord
