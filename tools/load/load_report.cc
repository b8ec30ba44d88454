#include "tools/load/load_report.h"

#include <cmath>

#include "reactor/base/check.h"
#include "reactor/base/printed.h"
#include "tools/cli/units.h"
#include "tools/load/limit_signs.h"

namespace xord {
namespace {

constexpr std::array<std::pair<const char*, double>, 6> percentiles = {
    {{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}}};

double milliseconds_in(Duration duration) {
  return static_cast<double>(duration.nanoseconds) * 1e-6;
}

// In microseconds, rounded to 10 ns, as the JSON shows them.
double microseconds_in(Duration duration) {
  return std::round(static_cast<double>(duration.nanoseconds) * 1e-1) * 1e-2;
}

std::string latency_columns(const Histogram& latency) {
  return printed("%8.3f %8.3f %8.3f %8.3f %8.3f", milliseconds_in(latency.percentile(50)),
                 milliseconds_in(latency.percentile(99)), milliseconds_in(latency.percentile(99.9)),
                 milliseconds_in(latency.percentile(99.99)), milliseconds_in(latency.max()));
}

// The server's CPU time for one answer: the exact total, split by the sampled shares.
struct ServerCost {
  double nanoseconds = 0;
  double user = 0;
  double system = 0;
};
std::optional<ServerCost> server_cost(const StepResult& step) {
  if (!step.server || step.answered() == 0) return std::nullopt;
  const double each =
      static_cast<double>(step.server->run_nanoseconds) / static_cast<double>(step.answered());
  const double user = static_cast<double>(step.server->user_nanoseconds);
  const double both = user + static_cast<double>(step.server->system_nanoseconds);
  const double share = both == 0 ? 0 : user / both;
  return ServerCost{each, each * share, each * (1 - share)};
}

nlohmann::ordered_json json_of(const Histogram& latency) {
  nlohmann::ordered_json json = {{"mean", std::round(latency.mean_nanoseconds() * 0.1) * 0.01},
                                 {"max", microseconds_in(latency.max())}};
  for (const auto& [name, percent] : percentiles) {
    json[name] = microseconds_in(latency.percentile(percent));
  }
  return json;
}

nlohmann::ordered_json json_of(const KindResult& kind) {
  nlohmann::ordered_json wrong = nlohmann::ordered_json::object();
  for (size_t i = 0; i < verdict_kinds; ++i) {
    const auto verdict = static_cast<Verdict>(i);
    if (verdict == Verdict::right || verdict == Verdict::refused || kind.verdicts[i] == 0) continue;
    wrong[std::string(name_of(verdict))] = kind.verdicts[i];
  }
  return {{"sent", kind.sent},
          {"right", kind.count(Verdict::right)},
          {"refused", kind.count(Verdict::refused)},
          {"lost", kind.lost},
          {"wrong", wrong},
          {"latency_us", json_of(kind.latency)}};
}

nlohmann::ordered_json json_of(const StrayCounts& strays) {
  return {{"unknown_transaction", strays.unknown_transaction},
          {"late", strays.late},
          {"wrong_source", strays.wrong_source},
          {"malformed", strays.malformed},
          {"strangers", strays.strangers},
          {"pings_answered", strays.pings_answered},
          {"pings_ignored", strays.pings_ignored},
          {"requests", strays.requests}};
}

nlohmann::ordered_json json_of(const StepResult& step) {
  nlohmann::ordered_json json = {{"seconds", step.length.seconds()},
                                 {"sent", step.sent()},
                                 {"unsent", step.unsent},
                                 {"answered", step.answered()},
                                 {"rate", std::round(step.rate() * 10) / 10},
                                 {"lost", step.lost()},
                                 {"loss_share", step.loss_share()},
                                 {"wrong", step.wrong()},
                                 {"late_max_us", microseconds_in(step.late_max)},
                                 {"latency_us", json_of(step.latency)},
                                 {"strays", json_of(step.strays)}};
  if (step.rate_planned > 0) json["rate_planned"] = step.rate_planned;
  if (step.window == no_window) {
    json["flood"] = true;
  } else if (step.window > 0) {
    json["window"] = step.window;
  }
  for (size_t i = 0; i < request_kinds; ++i) {
    if (step.kinds[i].sent == 0) continue;
    json["kinds"][std::string(name_of(static_cast<RequestKind>(i)))] = json_of(step.kinds[i]);
  }
  if (const auto cost = server_cost(step)) {
    json["server_ns_per_answer"] = {{"all", std::round(cost->nanoseconds)},
                                    {"user", std::round(cost->user)},
                                    {"system", std::round(cost->system)}};
  }
  return json;
}

// Null if the answers show no limit.
nlohmann::ordered_json json_of(const LimitSigns& signs) {
  if (!signs.any()) return nullptr;
  return {{"cut", signs.cut},
          {"of_answers", signs.answers},
          {"silent", signs.silent},
          {"of_values", signs.values}};
}

nlohmann::ordered_json json_of(const LimitedCounts& counts) {
  return {{"limits", counts.limits},
          {"contacts", counts.contacts},
          {"values", counts.values},
          {"reads", counts.reads},
          {"prefixes_thinned", counts.prefixes_thinned}};
}

nlohmann::ordered_json json_of(const OverloadResult& overload) {
  nlohmann::ordered_json json = {{"multiple", overload.multiple},
                                 {"goodput_share", overload.goodput_share},
                                 {"recovered_after_s", nullptr},
                                 {"memory_before", overload.memory_before},
                                 {"memory_after", overload.memory_after}};
  if (overload.recovered_after) json["recovered_after_s"] = overload.recovered_after->seconds();
  return json;
}

void write_kinds(const StepResult& step, std::ostream& out) {
  for (size_t i = 0; i < request_kinds; ++i) {
    const KindResult& kind = step.kinds[i];
    if (kind.sent == 0) continue;
    out << printed("    %-16s %10lu sent %8lu refused %8lu lost  ",
                   std::string(name_of(static_cast<RequestKind>(i))).c_str(), kind.sent,
                   kind.count(Verdict::refused), kind.lost)
        << latency_columns(kind.latency) << '\n';
    for (size_t v = 0; v < verdict_kinds; ++v) {
      const auto verdict = static_cast<Verdict>(v);
      if (verdict == Verdict::right || verdict == Verdict::refused || kind.verdicts[v] == 0) {
        continue;
      }
      out << printed("      WRONG %s: %lu\n", std::string(name_of(verdict)).c_str(),
                     kind.verdicts[v]);
    }
  }
}

void write_strays(const StrayCounts& strays, std::ostream& out) {
  if (strays.wrong() > 0) {
    out << printed("    WRONG unknown transaction: %lu, wrong source: %lu, malformed: %lu\n",
                   strays.unknown_transaction, strays.wrong_source, strays.malformed);
  }
  if (strays.strangers > 0) {
    out << printed("    datagrams from strangers: %lu\n", strays.strangers);
  }
  if (strays.late > 0) out << printed("    late or repeated answers: %lu\n", strays.late);
  if (strays.pings_ignored > 0) {
    out << printed("    pings from the node not answered: %lu\n", strays.pings_ignored);
  }
}

}  // namespace

void LoadTables::warming(std::string_view what, uint64_t done, uint64_t count) {
  if (passing_ == nullptr) return;
  *passing_ << printed("  warm-up: %lu of %lu %s\n", done, count, std::string(what).c_str())
            << std::flush;
}

void LoadTables::warmed(const LoadResult& result) {
  if (out_ == nullptr) return;
  const WarmUpResult& warm = result.warm_up;
  *out_ << "load on " << plan_.target.text();
  if (result.node) *out_ << ", node " << result.node->hex();
  *out_ << printed(": %u sources, seed %lu, %s, %s\n", plan_.sources, plan_.seed, result.io.c_str(),
                   plan_.waiting == Waiting::spin ? "spinning" : "sleeping");
  *out_ << printed("warm-up: %lu sources answered", warm.sources);
  if (warm.sources_failed > 0) *out_ << printed(" (%lu did not)", warm.sources_failed);
  if (warm.keys > 0) *out_ << printed(", %lu keys stored", warm.keys);
  if (warm.keys_failed > 0) *out_ << printed(" (%lu NOT)", warm.keys_failed);
  *out_ << printed(", %u contacts per answer, %.2f s\n", warm.contacts_in_answer,
                   warm.took.seconds());
}

void LoadTables::stepping(const StepProgress& progress) {
  if (passing_ == nullptr) return;
  const double elapsed = progress.elapsed.seconds();
  *passing_ << printed("  %s%5.1f s %9lu/s  lost %lu  wrong %lu  p50 %.3f ms  p99 %.3f ms\n",
                       elapsed < 0 ? "settling " : "", std::abs(elapsed), progress.answered,
                       progress.lost, progress.wrong, milliseconds_in(progress.p50),
                       milliseconds_in(progress.p99))
            << std::flush;
}

void LoadTables::stepped(const StepResult& step) {
  if (out_ == nullptr) return;
  if (!head_written_) {
    *out_ << "   planned/s  answered/s     lost  lost %    wrong   p50 ms      p99    p99.9   "
             "p99.99      max\n";
    head_written_ = true;
  }
  std::string planned = printed("window %u", step.window);
  if (step.rate_planned > 0) planned = printed("%.0f", step.rate_planned);
  if (step.window == no_window) planned = "flood";
  *out_ << printed("%12s %11.0f %8lu %7.3f %8lu ", planned.c_str(), step.rate(), step.lost(),
                   step.loss_share() * 100, step.wrong())
        << latency_columns(step.latency) << '\n';
  write_kinds(step, *out_);
  write_strays(step.strays, *out_);
  if (step.unsent > 0 || step.late_max > milliseconds(5)) {
    *out_ << printed(
        "    the generator itself was late: %lu not sent, up to %.1f ms behind the plan\n",
        step.unsent, milliseconds_in(step.late_max));
  }
  if (const auto cost = server_cost(step)) {
    *out_ << printed("    server: %.0f ns of CPU per answer (%.0f user, %.0f system)\n",
                     cost->nanoseconds, cost->user, cost->system);
  }
  out_->flush();
}

void LoadTables::write_overload(const OverloadResult& overload) {
  CHECK(out_ != nullptr);
  *out_ << printed(
      "overload: %.1f times what the closed loop reached was offered, by UDP_SEGMENT; %.2f "
      "of it was answered\n",
      overload.multiple, overload.goodput_share);
  if (overload.recovered_after) {
    *out_ << printed("back at %.0f %% %.2f s after the flood\n", recovered_share * 100,
                     overload.recovered_after->seconds());
  } else {
    *out_ << printed("NOT back at %.0f %% within %u slices of %.1f s\n", recovered_share * 100,
                     recovery_slices_max, recovery_slice.seconds());
  }
  if (overload.memory_before > 0) {
    *out_ << printed("resident memory of the node: %.1f MiB before, %.1f MiB after\n",
                     static_cast<double>(overload.memory_before) / (1 << 20),
                     static_cast<double>(overload.memory_after) / (1 << 20));
  }
}

void LoadTables::finished(const LoadResult& result) {
  if (out_ == nullptr) return;
  if (result.overload) write_overload(*result.overload);
  if (plan_.find_max) write_rate_max(result);
  write_limits(result);
  if (plan_.check != CheckDepth::content) return;
  if (result.contacts_left) {
    const uint32_t left = *result.contacts_left;
    *out_ << printed("left %u contact%s in the node's table\n", left, left == 1 ? "" : "s");
  } else {
    *out_ << "the node did not say whether contacts were left in its table\n";
  }
}

void LoadTables::write_rate_max(const LoadResult& result) {
  CHECK(out_ != nullptr && (!result.best || *result.best < result.steps.size()));
  if (!result.best) {
    *out_ << "no rate was within the limits\n";
    return;
  }
  const StepResult& best = result.steps[*result.best];
  *out_ << printed("highest rate with loss below %.2g %% and p99 at most %s: %.0f/s\n",
                   plan_.loss_max * 100, show_duration(plan_.slo).c_str(), best.rate_planned);
}

void LoadTables::write_limits(const LoadResult& result) {
  CHECK(out_ != nullptr);
  const LimitSigns signs = limit_signs_of(result.steps);
  if (signs.any()) {
    *out_ << "the target seems to limit this load: ";
    if (signs.cut > 0) {
      *out_ << printed("%lu of %lu answers were cut to the size of their request", signs.cut,
                       signs.answers);
    }
    if (signs.silent > 0) {
      *out_ << (signs.cut > 0 ? ", " : "")
            << printed("%lu of %lu values got no answer while pings did", signs.silent,
                       signs.values);
    }
    *out_ << " (see `xord limits ADDRESS` at the target; --limit-for or --trusted-net there lifts "
             "it)\n";
  }
  if (plan_.data_dir.empty()) return;
  if (!result.limited_by_node) {
    *out_ << "the node did not say what it limited\n";
    return;
  }
  const LimitedCounts& counts = *result.limited_by_node;
  if (counts.sum() == 0) {
    *out_ << "the node limited nothing (limits: " << counts.limits << ")\n";
    return;
  }
  *out_ << (counts.limits == "on" ? "the node limited: " : "the node would have limited: ")
        << printed("%lu answers cut, %lu values and %lu reads refused, %lu prefixes thinned out\n",
                   counts.contacts, counts.values, counts.reads, counts.prefixes_thinned);
}

nlohmann::ordered_json json_of(const LoadPlan& plan, const LoadResult& result) {
  const WarmUpResult& warm = result.warm_up;
  nlohmann::ordered_json json = {{"target", plan.target.text()},
                                 {"seed", plan.seed},
                                 {"sources", plan.sources},
                                 {"io", result.io},
                                 {"warm_up",
                                  {{"sources", warm.sources},
                                   {"sources_failed", warm.sources_failed},
                                   {"keys", warm.keys},
                                   {"keys_failed", warm.keys_failed},
                                   {"contacts_in_answer", warm.contacts_in_answer},
                                   {"seconds", warm.took.seconds()}}}};
  if (result.node) json["node"] = result.node->hex();
  for (size_t i = 0; i < request_kinds; ++i) {
    json["mix"][std::string(name_of(static_cast<RequestKind>(i)))] = plan.mix[i];
  }
  json["steps"] = nlohmann::ordered_json::array();
  for (const StepResult& step : result.steps) json["steps"].push_back(json_of(step));
  if (result.overload) json["overload"] = json_of(*result.overload);
  json["limited"] = json_of(limit_signs_of(result.steps));
  if (!plan.data_dir.empty()) {
    json["limited_by_node"] = nullptr;
    if (result.limited_by_node) json["limited_by_node"] = json_of(*result.limited_by_node);
  }
  json["contacts_left"] = nullptr;
  if (result.contacts_left) json["contacts_left"] = *result.contacts_left;
  if (plan.find_max) {
    json["rate_max"] = nullptr;
    if (result.best) json["rate_max"] = result.steps[*result.best].rate_planned;
  }
  return json;
}

std::string hgrm_of(const Histogram& histogram) {
  std::string out = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  const auto all = static_cast<double>(histogram.count());
  uint64_t seen = 0;
  histogram.for_each([&](Duration upper_end, uint64_t count) {
    seen += count;
    const double share = static_cast<double>(seen) / all;
    out += printed("%12.6f %2.12f %10lu", milliseconds_in(std::min(upper_end, histogram.max())),
                   share, seen);
    if (seen < histogram.count()) out += printed(" %14.2f", 1 / (1 - share));
    out += '\n';
  });
  CHECK(seen == histogram.count());
  out += printed("#[Mean    = %12.6f, Max = %12.6f]\n#[Total count = %lu]\n",
                 histogram.mean_nanoseconds() * 1e-6, milliseconds_in(histogram.max()),
                 histogram.count());
  return out;
}

}  // namespace xord
