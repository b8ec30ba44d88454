// What tells a limit from a small table, a pause, losses and chance.
#include "tools/load/limit_signs.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

KindResult& of(StepResult& step, RequestKind kind) {
  return step.kinds[static_cast<size_t>(kind)];
}
void set(StepResult& step, RequestKind kind, Verdict verdict, uint64_t count) {
  KindResult& result = of(step, kind);
  result.verdicts[static_cast<size_t>(verdict)] = count;
  result.sent = result.lost;
  for (const uint64_t each : result.verdicts) result.sent += each;
}

StepResult cut_step() {
  StepResult step;
  set(step, RequestKind::find_node, Verdict::right, 100);
  set(step, RequestKind::find_node, Verdict::cut, 7);
  set(step, RequestKind::find_value_miss, Verdict::cut, 3);
  set(step, RequestKind::find_value_miss, Verdict::too_few_contacts, 10);
  step.uncut_again = 2;
  return step;
}

TEST(LimitSigns, AnswersThatAreCutAndFullInTurnAreASign) {
  const LimitSigns signs = limit_signs_of(cut_step());
  EXPECT_TRUE(signs.any());
  EXPECT_EQ(signs.cut, 10u);
  EXPECT_EQ(signs.answers, 120u);
  EXPECT_EQ(signs.silent, 0u);
}

TEST(LimitSigns, FewAnswersThatAreCutAreChance) {
  StepResult step = cut_step();
  set(step, RequestKind::find_node, Verdict::cut, 6);
  set(step, RequestKind::find_value_miss, Verdict::too_few_contacts, 0);
  EXPECT_FALSE(limit_signs_of(step).any());
}

TEST(LimitSigns, WhereMoreAnswersAreShortThanCutTheTableIsSmall) {
  StepResult step = cut_step();
  set(step, RequestKind::find_node, Verdict::too_few_contacts, 1);
  EXPECT_FALSE(limit_signs_of(step).any());
}

TEST(LimitSigns, ATableThatHasShrunkIsNoSign) {
  StepResult step = cut_step();
  step.uncut_again = 1;
  EXPECT_FALSE(limit_signs_of(step).any());
}

StepResult silent_step() {
  StepResult step;
  of(step, RequestKind::find_value_hit).lost = 25;
  set(step, RequestKind::find_value_hit, Verdict::right, 1);
  step.beside = {40, 1, 80, 20};  // Of the pings ten should be lost.
  return step;
}

TEST(LimitSigns, ValuesWithoutAnAnswerWhilePingsHaveOneAreASign) {
  const LimitSigns signs = limit_signs_of(silent_step());
  EXPECT_TRUE(signs.any());
  EXPECT_EQ(signs.silent, 25u);
  EXPECT_EQ(signs.values, 26u);
  EXPECT_EQ(signs.cut, 0u);
}

TEST(LimitSigns, WhereValuesWereNeverAnsweredTheyAreNoSign) {
  StepResult step = silent_step();
  set(step, RequestKind::find_value_hit, Verdict::right, 0);
  EXPECT_FALSE(limit_signs_of(step).any());
}

TEST(LimitSigns, WherePingsAreLostTooOrAreTooFewNothingIsKnown) {
  for (const BesideControls& beside :
       {BesideControls{40, 2, 80, 20}, BesideControls{39, 0, 80, 20}, BesideControls{40, 0, 36, 9},
        BesideControls{400, 100, 80, 20}, BesideControls{}}) {
    StepResult step = silent_step();
    step.beside = beside;
    EXPECT_FALSE(limit_signs_of(step).any()) << beside.sent << ' ' << beside.values_sent;
  }
}

TEST(LimitSigns, OfSeveralStepsEachIsJudgedForItself) {
  StepResult chance = cut_step();
  chance.uncut_again = 0;
  const std::vector<StepResult> steps = {cut_step(), chance, silent_step()};
  const LimitSigns signs = limit_signs_of(steps);
  EXPECT_EQ(signs.cut, 10u);
  EXPECT_EQ(signs.answers, 240u);
  EXPECT_EQ(signs.silent, 25u);
  EXPECT_EQ(signs.values, 26u);
  EXPECT_FALSE(limit_signs_of(std::vector<StepResult>{}).any());
}

}  // namespace
}  // namespace xord
