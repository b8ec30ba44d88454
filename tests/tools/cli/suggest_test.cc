#include "tools/cli/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

TEST(Suggest, TheDistanceCountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("listen", "listen"), 0u);
  EXPECT_EQ(edit_distance("lisen", "listen"), 1u);
  EXPECT_EQ(edit_distance("lsiten", "listen"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, AnUnderscoreIsAsGoodAsADash) {
  EXPECT_EQ(edit_distance("data_dir", "data-dir"), 0u);
}

TEST(Suggest, TheNearestWordIsFoundAndAStrangeOneIsNot) {
  const std::vector<std::string_view> words = {"listen", "log-level", "log-format", "io"};
  EXPECT_EQ(nearest_word("lisstn", words), "listen");
  EXPECT_EQ(nearest_word("loglevel", words), "log-level");
  EXPECT_EQ(nearest_word("oi", words), "io");
  EXPECT_EQ(nearest_word("lis", words), "listen");
  EXPECT_FALSE(nearest_word("zebra", words));
  EXPECT_EQ(suggestion("lisen", words, "--"), "; perhaps you mean --listen");
  EXPECT_EQ(suggestion("zebra", words, "--"), "");
}

TEST(Suggest, AWordOfAnotherProgramIsUnderstoodWhereOursIsThere) {
  const std::vector<std::string_view> run = {"listen", "bootstrap", "data-dir"};
  const std::vector<std::string_view> get = {"via", "timeout"};
  EXPECT_EQ(meant_by_habit("port", run), "listen");
  EXPECT_EQ(meant_by_habit("port", get), "via");
  EXPECT_EQ(meant_by_habit("Seed_Node", run), "bootstrap");
  EXPECT_EQ(meant_by_habit("datadir", run), "data-dir");
  EXPECT_EQ(meant_by_habit("datadir", get), std::nullopt);
  EXPECT_EQ(meant_by_habit("zebra", run), std::nullopt);
  EXPECT_EQ(command_meant_by_habit("start"), "run");
  EXPECT_EQ(command_meant_by_habit("zebra"), std::nullopt);
}

}  // namespace
}  // namespace xord
