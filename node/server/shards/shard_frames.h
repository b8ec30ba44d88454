// Frames between the admin thread and a shard, besides results (node/operation_result.h): plain
// data. Commands to a shard are never lost (a full mailbox refuses the caller); reports may be
// lost, except those of contacts, and losses are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "node/budget.h"
#include "node/notice.h"
#include "node/operation_result.h"
#include "node/server/config/server_config.h"
#include "reactor/base/check.h"
#include "reactor/base/counters.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"
#include "reactor/reactor.h"
#include "storage/operation.h"

namespace xord {

// Calls in progress, for each of which there is room on the way back: those of the program, and the
// server's own joins (start-up, retries) alongside.
constexpr uint32_t own_calls_max = 16;
constexpr uint32_t program_calls_max = server_calls_max + own_calls_max;

enum class CommandKind : uint8_t {
  get,
  set,   // The value follows.
  keep,  // As set.
  forget,
  list_published,  // This shard's list, from the key on.
  list_charges,    // Of this shard's ledger; the IpAddress follows: Node::list_charges().
  explain,         // What is known of an address; the IpAddress follows: Node::explain().
  list_contacts,   // This shard's, from `key` on; the Id that they are ordered by follows.
  list_buckets,    // This shard's, from `key` on.
  list_records,    // This shard's, from `key` on, within `prefix_bits`.
  find,
  trace,      // A find that reports its calls.
  canary,     // A find of the server itself, counted apart.
  purge,      // From `key` on, within `prefix_bits`: Node::purge().
  join,       // `endpoints_count` Endpoints follow.
  drain,      // Take in nothing new, finish what must reach the disk, report all contacts; then
              // raise ShardCount::drained.
  heartbeat,  // Raise ShardCount::heartbeats.
  change,     // The address of a ShardChange follows: swap it in.
};
// As logs and statistics name them; in the order of the enum.
constexpr const char* command_names[] = {
    "get",     "set",           "keep",         "forget",       "list_published", "list_charges",
    "explain", "list_contacts", "list_buckets", "list_records", "find",           "trace",
    "canary",  "purge",         "join",         "drain",        "heartbeat",      "change"};
static_assert(std::size(command_names) == static_cast<size_t>(CommandKind::change) + 1);
// Whether the command is a call, which ends with a result.
constexpr bool is_call(CommandKind kind) {
  return kind < CommandKind::drain;
}
inline std::string_view name_of(CommandKind kind) {
  DCHECK(kind <= CommandKind::change);
  return command_names[static_cast<size_t>(kind)];
}

// The network of the program's calls: the first that the server listens for.
constexpr NetworkIndex program_network = 0;

struct ShardCommand {
  OperationId operation = 0;
  CommandKind kind{};
  NetworkIndex network = program_network;
  uint16_t endpoints_count = 0;
  uint8_t prefix_bits = 0;  // purge, list_records.
  Id key;                   // Or target.
};
static_assert(id_bits <= UINT8_MAX);                           // prefix_bits
static_assert(sizeof(ShardCommand) % alignof(Endpoint) == 0);  // They are read in place.
inline ShardCommand command_of(CommandKind kind, const Id& key) {
  ShardCommand command;
  command.kind = kind;
  command.key = key;
  return command;
}
constexpr uint32_t join_endpoints_max = bootstraps_max;
static_assert(join_endpoints_max <= UINT16_MAX);  // ShardCommand::endpoints_count

enum class ReportKind : uint8_t {
  records_loaded,  // LoadedReport: for a network.
  slow_turn,       // SlowTurnReport.
  notice,          // NoticeReport: what a node reports about itself.
  contacts,  // ContactsReport, then `count` ReportedContacts: a page of this shard's own contacts.
};

struct LoadedReport {
  ReportKind kind = ReportKind::records_loaded;
  NetworkIndex network = 0;
  uint64_t records = 0;
};
struct SlowTurnReport {
  ReportKind kind = ReportKind::slow_turn;
  Stall stall;
};
struct NoticeReport {
  ReportKind kind = ReportKind::notice;
  NodeNotice notice;
};

struct ContactsReport {
  ReportKind kind = ReportKind::contacts;
  NetworkIndex network = 0;
  bool first = false;  // The first page of a list.
  bool last = false;   // The last page: the list is complete.
  uint16_t count = 0;
};
// The first byte of a report is its kind.
static_assert(offsetof(LoadedReport, kind) == 0 && offsetof(SlowTurnReport, kind) == 0 &&
              offsetof(NoticeReport, kind) == 0 && offsetof(ContactsReport, kind) == 0);
struct ReportedContact {
  Id id;
  NodeSeconds answered_last = 0;
  Endpoint endpoint;
};
static_assert(sizeof(ReportedContact) == 48);
// 24 KiB per page and turn: the shard keeps answering in between.
constexpr uint32_t contacts_page_max = 512;
static_assert(contacts_page_max <= UINT16_MAX);  // ContactsReport::count

// What a shard counts and shows of itself.
#define XORD_SHARD_COUNTS(X)                                                           \
  X(contacts, least, "Contacts in the routing table, silent and saved ones included.") \
  X(contacts_answerable, least, "Contacts that answer and may be named.")              \
  X(records, gauge, "Records held, those that await the disk included.")               \
  X(networks_loaded, gauge, "Networks whose records are loaded.")                      \
  X(turning, gauge, "1 while the loop runs.")                                          \
  X(heartbeats, counter, "Heartbeats of the admin thread that were answered.")         \
  X(drained, gauge, "1 when a stop may proceed.")                                      \
  X(mailbox_full, counter, "Datagrams for other shards that were dropped.")            \
  X(commit_mailbox_full, counter,                                                      \
    "Disk operations that failed at once: the commit thread lags behind.")             \
  X(log_lines_dropped, counter, "Reports for the log that found no room.")             \
  X(refused_draining, counter, "Datagrams dropped at the end of a run.")

enum class ShardCount : uint8_t { XORD_SHARD_COUNTS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(ShardCount) {
  static constexpr CountInfo infos[] = {XORD_SHARD_COUNTS(XORD_COUNT_INFO)};
  return infos;
}

}  // namespace xord
