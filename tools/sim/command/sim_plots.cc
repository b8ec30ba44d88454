#include "tools/sim/command/sim_plots.h"

#include <functional>

#include "reactor/base/check.h"
#include "tools/sim/plot.h"

namespace xord {
namespace {

using sim::Curve;
using sim::Moment;
using sim::Panel;
using Measure = std::function<double(const Moment&)>;

Curve curve_of(const char* name, const sim::SimulationReport& report, const Measure& measure) {
  Curve curve{name, {}};
  for (const Moment& moment : report.moments) {
    curve.points.emplace_back(moment.hours, measure(moment));
  }
  return curve;
}

double percent(uint64_t part, uint64_t all, double of_none) {
  CHECK(part <= all);
  return all == 0 ? of_none : 100 * static_cast<double>(part) / static_cast<double>(all);
}

// The share of the sample at or below each value.
Curve cumulated(const char* name, const sim::Sample& sample) {
  Curve curve{name, {}};
  if (sample.count() == 0) return curve;
  for (int percent = 0; percent <= 100; ++percent) {
    curve.points.emplace_back(sample.quantile(percent / 100.0), percent);
  }
  return curve;
}

}  // namespace

std::string plot_of(const std::string& heading, const sim::SimulationReport& report) {
  const std::string time = "virtual hours";
  std::vector<Panel> panels;
  panels.push_back(
      {"Nodes", time, "up", {curve_of("", report, [](const Moment& m) { return m.up; })}});
  panels.push_back(
      {"Operations",
       time,
       "right, %",
       {curve_of("gets", report, [](const Moment& m) { return 100 * m.gets_right; }),
        curve_of("exact finds", report, [](const Moment& m) { return 100 * m.finds_right; })},
       100});
  panels.push_back({"Replicas of a record",
                    time,
                    "nodes that hold it",
                    {curve_of("", report, [](const Moment& m) { return m.replicas; })}});
  panels.push_back(
      {"Tables",
       time,
       "%",
       {curve_of("contacts up", report, [](const Moment& m) { return 100 * m.contacts_alive; }),
        curve_of("k nearest known", report, [](const Moment& m) { return 100 * m.nearest_known; })},
       100});
  panels.push_back(
      {"Contacts named",
       time,
       "%",
       {curve_of("down", report,
                 [](const Moment& m) { return percent(m.naming.down, m.naming.named, 0); }),
        curve_of(
            "of the k nearest living", report,
            [](const Moment& m) { return percent(m.naming.living_named, m.naming.living, 100); })},
       100});
  panels.push_back({"Time of an operation",
                    "seconds",
                    "% done by then",
                    {cumulated("get", report.gets.seconds), cumulated("find", report.finds.seconds),
                     cumulated("set", report.sets.seconds)},
                    100});
  panels.push_back({"Traffic",
                    time,
                    "datagrams per node and second",
                    {curve_of("", report, [](const Moment& m) { return m.datagrams; })}});
  return sim::svg_of(heading, panels);
}

}  // namespace xord
