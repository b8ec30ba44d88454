// What the log reports about the running node (docs/LOG.md): what its shards report, which limits
// are near, and how much it did.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "node/server/admin/admin.h"
#include "node/server/admin/notice_lines.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t near_percent = 90;  // A limit is near from this much of it...
constexpr uint64_t left_percent = 85;  // ...until use falls below this: no flicker in the log.
static_assert(left_percent < near_percent && near_percent <= 100);
static_assert(storage_bounds.most <= UINT64_MAX / 200);  // Percentages of bytes do not overflow.
static_assert(plan_memory(memory_bounds.least, records_bounds.least).records_max > 0);
constexpr Duration table_interval = minutes(1);
constexpr Duration clone_again = minutes(10);  // Each shard may see it, at times of its own.

double rounded(Duration duration) {
  return std::round(duration.seconds() * 1000) / 1000;
}

uint64_t sum_of(const std::vector<NamedCount>& counts, std::string_view prefix) {
  uint64_t sum = 0;
  for (const NamedCount& count : counts) {
    if (count.info->name.starts_with(prefix)) sum += count.value;
  }
  return sum;
}

// A report that nothing follows.
template <class Report>
const Report& report_in(Bytes frame) {
  const Report* report = frame_header<Report>(frame);
  CHECK(report != nullptr && frame.size() == sizeof(Report));
  return *report;
}

}  // namespace

// ---- Reports of the shards.

void Admin::take_report(ShardIndex shard, Bytes frame) {
  CHECK(!frame.empty());
  switch (static_cast<ReportKind>(frame[0])) {
    case ReportKind::contacts:
      return take_contacts(shard, frame);
    case ReportKind::records_loaded: {
      const auto& loaded = report_in<LoadedReport>(frame);
      log_.write_each(LogLevel::info, "records loaded",
                      {{"network", network_name(loaded.network)},
                       {"shard", shard},
                       {"records", loaded.records}});
      health_->look_again();
      return;
    }
    case ReportKind::slow_turn: {
      const Stall& stall = report_in<SlowTurnReport>(frame).stall;
      log_.write(LogLevel::warning, "slow turn",
                 {{"shard", shard},
                  {"ms", stall.turn.whole_milliseconds()},
                  {"longest", std::string(name_of(stall.longest))},
                  {"longest_ms", stall.longest_took.whole_milliseconds()},
                  {"frames", stall.frames},
                  {"datagrams", stall.datagrams}});
      return;
    }
    case ReportKind::notice:
      return log_notice(shard, report_in<NoticeReport>(frame).notice);
  }
}

// The header has 6 bytes, so the contacts after it are not aligned.
void Admin::take_contacts(ShardIndex shard, Bytes frame) {
  const ContactsReport* report = frame_header<ContactsReport>(frame);
  CHECK(report != nullptr && report->count <= contacts_page_max);
  std::vector<ReportedContact> contacts(report->count);
  const Bytes tail = frame_tail<ContactsReport>(frame);
  CHECK(tail.size() == contacts.size() * sizeof(ReportedContact));
  if (!contacts.empty()) std::memcpy(contacts.data(), tail.data(), tail.size());
  saver_->take(shard, *report, contacts);
}

const std::string& Admin::network_name(NetworkIndex network) const {
  CHECK(network < files_.identities.size());
  return files_.identities[network].network;
}

const Id& Admin::network_id(NetworkIndex network) const {
  CHECK(network < files_.identities.size());
  return files_.identities[network].id;
}

void Admin::log_notice(ShardIndex shard, const NodeNotice& notice) {
  CHECK(notice.network < networks_.size());
  Network& network = networks_[notice.network];
  Json fields = {{"network", network_name(notice.network)}};
  const std::string address = notice.contact.endpoint.text();
  switch (notice.kind) {
    case NoticeKind::joined:
      fields["contacts"] = notice.count;
      fields["after_s"] = rounded(notice.lasted);
      if (notice.contact.endpoint.port != 0) fields["via"] = address;
      log_.write(LogLevel::info, "joined", fields);
      return;
    case NoticeKind::nobody_answered:
      return log_nobody_answered(std::move(fields), notice);
    case NoticeKind::alone_again:
      fields["silent"] = notice.count;
      if (const auto last = saver_->answered_last(notice.network)) {
        fields["last_contact"] = last->text();
      }
      fields["trying"] = network.keeper->names();
      if (network.keeper->names().empty()) {
        fields["hint"] =
            "no bootstrap address is known: the silent contacts are pinged until they are given "
            "up; restart with --bootstrap HOST:PORT if none comes back";
      }
      log_.write(LogLevel::warning, "alone again", fields);
      return;
    case NoticeKind::own_address:
      fields["address"] = address;
      fields["hint"] = "this bootstrap address is the node's own, so it is of no use";
      log_.write(LogLevel::info, "own address", fields);
      return;
    case NoticeKind::own_id_elsewhere:
      return log_clone(std::move(fields), notice);
    case NoticeKind::first_request:
      if (std::exchange(network.has_first_request, true))
        return;  // Another shard reported one first.
      fields["from"] = address;
      fields["method"] = std::string(name_of(notice.method));
      log_.write(LogLevel::info, "first request from outside", fields);
      return;
    case NoticeKind::limit_began:
    case NoticeKind::limit_ended:
      return log_limit(std::move(fields), shard, notice);
    case NoticeKind::source_thinned:
    case NoticeKind::source_restored: {
      const NoticeLine line = line_of_source(network_name(notice.network), shard, notice);
      log_.write(line.level, line.message, line.fields);
      return;
    }
  }
}

void Admin::log_limit(nlohmann::ordered_json fields, ShardIndex shard, const NodeNotice& notice) {
  LimitedPrefixes& limited = networks_[notice.network].limited;
  fields["prefix"] = notice.prefix.text();
  if (notice.kind == NoticeKind::limit_began) {
    if (!limited.began(shard, notice.prefix)) return;
    CHECK(is_limited(notice.charge));
    fields["limit"] = charge_names[static_cast<size_t>(notice.charge)];
    fields["hint"] =
        "its sources take more than their share, or a forger takes it in their name; `xord limits` "
        "shows what is charged, and --limit-for CIDR=FACTOR gives a gateway with many users more";
    log_.write(LogLevel::warning, "limit began", fields);
    return;
  }
  const auto ended = limited.ended(shard, notice.prefix, notice.count, notice.lasted);
  if (!ended) return;
  fields["lasted_s"] = rounded(ended->lasted);
  fields["refused"] = ended->refused;
  log_.write(LogLevel::info, "limit ended", fields);
}

void Admin::log_nobody_answered(nlohmann::ordered_json fields, const NodeNotice& notice) {
  fields["asked"] = networks_[notice.network].keeper->asked();
  fields["for_s"] = rounded(notice.lasted);
  fields["hint"] =
      "check the address and the port, that a node runs there, and that no firewall drops UDP in "
      "either direction; the node keeps asking";
  log_.write(LogLevel::warning, "nobody answered", fields);
}

void Admin::log_clone(nlohmann::ordered_json fields, const NodeNotice& notice) {
  Network& network = networks_[notice.network];
  const Endpoint& endpoint = notice.contact.endpoint;
  const MonotonicTime now = monotonic_time();
  if (network.clone == endpoint && now < network.clone_told_at + clone_again) return;
  network.clone = endpoint;
  network.clone_told_at = now;
  fields["address"] = endpoint.text();
  fields["id"] = files_.identities[notice.network].id.hex();
  fields["data_dir"] = files_.directory->path();
  fields["hint"] =
      "another node has this id, from a copy of this data directory; the network treats the two "
      "as one and loses records: stop one of them and start it on a new data directory; `xord "
      "store export` and `import` move its records there";
  log_.write(LogLevel::error, "own id elsewhere", fields);
}

// ---- Limits.

void Admin::watch_limits() {
  uint64_t records = 0;
  uint64_t value_bytes = 0;
  uint64_t published = 0;
  uint64_t contacts = UINT64_MAX;
  for (uint32_t index = 0; index < shards_->count(); ++index) {
    const Shard& shard = shards_->shard(index);
    contacts = std::min(contacts, shard.counters().read(ShardCount::contacts));
    for (NetworkIndex network = 0; network < shard.networks_count(); ++network) {
      records += shard.store_counters(network).read(StoreCount::records);
      value_bytes += shard.store_counters(network).read(StoreCount::value_bytes);
      value_bytes += shard.store_counters(network).read(StoreCount::records) * row_bytes_on_disk;
      published += shard.published_counters(network).read(StoreCount::records);
    }
  }
  const MemoryPlan plan = plan_memory(config_.memory_max, config_.records_max);
  const bool is_memory = plan.records_max < config_.records_max;
  constexpr const char* stores_hint = "at the limit stores are refused: raise it";
  struct Limit {
    const char* setting;
    const char* of;
    uint64_t used;
    uint64_t most;
    const char* hint;
  };
  const std::array<Limit, limits_count> limits{{
      {is_memory ? "memory-max" : "records-max", "records", records, plan.records_max, stores_hint},
      {"storage-max", "bytes", value_bytes, config_.storage_max, stores_hint},
      {"contacts-max", "contacts", contacts, config_.contacts_max,
       "at the limit there is no place for newcomers: raise it"},
      {"", "published keys", published, published_max,
       "at the limit no key can be added: forget some, or publish from a second node as well"},
  }};
  for (size_t i = 0; i < limits.size(); ++i) {
    const Limit& limit = limits[i];
    CHECK(limit.most > 0);
    const uint64_t percent = is_near_[i] ? left_percent : near_percent;
    const bool is_near = limit.used * 100 >= limit.most * percent;
    if (is_near == is_near_[i]) continue;
    is_near_[i] = is_near;
    Json fields = {{"of", limit.of}, {"used", limit.used}, {"most", limit.most}};
    if (*limit.setting != 0) fields["setting"] = limit.setting;
    if (is_near) fields["hint"] = limit.hint;
    log_.write(is_near ? LogLevel::warning : LogLevel::info,
               is_near ? "limit near" : "limit no longer near", fields);
  }
}

// ---- Totals.

void Admin::write_stats(LogLevel level, const ServerStats& stats) {
  log_.write_each(level, "stats", Json::parse(stats.json()));
}

void Admin::log_totals(const ServerStats& stats) {
  const uint64_t dropped = stats.count("mailbox_full") + stats.count("outbox_full") +
                           stats.count("unproven_bounded") + stats.count("held_dropped");
  log_.write_each(LogLevel::info, "totals",
                  {{"uptime_s", std::lround(stats.uptime_seconds)},
                   {"requests", sum_of(stats.total.node, "requests_")},
                   {"replies", stats.count("replies_sent")},
                   {"malformed", sum_of(stats.total.malformed, "")},
                   {"dropped", dropped},
                   {"calls", stats.count("calls_sent")},
                   {"unanswered", stats.count("calls_failed")},
                   {"stores", stats.count("stores_acknowledged")},
                   {"refused", stats.count("stores_refused")},
                   {"contacts", stats.contacts},
                   {"records", stats.records}});
  if (log_.is_on(LogLevel::debug)) write_stats(LogLevel::debug, stats);
}

void Admin::log_call(const Calls::Call& call, const OperationResult& result) {
  if (!log_.is_on(LogLevel::debug)) return;
  log_.write_each(LogLevel::debug, "call ended",
                  {{"kind", std::string(name_of(call.kind))},
                   {"status", std::string(name_of(status_of(result.status)))},
                   {"ms", (monotonic_time() - call.began).whole_milliseconds()},
                   {"asked", result.asked},
                   {"hops", result.hops},
                   {"contacts", result.contacts_count},
                   {"stored", result.stored},
                   {"erased", result.erased},
                   {"value_bytes", result.value_size}});
}

void Admin::log_table() {
  const MonotonicTime now = monotonic_time();
  if (!log_.is_on(LogLevel::debug) || now < table_at_) return;
  table_at_ = now + table_interval;
  const ServerStats now_there = stats();
  log_.write_each(LogLevel::debug, "table",
                  {{"contacts", now_there.contacts},
                   {"answerable", now_there.count("contacts_answerable")},
                   {"network_size", now_there.count("network_size")},
                   {"lookups", now_there.count("lookups_finished")},
                   {"calls", now_there.count("calls_sent")},
                   {"unanswered", now_there.count("calls_failed")},
                   {"republished", now_there.count("records_republished")},
                   {"published", now_there.count("records_published")}});
}

}  // namespace xord
