#include "tools/cli/suggest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reactor/base/rng.h"

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

// The definition, without a table.
size_t distance_by_definition(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const auto without = [](std::string_view text, size_t count) {
    return text.substr(0, text.size() - count);
  };
  const auto same = [](char x, char y) {
    return x == y || ((x == '_' || x == '-') && (y == '_' || y == '-'));
  };
  size_t least = std::min(
      {distance_by_definition(without(a, 1), b) + 1, distance_by_definition(a, without(b, 1)) + 1,
       distance_by_definition(without(a, 1), without(b, 1)) + (same(a.back(), b.back()) ? 0 : 1)});
  if (a.size() > 1 && b.size() > 1 && same(a.back(), b[b.size() - 2]) &&
      same(a[a.size() - 2], b.back())) {
    least = std::min(least, distance_by_definition(without(a, 2), without(b, 2)) + 1);
  }
  return least;
}

TEST(Suggest, TheDistanceIsThatOfItsDefinition) {
  Rng rng(7);
  const auto word = [&] {
    std::string text;
    for (uint64_t size = rng.bounded(6); text.size() < size;) text += "ab-_"[rng.bounded(4)];
    return text;
  };
  for (int i = 0; i < 500; ++i) {
    const std::string a = word();
    const std::string b = word();
    EXPECT_EQ(edit_distance(a, b), distance_by_definition(a, b)) << a << ' ' << b;
  }
}

TEST(Suggest, AThirdOfAWordMayDifferAndAlwaysOneCharacter) {
  const std::vector<std::string_view> words = {"io", "listen", "contactsmax"};
  EXPECT_EQ(nearest_word("ix", words), "io");
  EXPECT_FALSE(nearest_word("xy", words));
  EXPECT_EQ(nearest_word("lxxten", words), "listen") << "two of six";
  EXPECT_FALSE(nearest_word("xxxten", words)) << "three of six";
  EXPECT_EQ(nearest_word("xxxtactsmax", words), "contactsmax") << "three of eleven";
  EXPECT_FALSE(nearest_word("xxxxactsmax", words));
  EXPECT_FALSE(nearest_word("li", words)) << "too short for a beginning";
  EXPECT_EQ(nearest_word("con", words), "contactsmax");
  const std::vector<std::string_view> alike = {"abcd", "abce", "abcx"};
  EXPECT_EQ(nearest_word("abcf", alike), "abcd") << "of equals the first";
  const std::vector<std::string_view> near_and_far = {"lisxyz", "listen", "lisxyy"};
  EXPECT_EQ(nearest_word("lisxen", near_and_far), "listen") << "the nearest, wherever it stands";
  EXPECT_FALSE(nearest_word("abc", {}));
}

TEST(Suggest, ACommandOfAnotherProgramIsUnderstoodInAnySpelling) {
  EXPECT_EQ(command_meant_by_habit("Find_Node"), "find");
  EXPECT_EQ(command_meant_by_habit("STATUS"), "store stats");
  EXPECT_EQ(meant_by_habit("CONFIG-FILE", std::vector<std::string_view>{"config"}), "config");
}

}  // namespace
}  // namespace xord
