#include "node/node.h"

#include <algorithm>

namespace xord {
namespace {

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

Node::Node(const NodeConfig& config, const Id& self, const NodeSecrets& secrets, Rng rng,
           ContactBook& book, Store& store, Instant start, Store* published)
    : config_(config),
      self_(self),
      prefix_seed_(secrets.prefix_seed),
      rng_(rng),
      book_(book),
      store_(store),
      published_(published),
      table_(config.routing, self, config.shard, config.shards, book, start),
      proven_(config.budget.proven_sources, secrets.hash_seed, config.trusted),
      heard_(config.budget.heard_contacts, secrets.hash_seed),
      wanted_(config.budget.wanted_contacts, secrets.hash_seed, named_trust_min / 2),
      held_(config.budget, rpcudp::ping_request_size, secrets.hash_seed),
      waiting_(config.waiting_requests, config.waiting_bytes),
      answers_(config.budget.waiting_answers),
      round_trips_(config.budget.round_trips, secrets.hash_seed),
      in_flight_(config.shard, config.budget.requests_in_flight(), secrets.transactions, start),
      lookups_(config.budget.lookups, config.budget.lookup_rows, config.disjoint_paths),
      values_(config.lookup_values()),
      operations_(config.operations + config.budget.replications),
      pending_(config.pending_answers),
      surveys_(config.budget.region_lookups, config.budget),
      replication_(config.budget, start),
      handed_(config.budget.handed_contacts, secrets.hash_seed, hours(1)) {
  CHECK(config.shard < config.shards && config.shards <= shards_max);
  join_.alone_since = start;
}

void Node::advance(Instant now, Outputs& out) {
  in_flight_.advance(now, [&](const Call& call, Overdue what) {
    if (what == Overdue::slow) {
      became_slow(now, call, out);
    } else {
      expired(now, call, out);
    }
  });
  counters_.node.add(NodeCounter::held_dropped, held_.advance(now));
  serve_waiting(now, out);
  step_postponed(now, out);
  if (join_.retry_at && *join_.retry_at <= now) {
    ping_bootstraps(now, out);
    if (join_.pings_open == 0) look_up_self(now, out);
  }
  if (join_.repeat_at && *join_.repeat_at <= now) look_up_self(now, out);
  table_.advance(now, rng_, [&](const TableAction& action) { act(now, action, out); });
  answer_waiting(now, out);
  store_.advance(now, out.storage);
  if (published_ != nullptr) published_->advance(now, out.storage);
  take_due(now, out);
  replicate(now, out);
  watch_company(now);
  tell_changes(now, out);
}

std::optional<Instant> Node::next_wakeup() const {
  std::optional<Instant> next = in_flight_.next_wakeup();
  next = earlier(next, held_.next_wakeup());
  next = earlier(next, waiting_.next_wakeup());
  next = earlier(next, answers_.next_wakeup());
  next = earlier(next, postponed_until_);
  next = earlier(next, join_.retry_at);
  next = earlier(next, join_.repeat_at);
  next = earlier(next, table_.next_wakeup());
  next = earlier(next, table_.arrived_at());
  next = earlier(next, replication_.resume_at);
  if (published_ != nullptr) next = earlier(next, published_->next_wakeup());
  return earlier(next, store_.next_wakeup());
}

// In the order of NodeTable.
NodeUsage Node::usage() const {
  return {in_flight_.open_count(),
          lookups_.taken_count(),
          values_.kept_count(),
          operations_.taken_count() - replication_.open_count,
          replication_.open_count,
          surveys_.taken_count(),
          replication_.regions.taken_count(),
          replication_.hand_overs.taken_count(),
          held_.sources_count(),
          held_.held_count(),
          pending_.count(),
          answers_.count()};
}

}  // namespace xord
