// What the picture of a run shows: each panel draws the figure that its title names.
#include "tools/sim/command/sim_plots.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace xord {
namespace {

// The greatest tick of the vertical axis of a panel, and how far up each of its curves ends.
struct Shown {
  double y_most = 0;
  std::vector<double> last;  // In the units of the axis.
  size_t points = 0;
};

constexpr double axis_height = 220;

std::map<std::string, Shown> panels_of(const std::string& svg) {
  std::map<std::string, Shown> panels;
  Shown* panel = nullptr;
  double zero = 0;
  std::istringstream lines(svg);
  const std::regex title("class='title'>([^<]*)<");
  const std::regex tick("text-anchor='end'>([^<]*)<");
  const std::regex axis("y1='([^']*)' y2='[^']*' class='axis'");
  const std::regex curve("points='([^']*)'");
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, title)) panel = &panels[found[1]];
    if (std::regex_search(line, found, tick)) panel->y_most = std::stod(found[1]);
    if (std::regex_search(line, found, axis)) zero = std::stod(found[1]);
    if (!std::regex_search(line, found, curve)) continue;
    std::istringstream points{std::string(found[1])};
    double y = zero;
    panel->points = 0;
    for (std::string point; points >> point; ++panel->points) {
      y = std::stod(point.substr(point.find(',') + 1));
    }
    panel->last.push_back((zero - y) / axis_height * panel->y_most);
  }
  return panels;
}

TEST(SimPlots, EachPanelShowsItsFigure) {
  sim::SimulationReport report;
  report.moments.emplace_back();
  sim::Moment& last = report.moments.emplace_back();
  last.hours = 2;
  last.up = 40;
  last.gets_right = 0.75;
  last.finds_right = 0.5;
  last.replicas = 20;
  last.contacts_alive = 0.25;
  last.nearest_known = 1;
  last.datagrams = 2;
  last.naming.named = 20;
  last.naming.down = 5;
  last.naming.living = 4;
  last.naming.living_named = 3;
  for (int i = 0; i <= 10; ++i) report.gets.seconds.add(i);
  report.sets.seconds.add(3);
  auto panels = panels_of(plot_of("heading", report));
  ASSERT_EQ(panels.size(), 7u);
  const auto expect = [&](const char* title, size_t points, const std::vector<double>& figures) {
    const Shown& shown = panels[title];
    EXPECT_EQ(shown.points, points) << title;
    ASSERT_EQ(shown.last.size(), figures.size()) << title;
    for (size_t i = 0; i < figures.size(); ++i) {
      EXPECT_NEAR(shown.last[i], figures[i], shown.y_most / axis_height) << title << ' ' << i;
    }
  };
  expect("Nodes", 2, {40});
  expect("Operations", 2, {75, 50});
  expect("Replicas of a record", 2, {20});
  expect("Tables", 2, {25, 100});
  expect("Contacts named", 2, {25, 75});
  expect("Traffic", 2, {2});
  expect("Time of an operation", 101, {100, 0, 100});
  EXPECT_EQ(panels["Operations"].y_most, 100);
  EXPECT_EQ(panels["Contacts named"].y_most, 100);
}

TEST(SimPlots, WhereNobodyWasNamedNobodyWasDownAndNobodyMissed) {
  sim::SimulationReport report;
  report.moments.emplace_back();
  auto panels = panels_of(plot_of("heading", report));
  EXPECT_EQ(panels["Contacts named"].last, (std::vector<double>{0, 100}));
  for (const char* title : {"Operations", "Tables", "Contacts named", "Time of an operation"}) {
    EXPECT_EQ(panels[title].y_most, 100) << title;
  }
}

// Half of the gets had ended by five seconds, where the axis ends at ten.
TEST(SimPlots, TimesAreCumulated) {
  sim::SimulationReport report;
  for (int i = 0; i <= 100; ++i) report.gets.seconds.add(i / 10.0);
  const std::string svg = plot_of("heading", report);
  const size_t panel = svg.find(">Time of an operation<");
  const size_t points = svg.find("points='", panel) + 8;
  std::istringstream read(svg.substr(points, svg.find('\'', points) - points));
  std::vector<std::string> all;
  for (std::string point; read >> point;) all.push_back(point);
  ASSERT_EQ(all.size(), 101u);
  // The sixth panel: the right one of the third row, below one line of heading.
  EXPECT_EQ(all[0], "522.0,894.0");
  EXPECT_EQ(all[50], "712.0,784.0");
  EXPECT_EQ(all[100], "902.0,674.0");
}

}  // namespace
}  // namespace xord
