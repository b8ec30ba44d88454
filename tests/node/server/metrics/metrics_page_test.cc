// docs/METRICS.md lists what the table of metrics says. With XORD_WRITE_DOCS=1 in the environment
// this writes its generated part, and otherwise compares it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/server/metrics/metric_table.h"
#include "node/server/metrics/metrics.h"
#include "tests/node/server/made_up_stats.h"

namespace xord {
namespace {

const std::string begin_mark = "<!-- generated from node/server/metrics/metric_table.cc -->\n";
const std::string end_mark = "<!-- end -->\n";

std::string page_path() {
  return std::string(XORD_DOCS) + "/METRICS.md";
}

std::string code(std::string_view text) {
  return "`" + std::string(text) + "`";
}

std::string_view name_of(MetricType type) {
  constexpr std::string_view names[] = {"counter", "gauge", "histogram"};
  return names[static_cast<size_t>(type)];
}

std::string_view name_of(StatsList list) {
  constexpr std::string_view names[] = {"shard",      "node",       "malformed", "table", "io",
                                        "storage",    "published",  "commits",   "calls", "lookups",
                                        "histograms", "operations", "database",  "http"};
  static_assert(std::size(names) == static_cast<size_t>(StatsList::http) + 1);
  return names[static_cast<size_t>(list)];
}

// The values that each label of each metric takes in a scrape.
std::map<std::string, std::vector<std::pair<std::string, std::vector<std::string>>>> labels_of(
    const std::string& scrape) {
  std::map<std::string, std::vector<std::pair<std::string, std::vector<std::string>>>> metrics;
  std::istringstream lines(scrape);
  for (std::string line; std::getline(lines, line);) {
    const size_t brace = line.find('{');
    if (line.front() == '#' || brace == std::string::npos) continue;
    auto& labels = metrics[line.substr(0, brace)];
    for (size_t at = brace + 1; line[at - 1] != '}';) {
      const size_t equals = line.find('=', at);
      const size_t quote = line.find('"', equals + 2);
      const std::string name = line.substr(at, equals - at);
      const std::string value = line.substr(equals + 2, quote - equals - 2);
      auto label = std::find_if(labels.begin(), labels.end(),
                                [&](const auto& each) { return each.first == name; });
      if (label == labels.end()) label = labels.insert(labels.end(), {name, {}});
      if (std::find(label->second.begin(), label->second.end(), value) == label->second.end()) {
        label->second.push_back(value);
      }
      at = quote + 2;
    }
  }
  return metrics;
}

// "`af`: ipv4, ipv6", or only the name where the values are not from a list.
std::string described(const std::string& name, const std::vector<std::string>& values) {
  static const std::set<std::string> open = {"shard",      "le",      "version",  "commit", "id",
                                             "rocksdb",    "network", "compiler", "io",     "check",
                                             "durability", "path",    "code"};
  if (open.contains(name)) return code(name);
  std::string text = code(name) + ": ";
  for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + values[i];
  return text;
}

std::string sources_of(const MetricRow& row) {
  std::string text;
  for (const MetricSample& sample : row.samples) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(sample.list));
    if (!sample.count.empty()) text += "." + std::string(sample.count);
    if (!sample.less.empty()) text += " less " + std::string(sample.less);
  }
  return text;
}

std::string generated() {
  MetricFacts facts;
  facts.networks = {{"rpcudp", "id"}};
  facts.http_answers = {{"/metrics", 200, 1}};
  const auto labels = labels_of(metrics_text(MadeUpStats(0).make(2), facts, MetricShards::apart));
  std::string page;
  for (const MetricGroup& group : metric_groups()) {
    page += "\n### " + std::string(group.title) + "\n\n";
    page += "| metric | type | labels | meaning | counters |\n|---|---|---|---|---|\n";
    for (const MetricRow& row : group.rows) {
      page += "| " + code(row.name) + " | " + std::string(name_of(row.type)) + " | ";
      const bool is_histogram = row.type == MetricType::histogram;
      const auto found = labels.find(std::string(row.name) + (is_histogram ? "_bucket" : ""));
      if (found != labels.end()) {
        std::string shown;
        for (const auto& [name, values] : found->second) {
          if (name != "le") shown += (shown.empty() ? "" : "; ") + described(name, values);
        }
        page += shown;
      }
      page += " | " + std::string(row.help) + " | " + sources_of(row) + " |\n";
    }
  }
  page += "\n### Not exported\n\n| counter | because |\n|---|---|\n";
  for (const NotExported& each : not_exported()) {
    page += "| " + std::string(name_of(each.list)) + "." + std::string(each.count) + " | " +
            std::string(each.because) + " |\n";
  }
  return page;
}

TEST(MetricsPage, IsWhatTheTableSays) {
  std::ifstream file(page_path());
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = page.find(begin_mark);
  const size_t end = page.find(end_mark);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t first = begin + begin_mark.size();
  ASSERT_LE(first, end);
  const std::string wanted = generated();
  if (std::getenv("XORD_WRITE_DOCS") != nullptr) {
    std::ofstream(page_path()) << page.substr(0, first) << wanted << page.substr(end);
    return;
  }
  EXPECT_EQ(page.substr(first, end - first), wanted)
      << "write it with XORD_WRITE_DOCS=1 node_server_tests --gtest_filter='MetricsPage.*'";
}

}  // namespace
}  // namespace xord
