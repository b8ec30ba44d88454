// The health of a running server: named checks, each ok, warn or fail with a sentence, and one word
// for all. Pure: what is known of the node at one moment goes in as plain facts, and the table of
// checks comes out. docs/commands/health.md has the table; every threshold is a constant here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/server/stats/server_stats.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"
#include "reactor/base/shard.h"

namespace xord {

enum class HealthCheck : uint8_t {
  shards,
  commit,
  loaded,
  disk,
  contacts,
  joined,
  inbound,
  outbound,
  canary,
  overload,
  clock,
  draining,
  count
};
constexpr size_t health_checks = static_cast<size_t>(HealthCheck::count);
std::string_view name_of(HealthCheck check);

enum class HealthLevel : uint8_t { ok, warn, fail };
std::string_view name_of(HealthLevel level);

// What a failed check is a reason for: a restart (live), waiting (started), or sending traffic and
// newcomers elsewhere (ready).
enum class HealthQuestion : uint8_t { live, started, ready };
constexpr bool concerns(HealthCheck check, HealthQuestion question) {
  switch (question) {
    case HealthQuestion::live:
      return check == HealthCheck::shards || check == HealthCheck::commit;
    case HealthQuestion::started:
      return check == HealthCheck::loaded;
    case HealthQuestion::ready:
      return check != HealthCheck::commit;
  }
  return false;
}

enum class HealthState : uint8_t {
  starting,  // The database is being opened.
  loading,   // Its records are being read.
  joining,   // No node has answered yet, in the first minute.
  ready,
  degraded,  // Ready, with warnings.
  isolated,  // The network does not answer, or cannot reach the node.
  draining,  // It is about to end.
  failed,    // Not ready for another reason.
};
std::string_view name_of(HealthState state);

// ---- Thresholds.

constexpr Duration shard_silence_warn = seconds(2);
constexpr Duration shard_silence_fail = seconds(10);
constexpr Duration commit_silence_warn = seconds(5);
constexpr Duration commit_silence_fail = seconds(60);
// Free space on the disk of the data directory below either of these.
constexpr uint64_t disk_free_percent_warn = 5;
constexpr uint64_t disk_free_bytes_warn = uint64_t{1} << 30;
// A node that has not joined by then is isolated rather than joining.
constexpr Duration joining_max = minutes(1);
constexpr Duration lookup_age_warn = hours(2);
// The figures of `inbound` say nothing before this uptime, and in a smaller network, of which a
// node calls every other within five minutes: the canary alone calls some 25 a minute.
constexpr Duration inbound_after = minutes(30);
constexpr uint64_t inbound_network_least = 500;
constexpr Duration inbound_age_warn = minutes(15);
constexpr Duration inbound_age_fail = minutes(30);
// Of calls in outbound_window, if there were at least so many.
constexpr Duration outbound_window = minutes(5);
constexpr uint64_t outbound_calls_least = 50;
constexpr uint64_t answered_percent_warn = 50;
constexpr uint64_t answered_percent_fail = 10;
constexpr uint32_t canary_runs_least = 3;
constexpr uint32_t canary_failures_fail = 3;  // One after the other.
constexpr uint32_t canary_runs_kept = 10;     // The median is of these.
constexpr Duration canary_took_warn = seconds(2);
// Of datagrams in overload_window, if there were at least so many.
constexpr Duration overload_window = minutes(1);
constexpr uint64_t overload_datagrams_least = 100;
constexpr uint64_t dropped_percent_warn = 1;
constexpr uint64_t dropped_percent_fail = 20;
// Somebody else must look at the facts each second; a table that is older is not to be believed.
constexpr Duration health_age_fail = shard_silence_fail;

static_assert(shard_silence_warn < shard_silence_fail && commit_silence_warn < commit_silence_fail);
static_assert(inbound_age_warn < inbound_age_fail && inbound_age_fail <= inbound_after);
static_assert(answered_percent_fail < answered_percent_warn &&
              dropped_percent_warn < dropped_percent_fail);
static_assert(canary_failures_fail <= canary_runs_least && canary_runs_least <= canary_runs_kept);

// The contacts that a node should have, and a canary should find: twenty, or half the network if
// that is smaller. One at least: a network that we lost seems to have no nodes.
uint32_t company_wanted(uint64_t network_size);

// ---- Facts.

// A thread that has not answered its heartbeat.
struct ThreadSilence {
  ShardIndex shard = 0;
  Duration lasted;
};

struct CanaryFacts {
  bool is_on = false;
  uint32_t runs = 0;  // Since the start.
  uint32_t failed_in_a_row = 0;
  uint32_t found = 0;  // In the last run, and how many it should have found.
  uint32_t wanted = 0;
  Duration median;  // Of the last canary_runs_kept.
};

// What is known at one moment. Ages are as of that moment; empty: it never happened.
struct HealthFacts {
  Duration uptime;
  ThreadSilence shard;   // The longest.
  ThreadSilence commit;  // The longest of those with writes pending and an open database.
  StorageState storage = StorageState::opening;
  uint64_t records_loaded = 0;
  uint64_t records_expected = 0;  // About.
  Duration loading_for;
  uint64_t disk_free = 0;  // Bytes.
  uint64_t disk_size = 0;  // 0: not known.
  // Names were given, or an earlier run saved contacts: so there should be a network.
  bool has_known_nodes = false;
  uint32_t ready_contacts = 1;          // The setting.
  uint32_t contacts = 0;                // That answer.
  uint64_t network_size = 0;            // Estimated.
  bool has_joined = false;              // A lookup of the own id found a node.
  std::optional<Duration> lookup_age;   // Since a lookup last found a node.
  std::optional<Duration> inbound_age;  // Since a request from a source that was not called.
  uint64_t calls_ended = 0;             // In outbound_window.
  uint64_t calls_answered = 0;
  CanaryFacts canary;
  uint64_t datagrams_received = 0;  // In overload_window.
  uint64_t datagrams_dropped = 0;   // By the kernel, for want of room.
  bool is_clock_doubted = false;
  bool is_draining = false;
};

// ---- The table.

struct HealthResult {
  HealthLevel level = HealthLevel::ok;
  std::string sentence;  // No full stop.
  MonotonicTime since;   // When it came to this level.
};

struct HealthReport {
  HealthState state = HealthState::starting;
  MonotonicTime at;                                 // When the facts were gathered.
  std::array<HealthResult, health_checks> results;  // By HealthCheck.

  const HealthResult& operator[](HealthCheck check) const {
    CHECK(check < HealthCheck::count);
    return results[static_cast<size_t>(check)];
  }
  // Whether no check that concerns `question` fails.
  bool is(HealthQuestion question) const;
};

// All checks. A level that is the same as in `before` keeps its `since`.
HealthReport check_health(const HealthFacts& facts, MonotonicTime now, const HealthReport& before);

// `report` as it is to be read at `now`: if it was not renewed for health_age_fail, the threads of
// the node are not to be believed alive, and `shards` fails.
HealthReport as_read(HealthReport report, MonotonicTime now);

}  // namespace xord
