// Where a line chart draws what: a panel is 460 wide and 300 high, and its axes span 380 by 220
// from (62, 254), which is the origin, below the heading.
#include "tools/sim/plot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

namespace xord::sim {
namespace {

using Texts = std::vector<std::string>;

Texts all_of(const std::string& svg, const std::string& pattern) {
  const std::regex regex(pattern);
  Texts found;
  for (std::sregex_iterator at(svg.begin(), svg.end(), regex), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

// The heading has one line, so the first row of panels begins at 40.
std::string drawn(const Panel& panel) {
  return svg_of("heading", {panel});
}

TEST(Plot, ACurveFillsItsAxes) {
  const std::string svg = drawn({"Title", "x", "y", {{"", {{0, 0}, {6, 5}, {12, 10}}}}});
  EXPECT_EQ(all_of(svg, "points='([^']*)'"), (Texts{"62.0,294.0 252.0,184.0 442.0,74.0 "}));
}

TEST(Plot, TheAxesHaveRoundTicks) {
  struct Case {
    double x_most;
    double y_most;
    Texts x;
    Texts y;
  };
  for (const Case& each : std::vector<Case>{
           {12, 10, {"0", "2", "4", "6", "8", "10", "12"}, {"0", "2", "4", "6", "8", "10"}},
           {6, 5, {"0", "1", "2", "3", "4", "5", "6"}, {"0", "1", "2", "3", "4", "5"}},
           {7, 9, {"0", "2", "4", "6"}, {"0", "2", "4", "6", "8", "10"}},
           {25,
            0.21,
            {"0", "5", "10", "15", "20", "25"},
            {"0", "0.05", "0.1", "0.15", "0.2", "0.25"}},
           {60, 45, {"0", "10", "20", "30", "40", "50", "60"}, {"0", "10", "20", "30", "40", "50"}},
           {60'000, 1, {"0", "10k", "20k", "30k", "40k", "50k", "60k"}, {}},
           {5'000'000, 1, {"0", "1M", "2M", "3M", "4M", "5M"}, {}},
       }) {
    const std::string svg = drawn({"T", "x", "y", {{"", {{each.x_most, each.y_most}}}}});
    EXPECT_EQ(all_of(svg, "class='number' text-anchor='middle'>([^<]*)<"), each.x) << each.x_most;
    if (each.y.empty()) continue;
    EXPECT_EQ(all_of(svg, "class='number' text-anchor='end'>([^<]*)<"), each.y) << each.y_most;
  }
}

TEST(Plot, TicksStandWhereTheirValuesAre) {
  const std::string svg = drawn({"T", "x", "y", {{"", {{2, 2}}}}});
  // 0, 0.5, ... 2: every 95 to the right, and every 55 upwards.
  EXPECT_EQ(all_of(svg, "<line x1='([^']*)' [^>]*class='tick'/>"),
            (Texts{"62.0", "157.0", "252.0", "347.0", "442.0"}));
  EXPECT_EQ(all_of(svg, "<line (x1=[^>]*) class='tick'/>")[1],
            "x1='157.0' x2='157.0' y1='294.0' y2='299.0'");
  EXPECT_EQ(all_of(svg, "<text (x=[^>]*) class='number' text-anchor='middle'>")[1],
            "x='157.0' y='312.0'");
  EXPECT_EQ(all_of(svg, "<line (x1=[^>]*) class='grid'/>"),
            (Texts{"x1='62.0' x2='442.0' y1='294.0' y2='294.0'",
                   "x1='62.0' x2='442.0' y1='239.0' y2='239.0'",
                   "x1='62.0' x2='442.0' y1='184.0' y2='184.0'",
                   "x1='62.0' x2='442.0' y1='129.0' y2='129.0'",
                   "x1='62.0' x2='442.0' y1='74.0' y2='74.0'"}));
  EXPECT_EQ(all_of(svg, "<text (x=[^>]*) class='number' text-anchor='end'>")[2],
            "x='54.0' y='188.0'");
  EXPECT_EQ(all_of(svg, "<line (x1=[^>]*) class='axis'/>"),
            (Texts{"x1='62.0' x2='442.0' y1='294.0' y2='294.0'"}));
}

TEST(Plot, EachPanelHasItsWords) {
  const std::string svg = drawn({"A & B", "x < y", "y", {{"", {{1, 1}}}}});
  EXPECT_EQ(all_of(svg, "(<text [^>]*class='(?:title|label)'[^>]*>[^<]*</text>)"),
            (Texts{"<text x='62.0' y='60.0' class='title'>A &amp; B</text>",
                   "<text x='252.0' y='332.0' class='label' text-anchor='middle'>x &lt; y</text>",
                   "<text transform='translate(14.0 184.0) rotate(-90)' class='label' "
                   "text-anchor='middle'>y</text>"}));
}

TEST(Plot, TheAxisReachesAsFarAsAsked) {
  const auto greatest = [](double value, double y_most) {
    Panel panel{"T", "x", "y", {{"", {{1, value}}}}, y_most};
    return all_of(drawn(panel), "class='number' text-anchor='end'>([^<]*)<").back();
  };
  EXPECT_EQ(greatest(3, 100), "100");
  EXPECT_EQ(greatest(130, 100), "150");
  EXPECT_EQ(greatest(0, 0), "1") << "nothing happened";
}

TEST(Plot, NothingAtAllStillHasAxes) {
  const std::string svg = drawn({"T", "x", "y", {{"", {}}}});
  EXPECT_EQ(all_of(svg, "points='([^']*)'"), (Texts{""}));
  EXPECT_EQ(all_of(svg, "class='number' text-anchor='middle'>([^<]*)<").back(), "1");
}

// From right to left, with the colour of each curve; six to seven pixels a letter.
TEST(Plot, TheLegendNamesCurvesThatHaveAName) {
  const std::string svg =
      drawn({"T", "x", "y", {{"<5", {{1, 1}}}, {"", {{1, 1}}}, {"tenletters", {{1, 1}}}}});
  EXPECT_EQ(all_of(svg, "<text (x=[^>]*) class='number'>"),
            (Texts{"x='378.0' y='60.0'", "x='337.2' y='60.0'"}));
  EXPECT_EQ(all_of(svg, "class='number'>([^<]*)</text><rect"), (Texts{"tenletters", "&lt;5"}));
  EXPECT_EQ(all_of(svg, "<rect (x=[^>]*)/>"),
            (Texts{"x='361.0' y='54.0' width='12' height='4' fill='#009e73'",
                   "x='320.2' y='54.0' width='12' height='4' fill='#0072b2'"}));
  EXPECT_EQ(all_of(svg, "stroke='(#[^']*)'"), (Texts{"#0072b2", "#d55e00", "#009e73"}));
}

TEST(Plot, ColoursBeginAgainAfterTheFifth) {
  const std::vector<Curve> curves(7, {"c", {{1, 1}}});
  const std::string svg = drawn({"T", "x", "y", curves});
  const Texts lines = all_of(svg, "stroke='(#[^']*)'");
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[5], lines[0]);
  EXPECT_EQ(lines[6], lines[1]);
  EXPECT_NE(lines[4], lines[0]);
  Texts legend = all_of(svg, "fill='(#[0-9a-f]{6})'/>");
  std::reverse(legend.begin(), legend.end());
  EXPECT_EQ(legend, lines);
}

TEST(Plot, PanelsStandInRowsOfTwo) {
  struct Case {
    size_t panels;
    Texts size;
  };
  for (const Case& each : std::vector<Case>{{1, {"460' height='340' viewBox='0 0 460 340"}},
                                            {2, {"920' height='340' viewBox='0 0 920 340"}},
                                            {3, {"920' height='640' viewBox='0 0 920 640"}},
                                            {4, {"920' height='640' viewBox='0 0 920 640"}}}) {
    const std::vector<Panel> panels(each.panels, {"T", "x", "y", {{"", {{0, 1}}}}});
    const std::string svg = svg_of("heading", panels);
    EXPECT_EQ(all_of(svg, "width='([^>]*)'>\n<style>"), each.size);
    Texts titles = {"x='62.0' y='60.0'", "x='522.0' y='60.0'", "x='62.0' y='360.0'",
                    "x='522.0' y='360.0'"};
    titles.resize(each.panels);
    EXPECT_EQ(all_of(svg, "<text (x=[^>]*) class='title'>"), titles);
  }
}

TEST(Plot, EachLineOfTheHeadingMovesThePanelsDown) {
  const std::string hundred(100, 'w');
  const std::string svg = svg_of("a " + hundred + " b", {{"T", "x", "y", {}}});
  EXPECT_EQ(all_of(svg, "<text x='20' (y='[^']*') class='heading'>"),
            (Texts{"y='26'", "y='46'", "y='66'"}));
  EXPECT_EQ(all_of(svg, "class='heading'>([^<]*)<"), (Texts{"a", hundred, "b"}));
  EXPECT_EQ(all_of(svg, "<text (x=[^>]*) class='title'>"), (Texts{"x='62.0' y='100.0'"}));
  EXPECT_EQ(all_of(svg, "height='([0-9]+)' viewBox"), (Texts{"380"}));
  // 49 and 50 letters and the space between them fit, and one letter more does not.
  EXPECT_EQ(
      all_of(svg_of(std::string(49, 'v') + " " + std::string(50, 'w'), {}), "class='(heading)'>")
          .size(),
      1u);
  EXPECT_EQ(
      all_of(svg_of(std::string(50, 'v') + " " + std::string(50, 'w'), {}), "class='(heading)'>")
          .size(),
      2u);
}

}  // namespace
}  // namespace xord::sim
