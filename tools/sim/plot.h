// Line charts as SVG text: panels side by side, each with a title, labelled axes that begin at 0
// and have round ticks, and a legend if there are several lines. Draws what it is given and knows
// nothing of simulations.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace xord::sim {

struct Curve {
  std::string name;  // For the legend; empty for no entry.
  std::vector<std::pair<double, double>> points;
};

struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
  double y_most = 0;  // The axis begins at 0 and reaches at least this far.
};

// `heading` stands above all panels, on as many lines as it needs.
std::string svg_of(const std::string& heading, const std::vector<Panel>& panels);

}  // namespace xord::sim
