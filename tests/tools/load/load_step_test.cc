// What a load run asks, in which order and from whom.
#include "tools/load/load_step.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

namespace xord {
namespace {

class QuestionsTest : public testing::Test {
 protected:
  QuestionsTest() {
    plan_.target = *Endpoint::parse("127.0.0.1:1");
    plan_.sources = 3;
    plan_.seed = 5;
    plan_.keys = 8;
  }
  std::vector<Question> drawn(size_t count, uint32_t burst = 1) {
    LoadSources sources(plan_.target, plan_.sources);
    QuestionStream stream(plan_, sources);
    stream.set_burst(burst);
    std::vector<Question> questions;
    for (size_t i = 0; i < count; ++i) questions.push_back(stream.next(Instant{}));
    return questions;
  }
  LoadPlan plan_;
};

TEST_F(QuestionsTest, AreMixedByTheirShares) {
  plan_.mix = {1, 2, 3, 4, 10};
  std::array<int, request_kinds> seen{};
  constexpr int all = 20'000;
  for (const Question& each : drawn(all)) ++seen[static_cast<size_t>(each.kind)];
  for (size_t kind = 0; kind < request_kinds; ++kind) {
    EXPECT_NEAR(seen[kind], plan_.mix[kind] * all / 20.0, all * 0.015) << kind;
  }
  plan_.mix = {0, 0, 1, 0, 0};
  for (const Question& each : drawn(100)) EXPECT_EQ(each.kind, RequestKind::find_value_miss);
}

TEST_F(QuestionsTest, AreAboutKeysOfTheirKind) {
  const std::pair<RequestKind, IdDomain> domains[] = {
      {RequestKind::find_node, IdDomain::targets},
      {RequestKind::find_value_hit, IdDomain::hits},
      {RequestKind::find_value_miss, IdDomain::misses},
      {RequestKind::store, IdDomain::stores}};
  for (const Spread spread : {Spread::uniform, Spread::zipf}) {
    plan_.key_spread = spread;
    for (const auto& [kind, domain] : domains) {
      plan_.mix = {};
      plan_.mix[static_cast<size_t>(kind)] = 1;
      std::set<uint64_t> numbers;
      for (const Question& each : drawn(200)) {
        EXPECT_EQ(each.domain, domain);
        numbers.insert(each.number);
      }
      const bool from_the_pool = kind == RequestKind::find_value_hit ||
                                 (spread == Spread::zipf && kind != RequestKind::store);
      EXPECT_EQ(numbers.size(), from_the_pool ? 8u : 200u) << static_cast<int>(kind);
      EXPECT_TRUE(!from_the_pool || *numbers.rbegin() == 7u);
    }
  }
}

TEST_F(QuestionsTest, ComeFromEachSourceInTurnInBurstsOfOneSource) {
  const auto sources_of = [&](size_t count, uint32_t burst) {
    std::vector<uint32_t> sources;
    for (const Question& each : drawn(count, burst)) sources.push_back(each.source);
    return sources;
  };
  EXPECT_EQ(sources_of(7, 1), (std::vector<uint32_t>{0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(sources_of(7, 2), (std::vector<uint32_t>{0, 0, 1, 1, 2, 2, 0}));
}

TEST_F(QuestionsTest, ChangeAnIdOnceInItsTimeEachSourceInTurn) {
  plan_.id_change_every = seconds(10);
  LoadSources sources(plan_.target, 4);  // One of them is a contact, and keeps its id.
  QuestionStream stream(plan_, sources);
  const auto changed_at = [&](int64_t second) {
    std::vector<uint64_t> before;
    for (uint32_t i = 0; i < 4; ++i) before.push_back(sources.id_number(i));
    stream.next(Instant{} + seconds(second));
    std::vector<uint32_t> changed;
    for (uint32_t i = 0; i < 4; ++i) {
      if (sources.id_number(i) != before[i]) changed.push_back(i);
    }
    return changed;
  };
  using Sources = std::vector<uint32_t>;
  EXPECT_EQ(changed_at(5), Sources{0});
  EXPECT_EQ(changed_at(14), Sources{});
  EXPECT_EQ(changed_at(15), Sources{1});
  EXPECT_EQ(changed_at(100), Sources{2}) << "one, however late";
  EXPECT_EQ(changed_at(109), Sources{});
  EXPECT_EQ(changed_at(110), Sources{0});
}

}  // namespace
}  // namespace xord
