// Line charts as SVG text: panels side by side, each with a title, labelled axes that begin at 0
// and have round ticks, and a legend when there are several lines. Draws what it is given; knows no
// simulation.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace xord::sim {

struct Curve {
  std::string name;  // In the legend; empty: none.
  std::vector<std::pair<double, double>> points;
};

struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
  double y_most = 0;  // The axis reaches at least so far; it begins at 0.
};

// `heading` stands above them all, on as many lines as it needs.
std::string svg_of(const std::string& heading, const std::vector<Panel>& panels);

}  // namespace xord::sim
