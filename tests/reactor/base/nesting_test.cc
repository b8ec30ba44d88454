#include "reactor/base/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace xord {
namespace {

std::optional<size_t> json(std::string_view text) {
  return line_nested_deeper_than(3, NestedText::json, text);
}
std::optional<size_t> toml(std::string_view text) {
  return line_nested_deeper_than(3, NestedText::toml, text);
}

TEST(Nesting, AsManyLevelsAsAreAllowedPass) {
  EXPECT_FALSE(json("[[[1]], {\"a\": {\"b\": 2}}]"));
  EXPECT_FALSE(toml("a.b.c.d = [[[1]]]\n[[e.f]]\n"));
  EXPECT_FALSE(json(""));
}

TEST(Nesting, OneMoreIsToldWithItsLine) {
  EXPECT_EQ(json("\n[[[\n[1]]]]"), 3u);
  EXPECT_EQ(json("{\"a\":{\"b\":{\"c\":{}}}}"), 1u);
  EXPECT_EQ(toml("x = 1\ny = [[[[1]]]]\n"), 2u);
  EXPECT_EQ(toml("x = 1\n\na.b.c.d.e = 1\n"), 3u);
  EXPECT_EQ(toml("x = {a={b={c={}}}}"), 1u);
  EXPECT_EQ(toml("[a.b.c.d.e]"), 1u);
  EXPECT_EQ(toml("a . 'b' . \"c\" . d . e = 1"), 1u);
}

TEST(Nesting, ManyKeysBesideEachOtherAreNotDeep) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "a.b = [[1], [2]]\n";
  EXPECT_FALSE(toml(text));
  EXPECT_FALSE(json("[[1],[2],[3],[4],[5],{},{},{}]"));
}

TEST(Nesting, StringsAndCommentsHideNoLevelAndMakeNone) {
  EXPECT_FALSE(json(R"(["[[[[[[", "\"[[[[["])"));
  EXPECT_FALSE(toml("a = '[[[[['  # [[[[[[\nb = \"\"\"\n[[[[[\n\"\"\"\nc = '''[[[[\n[['''\n"));
  EXPECT_EQ(toml("a = '''\n\n'''\nb = [[[[1]]]]"), 4u);
  EXPECT_EQ(json(R"(["a", [[["b"]]]])"), 1u);
  // An apostrophe is a quote in TOML only, and an unclosed string ends with its line.
  EXPECT_EQ(json("'[[[[1]]]]"), 1u);
  EXPECT_EQ(toml("a = 'open\nb = [[[[1]]]]"), 2u);
}

TEST(Nesting, WhatFollowsAStringOrACommentCounts) {
  EXPECT_EQ(toml("# one\na = [[[[1]]]]"), 2u);
  EXPECT_EQ(toml("a = 1  # one\n# two\nb = [[[[1]]]]"), 3u);
  EXPECT_FALSE(toml("a = 1  # [[[["));
  EXPECT_EQ(toml("'a'.\"b\".'c'.d.e = 1"), 1u);
  EXPECT_EQ(json("[\"\"[[[1]]]]"), 1u) << "not JSON, and for the parser to say so";
  EXPECT_EQ(toml("a = ['\\', [[[1]]]]"), 1u) << "'...' has no escapes";
  EXPECT_FALSE(toml("a = [\"\\\", [[[1]]]]")) << "but these have: it is all one string";
}

TEST(Nesting, DotsAreCountedForEachKeyAlone) {
  EXPECT_FALSE(toml("a.b.c.d = 1\na.b.c.d = 1.5\na.b.c.d = 1\n"));
  EXPECT_FALSE(toml("a = 1.5\nb.c.d.e = 1\n"));
  EXPECT_FALSE(toml("a = [1.5, 2.5, 3.5, 4.5, 5.5]"));
  EXPECT_FALSE(toml("a = {b.c.d.e = 1.5, f.g.h.i = 2}"));
  EXPECT_EQ(toml("a = {b.c.d.e = 1.5, f.g.h.i.j = 2}"), 1u);
  EXPECT_FALSE(json("[1.5.5.5.5.5]")) << "JSON has no such keys";
}

TEST(Nesting, EachLevelIsLeftWhereItCloses) {
  EXPECT_FALSE(toml("a = [1]\nb = [[[1]]]\nc = {d = [[1]]}\n"));
  EXPECT_EQ(toml("a = [1]\nb = [[[1]]]\nc = {d = [[[1]]]}\n"), 3u);
  EXPECT_FALSE(json("[[[1], [2]], [[3]], {\"a\": {}}]"));
  EXPECT_EQ(json("[[[1], [2]], [[3]], {\"a\": {\"b\": []}}]"), 1u);
}

TEST(Nesting, AHundredThousandLevelsCostNoStack) {
  EXPECT_EQ(json(std::string(100'000, '[')), 1u);
  std::string key = "a";
  for (int i = 0; i < 100'000; ++i) key += ".a";
  EXPECT_EQ(toml(key + " = 1"), 1u);
}

TEST(Nesting, BracketsThatCloseNothingAreLeftToTheParser) {
  EXPECT_FALSE(json("]]]]}}}}[[[1]]]"));
  EXPECT_FALSE(json("\"\\"));
}

}  // namespace
}  // namespace xord
