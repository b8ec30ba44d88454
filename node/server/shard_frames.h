// What the admin thread and a shard tell each other, besides results (node/operation_result.h):
// plain data, one frame each. Commands to a shard are never lost (a full mailbox refuses the
// caller); of its reports all but contacts may be, and are then counted.
#pragma once

#include <cstdint>

#include "node/budget.h"
#include "node/notice.h"
#include "node/operation_result.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"
#include "reactor/reactor.h"
#include "storage/operation.h"

namespace xord {

enum class CommandKind : uint8_t {
  get,
  set,   // The value follows.
  keep,  // As set.
  forget,
  list_published,  // From the key on, of this shard.
  find,
  purge,  // From `key` on, within `prefix_bits`: Node::purge().
  join,   // `endpoints_count` Endpoints follow.
  drain,  // Take in nothing new, finish what the disk owes, report all contacts; then raise
          // ShardCount::drained.
};

struct ShardCommand {
  OperationId operation = 0;
  CommandKind kind{};
  NetworkIndex network = 0;
  uint16_t endpoints_count = 0;
  uint8_t prefix_bits = 0;  // purge only.
  Id key;                   // Or target.
};
constexpr uint32_t join_endpoints_max = bootstraps_max;

enum class ReportKind : uint8_t {
  records_loaded,  // LoadedReport: of a network.
  slow_turn,       // SlowTurnReport.
  notice,          // NoticeReport: what a node says of itself.
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
  bool first = false;  // Begins a new list...
  bool last = false;   // ...or ends it: the list is whole now.
  uint16_t count = 0;
};
struct ReportedContact {
  Id id;
  NodeSeconds answered_last = 0;
  Endpoint endpoint;
};
static_assert(sizeof(ReportedContact) == 48);
// 24 KiB a page and turn: the shard goes on answering in between.
constexpr uint32_t contacts_page_max = 512;

// What a shard counts and shows of itself. The first ones are gauges.
enum class ShardCount : uint8_t {
  contacts,  // In the routing table of all networks: the whole replica, equal on all shards.
  contacts_answerable,  // Of them, those that answer.
  records,              // Held by this shard.
  networks_loaded,
  turning,              // 1: the loop runs.
  drained,              // 1: the command `drain` is done.
  mailbox_full,         // Datagrams for other shards that were dropped.
  commit_mailbox_full,  // Operations that failed at once: the commit thread lags behind.
  log_lines_dropped,
  refused_draining,  // Datagrams dropped at the end of a run.
  count
};
constexpr const char* shard_count_names[] = {
    "contacts",          "contacts_answerable",
    "records",           "networks_loaded",
    "turning",           "drained",
    "mailbox_full",      "commit_mailbox_full",
    "log_lines_dropped", "refused_draining",
};
static_assert(std::size(shard_count_names) == static_cast<size_t>(ShardCount::count));
constexpr size_t shard_gauges = static_cast<size_t>(ShardCount::mailbox_full);

}  // namespace xord
