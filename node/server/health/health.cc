#include "node/server/health/health.h"

#include <algorithm>
#include <utility>

#include "node/budget.h"

namespace xord {
namespace {

struct Finding {
  HealthLevel level = HealthLevel::ok;
  std::string sentence;
};

// "12 s", "34 min", "5 h", "3 d": rounded down.
std::string text_of(Duration duration) {
  const int64_t s = std::max<int64_t>(duration.whole_seconds(), 0);
  if (s < 120) return std::to_string(s) + " s";
  if (s < 120 * 60) return std::to_string(s / 60) + " min";
  if (s < 48 * 3600) return std::to_string(s / 3600) + " h";
  return std::to_string(s / 86'400) + " d";
}

// "1 contact", "2 contacts"
std::string counted(uint64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

uint64_t percent_of(uint64_t part, uint64_t whole) {
  CHECK(whole > 0 && part <= whole);
  return part * 100 / whole;
}

HealthLevel level_of(Duration lasted, Duration warn, Duration fail) {
  CHECK(warn < fail);
  if (lasted >= fail) return HealthLevel::fail;
  return lasted >= warn ? HealthLevel::warn : HealthLevel::ok;
}

Finding find_shards(const HealthFacts& facts) {
  const HealthLevel level = level_of(facts.shard.lasted, shard_silence_warn, shard_silence_fail);
  if (level == HealthLevel::ok) return {level, "every shard answers"};
  return {level, "shard " + std::to_string(facts.shard.shard) + " has not answered for " +
                     text_of(facts.shard.lasted)};
}

Finding find_commit(const HealthFacts& facts) {
  const HealthLevel level = level_of(facts.commit.lasted, commit_silence_warn, commit_silence_fail);
  if (level == HealthLevel::ok) return {level, "no write waits for long"};
  return {level, "writes of shard " + std::to_string(facts.commit.shard) +
                     " have waited for the disk for " + text_of(facts.commit.lasted)};
}

Finding find_loaded(const HealthFacts& facts) {
  if (facts.storage == StorageState::opening) {
    return {HealthLevel::fail, "the database is being opened"};
  }
  if (facts.storage != StorageState::loading) return {HealthLevel::ok, "the records are loaded"};
  const uint64_t expected = std::max(facts.records_expected, facts.records_loaded);
  if (facts.records_loaded == 0) return {HealthLevel::fail, "the records are being loaded"};
  const double left = static_cast<double>(expected - facts.records_loaded) /
                      static_cast<double>(facts.records_loaded) * facts.loading_for.seconds();
  return {HealthLevel::fail, "the records are being loaded: " +
                                 std::to_string(percent_of(facts.records_loaded, expected)) +
                                 " %, " + text_of(seconds(static_cast<int64_t>(left) + 1)) +
                                 " left"};
}

Finding find_disk(const HealthFacts& facts) {
  if (facts.storage == StorageState::failed) {
    return {HealthLevel::fail, "the disk refuses writes, or the database cannot be opened"};
  }
  if (facts.storage == StorageState::damaged) {
    return {HealthLevel::warn, "some records cannot be read"};
  }
  if (facts.disk_size == 0) return {HealthLevel::ok, "the disk takes writes"};
  const uint64_t free = std::min(facts.disk_free, facts.disk_size);
  const uint64_t percent = percent_of(free, facts.disk_size);
  const bool is_short = percent < disk_free_percent_warn || free < disk_free_bytes_warn;
  return {
      is_short ? HealthLevel::warn : HealthLevel::ok,
      std::to_string(free >> 20) + " MiB of the disk are free, " + std::to_string(percent) + " %"};
}

Finding find_contacts(const HealthFacts& facts) {
  const std::string sentence =
      counted(facts.contacts, "contact") + (facts.contacts == 1 ? " answers" : " answer");
  if (!facts.has_known_nodes) return {HealthLevel::ok, sentence};
  if (facts.contacts < facts.ready_contacts) {
    return {HealthLevel::fail,
            sentence + ", ready-contacts is " + std::to_string(facts.ready_contacts)};
  }
  const uint32_t wanted = company_wanted(facts.network_size);
  if (facts.contacts >= wanted) return {HealthLevel::ok, sentence};
  return {HealthLevel::warn, sentence + ", fewer than " + std::to_string(wanted)};
}

Finding find_joined(const HealthFacts& facts) {
  if (!facts.has_known_nodes && !facts.has_joined) {
    return {HealthLevel::ok, "no bootstrap name and no saved contact: a first node"};
  }
  if (!facts.has_joined) {
    return {HealthLevel::fail, "no lookup of the node's own id has found a node since the start"};
  }
  const Duration age = facts.lookup_age.value_or(facts.uptime);
  return {age > lookup_age_warn ? HealthLevel::warn : HealthLevel::ok,
          "a lookup last found nodes " + text_of(age) + " ago"};
}

Finding find_inbound(const HealthFacts& facts) {
  const bool is_told = facts.uptime >= inbound_after && facts.network_size >= inbound_network_least;
  const Duration age = facts.inbound_age.value_or(facts.uptime);
  const std::string sentence =
      facts.inbound_age
          ? "the last request from a source that was not called came " + text_of(age) + " ago"
          : "no request came yet from a source that was not called";
  if (!is_told) return {HealthLevel::ok, sentence};
  return {level_of(age, inbound_age_warn, inbound_age_fail), sentence};
}

Finding find_outbound(const HealthFacts& facts) {
  if (facts.calls_ended == 0) return {HealthLevel::ok, "no calls in the last 5 min"};
  const uint64_t percent = percent_of(facts.calls_answered, facts.calls_ended);
  const std::string sentence = std::to_string(percent) + " % of " +
                               counted(facts.calls_ended, "call") +
                               " in the last 5 min were answered";
  if (facts.calls_ended < outbound_calls_least) return {HealthLevel::ok, sentence};
  if (percent < answered_percent_fail) return {HealthLevel::fail, sentence};
  return {percent < answered_percent_warn ? HealthLevel::warn : HealthLevel::ok, sentence};
}

Finding find_canary(const HealthFacts& facts) {
  const CanaryFacts& canary = facts.canary;
  if (!canary.is_on) return {HealthLevel::ok, "off"};
  if (canary.runs == 0) return {HealthLevel::ok, "no run yet"};
  const std::string sentence = "the last lookup found " + counted(canary.found, "node") + " of " +
                               std::to_string(canary.wanted) + " expected, the median took " +
                               std::to_string(canary.median.whole_milliseconds()) + " ms";
  if (canary.runs < canary_runs_least) return {HealthLevel::ok, sentence};
  if (canary.failed_in_a_row >= canary_failures_fail) return {HealthLevel::fail, sentence};
  return {canary.median > canary_took_warn ? HealthLevel::warn : HealthLevel::ok, sentence};
}

Finding find_overload(const HealthFacts& facts) {
  const uint64_t all = facts.datagrams_received + facts.datagrams_dropped;
  if (facts.datagrams_dropped == 0) {
    return {HealthLevel::ok, "the kernel dropped no datagram in the last minute"};
  }
  const std::string sentence = "the kernel dropped " + std::to_string(facts.datagrams_dropped) +
                               " of " + counted(all, "datagram") + " in the last minute";
  if (all < overload_datagrams_least) return {HealthLevel::ok, sentence};
  const uint64_t parts = facts.datagrams_dropped * 100;
  if (parts > all * dropped_percent_fail) return {HealthLevel::fail, sentence};
  return {parts > all * dropped_percent_warn ? HealthLevel::warn : HealthLevel::ok, sentence};
}

Finding find_clock(const HealthFacts& facts) {
  if (!facts.is_clock_doubted) return {HealthLevel::ok, "believed"};
  return {HealthLevel::fail,
          "the host's clock is doubted, so the records of the last run are not served: set it and "
          "restart, or wait a day"};
}

Finding find_draining(const HealthFacts& facts) {
  if (!facts.is_draining) return {HealthLevel::ok, "no"};
  return {HealthLevel::fail, "the node is ending"};
}

using Find = Finding (*)(const HealthFacts& facts);
// In the order of the enum.
constexpr std::pair<std::string_view, Find> checks[] = {
    {"shards", find_shards},     {"commit", find_commit},     {"loaded", find_loaded},
    {"disk", find_disk},         {"contacts", find_contacts}, {"joined", find_joined},
    {"inbound", find_inbound},   {"outbound", find_outbound}, {"canary", find_canary},
    {"overload", find_overload}, {"clock", find_clock},       {"draining", find_draining}};
static_assert(std::size(checks) == health_checks);

HealthState state_of(const HealthFacts& facts, const HealthReport& report) {
  const auto fails = [&](HealthCheck check) { return report[check].level == HealthLevel::fail; };
  if (facts.is_draining) return HealthState::draining;
  for (const HealthCheck check : {HealthCheck::shards, HealthCheck::commit, HealthCheck::disk,
                                  HealthCheck::overload, HealthCheck::clock}) {
    if (fails(check)) return HealthState::failed;
  }
  if (facts.storage == StorageState::opening) return HealthState::starting;
  if (facts.storage == StorageState::loading) return HealthState::loading;
  if (!report.is(HealthQuestion::ready)) {
    const bool is_new = !facts.has_joined && facts.uptime < joining_max;
    return is_new ? HealthState::joining : HealthState::isolated;
  }
  const bool has_warnings =
      std::any_of(report.results.begin(), report.results.end(),
                  [](const auto& result) { return result.level == HealthLevel::warn; });
  return has_warnings ? HealthState::degraded : HealthState::ready;
}

}  // namespace

std::string_view name_of(HealthCheck check) {
  CHECK(check < HealthCheck::count);
  return checks[static_cast<size_t>(check)].first;
}

std::string_view name_of(HealthLevel level) {
  constexpr std::string_view names[] = {"ok", "warn", "fail"};
  CHECK(static_cast<size_t>(level) < std::size(names));
  return names[static_cast<size_t>(level)];
}

std::string_view name_of(HealthState state) {
  constexpr std::string_view names[] = {"starting", "loading",  "joining",  "ready",
                                        "degraded", "isolated", "draining", "failed"};
  static_assert(std::size(names) == static_cast<size_t>(HealthState::failed) + 1);
  CHECK(static_cast<size_t>(state) < std::size(names));
  return names[static_cast<size_t>(state)];
}

uint32_t company_wanted(uint64_t network_size) {
  return static_cast<uint32_t>(std::clamp<uint64_t>(network_size / 2, 1, bucket_size));
}

bool HealthReport::is(HealthQuestion question) const {
  for (size_t i = 0; i < health_checks; ++i) {
    const bool fails = results[i].level == HealthLevel::fail;
    if (fails && concerns(static_cast<HealthCheck>(i), question)) return false;
  }
  return true;
}

HealthReport check_health(const HealthFacts& facts, MonotonicTime now, const HealthReport& before) {
  CHECK(facts.calls_answered <= facts.calls_ended && now >= before.at);
  HealthReport report;
  report.at = now;
  for (size_t i = 0; i < health_checks; ++i) {
    Finding finding = checks[i].second(facts);
    const HealthResult& last = before.results[i];
    const bool is_same = !last.sentence.empty() && last.level == finding.level;
    report.results[i] = {finding.level, std::move(finding.sentence), is_same ? last.since : now};
    CHECK(!report.results[i].sentence.empty());
  }
  report.state = state_of(facts, report);
  return report;
}

HealthReport as_read(HealthReport report, MonotonicTime now) {
  const Duration age = now - report.at;
  if (age < health_age_fail || report.state == HealthState::draining) return report;
  HealthResult& shards = report.results[static_cast<size_t>(HealthCheck::shards)];
  if (shards.level != HealthLevel::fail) shards.since = report.at;
  shards.level = HealthLevel::fail;
  shards.sentence = "the admin thread has not looked after the shards for " + text_of(age);
  report.state = HealthState::failed;
  return report;
}

}  // namespace xord
