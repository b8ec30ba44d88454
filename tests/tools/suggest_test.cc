#include "tools/suggest.h"

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

}  // namespace
}  // namespace xord
