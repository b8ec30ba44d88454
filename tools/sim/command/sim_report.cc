#include "tools/sim/command/sim_report.h"

#include <cinttypes>

#include "reactor/base/check.h"
#include "reactor/base/printed.h"

namespace xord {
namespace {

using sim::OperationStats;
using sim::Sample;

double share(uint64_t part, uint64_t all) {
  CHECK(part <= all);
  return all == 0 ? 1 : static_cast<double>(part) / static_cast<double>(all);
}

std::string operation_line(const char* name, const OperationStats& stats) {
  if (stats.begun == 0) return "";
  // A join counts no calls, and a node in a small network serves its own gets.
  const bool is_lookup = stats.asked.quantile(1) > 0;
  const std::string calls =
      is_lookup ? printed("%.1f / %.0f", stats.asked.mean(), stats.asked.quantile(0.99)) : "-";
  const std::string hops =
      is_lookup ? printed("%.2f / %.0f", stats.hops.mean(), stats.hops.quantile(0.99)) : "-";
  return printed(
      "  %-9s %7" PRIu64 " %8.2f %%   %6.3f / %6.3f   %16s   %15s%s\n", name, stats.ended(),
      100 * share(stats.right, stats.ended()), stats.seconds.quantile(0.5),
      stats.seconds.quantile(0.99), calls.c_str(), hops.c_str(),
      stats.poisoned > 0 ? printed("   %" PRIu64 " poisoned", stats.poisoned).c_str() : "");
}

nlohmann::ordered_json json_of(const OperationStats& stats) {
  return {{"begun", stats.begun},
          {"ended", stats.ended()},
          {"right", stats.right},
          {"cut_off", stats.cut_off},
          {"refused", stats.refused},
          {"poisoned", stats.poisoned},
          {"seconds_mean", stats.seconds.mean()},
          {"seconds_p50", stats.seconds.quantile(0.5)},
          {"seconds_p99", stats.seconds.quantile(0.99)},
          {"calls_mean", stats.asked.mean()},
          {"hops_mean", stats.hops.mean()},
          {"hops_p99", stats.hops.quantile(0.99)}};
}

std::string python_lines(const char* whose, const sim::PythonStats& stats) {
  const std::string lines = operation_line("join", stats.bootstraps) +
                            operation_line("set", stats.sets) + operation_line("get", stats.gets);
  return lines.empty() ? "" : printed("  of %s:\n", whose) + lines;
}

nlohmann::json json_of(const sim::PythonStats& stats) {
  return {{"bootstrap", json_of(stats.bootstraps)},
          {"set", json_of(stats.sets)},
          {"get", json_of(stats.gets)}};
}

// 0 if no contact was named.
double dead_share(const sim::NamingCounts& naming) {
  return naming.named == 0 ? 0 : share(naming.down, naming.named);
}

nlohmann::ordered_json json_of(const sim::Waits& waits) {
  return {{"count", waits.count()},
          {"seconds_mean", waits.mean()},
          {"seconds_p99", waits.quantile(0.99)},
          {"seconds_max", waits.max()}};
}

nlohmann::ordered_json json_of(const sim::NamingCounts& naming) {
  nlohmann::ordered_json json = {{"answers", naming.answers},
                                 {"named", naming.named},
                                 {"down", naming.down},
                                 {"other_id", naming.other_id},
                                 {"down_share", dead_share(naming)},
                                 {"compared", naming.compared},
                                 {"living", naming.living},
                                 {"living_named", naming.living_named},
                                 {"living_named_share", share(naming.living_named, naming.living)},
                                 {"waits", json_of(naming.waits)},
                                 {"waits_once_proven", json_of(naming.served_waits)},
                                 {"pings_sent", naming.pings_sent}};
  for (size_t i = 0; i < naming.pings.size(); ++i) {
    json["pings"][sim::ping_counters[i].name] = naming.pings[i];
  }
  json["pings"]["of_admission"] = naming.pings_admitting;
  json["pings"]["other"] = naming.other_pings();
  json["pings_to_down"] = naming.pings_to_down;
  return json;
}

nlohmann::ordered_json json_of(const sim::Moment& moment) {
  return {{"hours", moment.hours},
          {"up", moment.up},
          {"replicas", moment.replicas},
          {"held", moment.held},
          {"gets_right", moment.gets_right},
          {"finds_right", moment.finds_right},
          {"contacts", moment.contacts},
          {"contacts_alive", moment.contacts_alive},
          {"nearest_known", moment.nearest_known},
          {"datagrams_per_node_second", moment.datagrams},
          {"bytes_per_node_second", moment.bytes},
          {"naming", json_of(moment.naming)}};
}

std::string requests_line(const sim::Setup& setup, const sim::SimulationReport& report) {
  const double hours = setup.length.seconds() / 3600;
  std::string text = "  requests per node and hour:";
  for (size_t i = 0; i < report.requests.size(); ++i) {
    text += printed(" %.1f %s,", static_cast<double>(report.requests[i]) / (hours * setup.nodes),
                    method_names[i]);
  }
  const uint64_t stores = report.requests[static_cast<size_t>(Method::store)];
  return text + printed(" of %" PRIu64 " records: %.1f stores per record and hour\n",
                        report.records,
                        static_cast<double>(stores) /
                            (hours * static_cast<double>(std::max<uint64_t>(report.records, 1))));
}

std::string waits_text(const sim::Waits& waits) {
  return printed("%.3f / %.3f / %.3f s", waits.mean(), waits.quantile(0.99), waits.max());
}

std::string naming_lines(const sim::Setup& setup, const sim::NamingCounts& naming) {
  std::string text =
      printed("  %" PRIu64 " answers named %" PRIu64
              " contacts: %.2f %% down, %.2f %% under another id; of the k nearest living of a"
              " table %.2f %% named\n",
              naming.answers, naming.named, 100 * dead_share(naming),
              naming.named == 0 ? 0 : 100 * share(naming.other_id, naming.named),
              100 * share(naming.living_named, naming.living));
  text += "  answers waited " + waits_text(naming.waits) + " (mean / p99 / most), " +
          waits_text(naming.served_waits) + " once their source was proven\n";
  const double scale = setup.length.seconds() / 3600 * setup.nodes;
  text += "  pings per node and hour:";
  for (size_t i = 0; i < naming.pings.size(); ++i) {
    text += printed(" %.1f %s,", static_cast<double>(naming.pings[i]) / scale,
                    sim::ping_counters[i].name);
  }
  return text + printed(" %.1f of_admission, %.1f other; %.1f of all to no node\n",
                        static_cast<double>(naming.pings_admitting) / scale,
                        static_cast<double>(naming.other_pings()) / scale,
                        static_cast<double>(naming.pings_to_down) / scale);
}

}  // namespace

std::string text_of(const sim::Setup& setup, const sim::SimulationReport& report) {
  std::string text =
      printed("  %.2f virtual hours, %" PRIu64 " events, %" PRIu64 " datagrams, %" PRIu64
              " bytes, digest %016" PRIx64 "\n",
              report.hours, report.events, report.datagrams, report.bytes, report.digest);
  text +=
      "  operation   ended      right   s, p50 /    p99   calls, mean / p99   hops, mean / p99\n";
  text += operation_line("join", report.joins) + operation_line("set", report.sets) +
          operation_line("get", report.gets) + operation_line("find", report.finds) +
          python_lines("Python nodes", report.python) + python_lines("programs", report.programs);
  if (!report.moments.empty()) {
    const sim::Moment& last = report.moments.back();
    text += printed(
        "  at the end: %u up, %.1f replicas per record, %.2f %% of records held; tables of %.0f"
        " contacts, %.1f %% alive, %.1f %% of the k nearest known; %.2f datagrams and %.0f"
        " bytes per node and second\n",
        last.up, last.replicas, 100 * last.held, last.contacts, 100 * last.contacts_alive,
        100 * last.nearest_known, last.datagrams, last.bytes);
  }
  text += requests_line(setup, report) + naming_lines(setup, report.naming);
  const sim::PublisherCounts& publisher = report.publisher;
  if (publisher.keys > 0) {
    text += printed("  one node publishes %" PRIu64 " keys: %" PRIu64 " publications by %" PRIu64
                    " lookups (%" PRIu64 " for one key alone); %" PRIu64 " of %" PRIu64
                    " on all of their k nearest\n",
                    publisher.keys, publisher.published, publisher.region_lookups,
                    publisher.regions_alone, publisher.placed, publisher.sampled);
  }
  const sim::HealedCounts& healed = report.healed;
  if (healed.finds > 0) {
    text += printed("  healed: %" PRIu64 " of %" PRIu64 " lookups exact, %" PRIu64 " of %" PRIu64
                    " records found, %" PRIu64 " of %" PRIu64
                    " on all of their k nearest; at rest %.2f"
                    " datagrams per node and second (%.2f allowed)\n",
                    healed.exact, healed.finds, healed.got, healed.gets, healed.placed,
                    healed.records, healed.datagrams, healed.datagrams_max);
  }
  text += printed("  faults: %" PRIu64 " crashes, %" PRIu64 " stalls, %" PRIu64 " clocks, %" PRIu64
                  " partitions, %" PRIu64 " disks; checked: %" PRIu64 " datagrams, %" PRIu64
                  " of them replies, %" PRIu64 " values, %" PRIu64
                  " from unproven sources, %" PRIu64 " tables\n",
                  report.faults.crashes, report.faults.stalls, report.faults.leaps,
                  report.faults.partitions, report.faults.disks, report.checks.datagrams,
                  report.checks.replies, report.checks.values_served, report.checks.unproven,
                  report.checks.inspections);
  return text;
}

nlohmann::ordered_json json_of(const sim::Setup& setup, const sim::SimulationReport& report) {
  nlohmann::ordered_json json = {
      {"scenario", sim::scenario_names[static_cast<size_t>(setup.scenario)]},
      {"seed", setup.seed},
      {"nodes", setup.nodes},
      {"hours", report.hours},
      {"digest", printed("%016" PRIx64, report.digest)},
      {"events", report.events},
      {"datagrams", report.datagrams},
      {"bytes", report.bytes},
      {"join", json_of(report.joins)},
      {"set", json_of(report.sets)},
      {"get", json_of(report.gets)},
      {"find", json_of(report.finds)},
      {"healed_finds", report.healed.finds},
      {"healed_exact", report.healed.exact},
      {"healed_gets", report.healed.gets},
      {"healed_found", report.healed.got},
      {"healed_records", report.healed.records},
      {"healed_placed", report.healed.placed},
      {"rest_datagrams_per_node_second", report.healed.datagrams},
      {"rest_datagrams_allowed", report.healed.datagrams_max},
      {"moments", nlohmann::ordered_json::array()},
      {"violation", nullptr},
  };
  json["records"] = report.records;
  if (report.publisher.keys > 0) {
    json["publisher"] = {{"keys", report.publisher.keys},
                         {"published", report.publisher.published},
                         {"region_lookups", report.publisher.region_lookups},
                         {"regions_alone", report.publisher.regions_alone},
                         {"sampled", report.publisher.sampled},
                         {"placed", report.publisher.placed}};
  }
  for (size_t i = 0; i < report.requests.size(); ++i) {
    json["requests"][method_names[i]] = report.requests[i];
  }
  if (report.python.bootstraps.begun > 0) json["python"] = json_of(report.python);
  if (report.programs.bootstraps.begun > 0) json["programs"] = json_of(report.programs);
  json["naming"] = json_of(report.naming);
  for (const sim::Moment& moment : report.moments) json["moments"].push_back(json_of(moment));
  if (report.violation) {
    json["violation"] = {{"seconds", (report.violation->at - Instant{}).seconds()},
                         {"host", report.violation->host},
                         {"what", report.violation->what}};
  }
  return json;
}

}  // namespace xord
