#include "tools/sim/checkers.h"

#include <algorithm>

#include <xxhash.h>

#include "node/endpoint_hash.h"
#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

// A request may be answered late, if it is held for a proof or waits for a stalled disk.
constexpr Duration asked_lifetime = hours(1);
static_assert(asked_lifetime > held_lifetime);
// An answer that was earned while the source was proven may leave after the proof has lapsed.
constexpr Duration proof_slack = hours(1);
// A node makes its own copy when the set's lookup has ended.
constexpr Duration own_copy_slack = minutes(5);

uint64_t hash_of(const Endpoint& source, Bytes transaction) {
  return XXH3_64bits_withSeed(transaction.data(), transaction.size(), endpoint_hash(source, 1));
}
uint64_t hash_of(Bytes bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), 2);
}

size_t request_size_max(const Dialect& dialect) {
  const std::vector<uint8_t> largest(value_size_max);
  return dialect.request_size_max({Method::store, {}, largest, 0});
}

}  // namespace

Checkers::Checkers(World& world, bool watches)
    : world_(world),
      dialect_(world.dialect()),
      request_limit_(request_size_max(dialect_)),
      reply_limit_(std::max(dialect_.contacts_size_max(), dialect_.value_size(value_size_max))),
      watches_(watches) {
  if (watches) world.add_watcher(*this);
}

Checkers::Believed& Checkers::believed(uint32_t host) {
  CHECK(host < world_.hosts_count());
  if (believed_.size() <= host) believed_.resize(world_.hosts_count());
  return believed_[host];
}

void Checkers::violated(uint32_t host, const std::string& what) {
  if (!violation_) violation_ = {world_.now(), host, what};
  world_.stop();
}

bool Checkers::is_proven(uint32_t host, const Endpoint& source) const {
  CHECK(host < believed_.size());
  const Believed& believed = believed_[host];
  const auto found = believed.proven.find(endpoint_hash(source, 0));
  return found != believed.proven.end() &&
         world_.local_now(host) - found->second <= proven_lifetime + milliseconds(1);
}

void Checkers::permit(uint32_t host, const Id& key, Bytes value, Instant until) {
  std::vector<Permit>& permits = believed(host).permits[hash_of(key.bytes)];
  const uint64_t fingerprint = hash_of(value);
  for (Permit& known : permits) {
    if (known.fingerprint != fingerprint) continue;
    known.until = std::max(known.until, until);
    return;
  }
  permits.push_back({fingerprint, until});
}

void Checkers::note_own_copy(uint32_t host, const Id& key, Bytes value) {
  if (!watches_) return;
  permit(host, key, value,
         world_.local_now(host) + world_.options().xord.node.ttl + own_copy_slack);
}

void Checkers::note_kept(uint32_t host, const Id& key, Bytes value) {
  if (!watches_) return;
  note_own_copy(host, key, value);
  believed(host).kept.insert(hash_of(value));
}

// ---- Incoming datagrams.

void Checkers::turn_begins(uint32_t host, const Datagram* datagram) {
  cause_ = nullptr;
  sent_to_cause_ = 0;
  if (world_.host(host).node == nullptr) return;
  sweep(believed(host), world_.local_now(host));
  if (datagram == nullptr || datagram->bytes.empty()) return;
  const Instant local = world_.local_now(host);
  if (dialect_.is_reply(datagram->bytes)) {
    reply_arrives(host, local, *datagram);
  } else {
    request_arrives(host, local, *datagram);
  }
  note_contact(host, local, datagram->path.remote);
  if (is_proven(host, datagram->path.remote)) return;
  cause_ = datagram;
  ++counts_.unproven;
}

// A filed contact that has not fallen silent counts as proven now, though perhaps not any more when
// its answer leaves.
void Checkers::note_contact(uint32_t host, Instant local, const Endpoint& source) {
  const XordNode& node = *world_.host(host).node;
  bool is_known = false;
  for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
    is_known = is_known || node.node(shard).knows_contact_at(source);
  }
  if (!is_known) return;
  Instant& proven =
      believed(host).proven.try_emplace(endpoint_hash(source, 0), Instant::min()).first->second;
  proven = std::max(proven, local - proven_lifetime);
}

void Checkers::request_arrives(uint32_t host, Instant local, const Datagram& datagram) {
  const Endpoint& source = datagram.path.remote;
  Request request;
  if (dialect_.read_request(datagram.bytes, &request) != ParseError::none) return;
  AskedBy& asked = believed(host).asked[hash_of(source, request.transaction)];
  // A flooder repeats a transaction with another question; either one may be answered.
  if (asked.replies_left > 0 &&
      (asked.method != request.method || asked.target != request.target)) {
    asked.is_ambiguous = true;
  }
  asked.source = source;
  asked.method = request.method;
  asked.target = request.target;
  asked.at = local;
  ++asked.replies_left;
  if (request.method == Method::store && request.acceptable) {
    const Duration age = seconds(request.age.value_or(0));
    permit(host, request.target, request.value,
           local + world_.options().xord.node.ttl - age + seconds(1));
  }
}

void Checkers::reply_arrives(uint32_t host, Instant local, const Datagram& datagram) {
  const Bytes transaction = dialect_.transaction_of(datagram.bytes);
  Believed& mine = believed(host);
  const auto called = mine.called.find(hash_of(transaction));
  if (called == mine.called.end() || called->second.to != datagram.path.remote) return;
  mine.proven[endpoint_hash(datagram.path.remote, 0)] = local;
  mine.called.erase(called);
}

// ---- Outgoing datagrams.

void Checkers::sent(uint32_t host, const Endpoint& to, Bytes bytes) {
  if (world_.host(host).node == nullptr) return;
  ++counts_.datagrams;
  const bool is_reply = dialect_.is_reply(bytes);
  if (bytes.size() > (is_reply ? reply_limit_ : request_limit_)) {
    return violated(host, "a datagram of " + std::to_string(bytes.size()) + " bytes");
  }
  if (to.port == 0) return violated(host, "a datagram to port 0");
  if (cause_ != nullptr && cause_->path.remote == to) {
    sent_to_cause_ += bytes.size();
    if (static_cast<double>(sent_to_cause_) >
        static_cast<double>(cause_->bytes.size()) * world_.options().xord.node.amplification_max) {
      return violated(host, std::to_string(sent_to_cause_) + " bytes to an unproven source for " +
                                std::to_string(cause_->bytes.size()));
    }
  }
  if (is_reply) {
    reply_leaves(host, to, bytes);
  } else {
    request_leaves(host, to, bytes);
  }
}

void Checkers::request_leaves(uint32_t host, const Endpoint& to, Bytes bytes) {
  Believed& mine = believed(host);
  mine.called[hash_of(dialect_.transaction_of(bytes))] = {to, world_.local_now(host)};
  if (mine.kept.empty()) return;
  Request request;
  if (dialect_.read_request(bytes, &request) != ParseError::none) return;
  const bool is_published = request.method == Method::store && !request.age;
  if (is_published && mine.kept.contains(hash_of(request.value))) {
    note_own_copy(host, request.target, request.value);
  }
}

void Checkers::reply_leaves(uint32_t host, const Endpoint& to, Bytes bytes) {
  ++counts_.replies;
  Believed& mine = believed(host);
  const auto found = mine.asked.find(hash_of(to, dialect_.transaction_of(bytes)));
  if (found == mine.asked.end() || found->second.replies_left == 0) {
    return violated(host, "a reply that nobody asked for, or a second one");
  }
  const bool answers_cause = cause_ != nullptr && cause_->path.remote == to;
  if (!answers_cause && !is_proven(host, to)) {
    const auto proof = mine.proven.find(endpoint_hash(to, 0));
    const bool lapsed = proof != mine.proven.end() &&
                        world_.local_now(host) - proof->second < proven_lifetime + proof_slack;
    if (!lapsed) return violated(host, "a late reply to a source that never proved its address");
  }
  const AskedBy asked = found->second;
  if (--found->second.replies_left == 0) mine.asked.erase(found);
  check_answer(host, asked, bytes);
}

void Checkers::check_answer(uint32_t host, const AskedBy& asked, Bytes bytes) {
  if (asked.is_ambiguous) return;
  Reply reply;
  if (dialect_.read_reply(bytes, asked.method, &reply) != ParseError::none) {
    return violated(host, "a reply that does not parse as one to what was asked");
  }
  const bool names_sender =
      asked.method == Method::ping || dialect_.traits().every_reply_names_its_sender;
  if (names_sender && reply.responder != world_.host(host).id) {
    return violated(host, "a reply that names another sender");
  }
  if (!reply.has_value) return check_contacts(host, asked, reply);
  ++counts_.values_served;
  for (const Permit& permit : believed(host).permits[hash_of(asked.target.bytes)]) {
    if (permit.fingerprint != hash_of(reply.value)) continue;
    if (world_.local_now(host) < permit.until) return;
    return violated(host,
                    "a value served " +
                        std::to_string((world_.local_now(host) - permit.until).whole_seconds()) +
                        " s after it expired");
  }
  violated(host, "a value served that was never stored there");
}

void Checkers::check_contacts(uint32_t host, const AskedBy& asked, const Reply& reply) {
  if (reply.contacts_count > bucket_size)
    return violated(host, "an answer of more than k contacts");
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    const Contact& contact = reply.contacts[i];
    if (contact.endpoint == asked.source) return violated(host, "the asker named to itself");
    if (contact.endpoint.port == 0) return violated(host, "a contact at port 0");
    if (contact.id == world_.host(host).id) return violated(host, "itself named");
    if (i > 0 && !nearer(asked.target, reply.contacts[i - 1].id, contact.id)) {
      return violated(host, "contacts that are not in order of distance");
    }
  }
}

void Checkers::turn_ends(uint32_t) {
  cause_ = nullptr;
}

// ---- Upkeep.

// Now and then drops what can no longer matter, so that long runs stay small.
void Checkers::sweep(Believed& mine, Instant local) {
  if (local - mine.swept < minutes(10)) return;
  mine.swept = local;
  std::erase_if(mine.asked,
                [&](const auto& entry) { return local - entry.second.at > asked_lifetime; });
  std::erase_if(mine.called,
                [&](const auto& entry) { return local - entry.second.at > minutes(30); });
  std::erase_if(mine.proven, [&](const auto& entry) {
    return local - entry.second > proven_lifetime + proof_slack;
  });
}

void Checkers::went_down(uint32_t host, Storage storage) {
  Believed& mine = believed(host);
  mine.asked.clear();
  mine.called.clear();
  mine.proven.clear();
  if (storage == Storage::kept) return;
  mine.permits.clear();
  mine.kept.clear();
}

void Checkers::inspect_tables(uint32_t host, const Node& node) {
  const NodeUsage usage = node.usage();
  const NodeUsage most = usage_max(world_.config_of(host).node);
  for (size_t i = 0; i < usage.size(); ++i) {
    if (usage[i] <= most[i]) continue;
    violated(host, std::to_string(usage[i]) + " " + node_table_names[i] + ", at most " +
                       std::to_string(most[i]) + " are allowed");
  }
}

void Checkers::inspect(uint32_t hosts) {
  CHECK(world_.hosts_count() > 0);
  world_.check_invariants();
  for (uint32_t i = 0; i < hosts && !violation_; ++i) {
    const uint32_t host = next_inspected_++ % world_.hosts_count();
    XordNode* node = world_.host(host).node;
    if (node == nullptr) continue;
    ++counts_.inspections;
    for (uint32_t shard = 0; shard < node->shards_count(); ++shard) {
      node->node(shard).check_invariants();
      inspect_tables(host, node->node(shard));
      const auto& counters = node->store(shard).counters();
      if (counters.read(StoreCount::records) > world_.options().xord.store.records_max) {
        violated(host, "more records than it may keep");
      }
      if (node->node(shard).contacts_count() > world_.options().xord.node.routing.contacts_max &&
          node->shards_count() == 1) {
        violated(host, "more contacts than it may file");
      }
    }
  }
}

}  // namespace xord::sim
