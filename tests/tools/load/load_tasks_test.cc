// The questions of a warm-up: how often each is repeated, and when all of them are given up.
#include "tools/load/load_tasks.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/tools/load/scripted_node.h"

namespace xord {
namespace {

class LoadTasksTest : public testing::Test {
 protected:
  // Asks for the stores of keys 0 to count-1, all of one source.
  TasksDone run(const ScriptedNode& node, uint64_t count, uint32_t window) {
    LoadSources sources(node.endpoint(), 1);
    ExchangeConfig config;
    config.target = node.endpoint();
    config.timeout = hours(1);
    std::unique_ptr<LoadExchange> exchange;
    EXPECT_FALSE(LoadExchange::create(config, sources, &exchange));
    ReplyCheck check(CheckDepth::content);
    LoadTasks tasks(*exchange, window, Waiting::sleep);
    exchange->use(keys_, check, tasks);
    const TasksDone done = tasks.run(
        count,
        [](uint64_t number) {
          return Question{RequestKind::store, 0, number, IdDomain::hits, {}};
        },
        [this](uint64_t right) { progress_.push_back(right); });
    EXPECT_EQ(exchange->open_count(), 0u);
    return done;
  }
  std::map<Id, int> times_asked(const ScriptedNode& node) const {
    std::map<Id, int> times;
    for (const auto& each : node.asked()) ++times[each.target];
    return times;
  }

  const KeySpace keys_{7, {}, {}, 0};
  std::vector<uint64_t> progress_;
};

TEST_F(LoadTasksTest, EachIsAskedOnceIfItIsAnsweredRight) {
  const ScriptedNode node;
  const TasksDone done = run(node, 100, 7);
  EXPECT_EQ(done.right, 100u);
  EXPECT_EQ(done.failed, 0u);
  EXPECT_EQ(node.asked().size(), 100u);
  EXPECT_EQ(times_asked(node).size(), 100u);
  ASSERT_FALSE(progress_.empty());
  EXPECT_TRUE(std::is_sorted(progress_.begin(), progress_.end()));
  EXPECT_EQ(progress_.back(), 100u);
  EXPECT_EQ(run(node, 0, 7).right, 0u);
  EXPECT_EQ(node.asked().size(), 100u);
}

// The first answer about key 1 comes only when key 0 has been asked for three times.
TEST_F(LoadTasksTest, TheAttemptsOfOneAreNotThoseOfAnother) {
  const Id first = keys_.id(IdDomain::hits, 0);
  int times = 0;
  std::optional<Packed> held;
  const ScriptedNode node([&](const Request& request, const Packed&) {
    const Packed refusal = stored(request, false);
    if (request.target != first && !held) {
      held = refusal;
      return Datagrams{};
    }
    if (request.target == first && ++times == 3) return Datagrams{*held, refusal};
    return Datagrams{refusal};
  });
  const TasksDone done = run(node, 2, 2);
  EXPECT_EQ(done.right, 0u);
  EXPECT_EQ(done.failed, 2u);
  for (const auto& [key, asked] : times_asked(node)) EXPECT_EQ(asked, 5) << key.hex();
}

TEST_F(LoadTasksTest, TheyAreGivenUpWhereTheFirstTwoThousandFailAndNoneIsRight) {
  const ScriptedNode refusing(
      [](const Request& request, const Packed&) { return Datagrams{stored(request, false)}; });
  constexpr uint64_t given_up_after = 2'048;
  constexpr uint32_t window = 16;
  const TasksDone done = run(refusing, 2'200, window);
  EXPECT_EQ(done.right, 0u);
  EXPECT_GE(done.failed, given_up_after);
  EXPECT_LT(done.failed, given_up_after + 4 * window);
  const Id one = keys_.id(IdDomain::hits, 5);
  const ScriptedNode taking_one([&](const Request& request, const Packed&) {
    return Datagrams{stored(request, request.target == one)};
  });
  EXPECT_EQ(run(taking_one, 2'200, window).failed, 2'199u) << "one is right";
}

}  // namespace
}  // namespace xord
