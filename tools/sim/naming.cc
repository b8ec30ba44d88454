#include "tools/sim/naming.h"

#include <algorithm>

#include "node/routing/contact_replica.h"
#include "reactor/base/check.h"

namespace xord::sim {
namespace {

constexpr size_t open_max = 256;
// A request not answered within this time will never be.
constexpr Duration open_for = minutes(1);
// Walking a table costs more than the answer itself.
constexpr uint64_t table_every = 8;

}  // namespace

// ---- Waiting times.

void Waits::add(Duration wait) {
  CHECK(wait >= Duration{});
  const double seconds = wait.seconds();
  ++count_;
  sum_ += seconds;
  max_ = std::max(max_, seconds);
  if (seconds > 0) waited_.push_back(static_cast<float>(seconds));
}

void Waits::add(const Waits& others) {
  count_ += others.count_;
  sum_ += others.sum_;
  max_ = std::max(max_, others.max_);
  waited_.insert(waited_.end(), others.waited_.begin(), others.waited_.end());
}

double Waits::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

double Waits::quantile(double share) const {
  CHECK(share >= 0 && share <= 1 && waited_.size() <= count_);
  if (count_ == 0) return 0;
  const auto at = static_cast<uint64_t>(share * static_cast<double>(count_ - 1) + 0.5);
  const uint64_t at_once = count_ - waited_.size();
  if (at < at_once) return 0;
  std::vector<float> sorted = waited_;
  const auto nth = sorted.begin() + static_cast<ptrdiff_t>(at - at_once);
  std::nth_element(sorted.begin(), nth, sorted.end());
  return *nth;
}

void NamingCounts::add(const NamingCounts& others) {
  answers += others.answers;
  named += others.named;
  down += others.down;
  other_id += others.other_id;
  compared += others.compared;
  living += others.living;
  living_named += others.living_named;
  waits.add(others.waits);
  served_waits.add(others.served_waits);
  for (size_t i = 0; i < pings.size(); ++i) pings[i] += others.pings[i];
  pings_sent += others.pings_sent;
  pings_admitting += others.pings_admitting;
  pings_to_down += others.pings_to_down;
}

uint64_t NamingCounts::other_pings() const {
  uint64_t known = pings_admitting;
  for (const uint64_t count : pings) known += count;
  return pings_sent - std::min(known, pings_sent);
}

// ---- Incoming datagrams.

std::vector<Naming::Open>& Naming::open_at(uint32_t host) {
  CHECK(host < world_.hosts_count());
  if (open_.size() <= host) open_.resize(world_.hosts_count());
  return open_[host];
}

void Naming::turn_begins(uint32_t host, const Datagram* datagram) {
  const XordNode* node = world_.host(host).node;
  turn_ = {};
  if (datagram == nullptr || node == nullptr) return;
  turn_ = {datagram, dialect_.is_reply(datagram->bytes), node->count(NodeCounter::held),
           node->count(NodeCounter::held_released)};
  if (turn_.is_reply) {
    reply_arrives(open_at(host), datagram->path.remote);
  } else {
    request_arrives(open_at(host), *datagram);
  }
}

void Naming::request_arrives(std::vector<Open>& open, const Datagram& datagram) {
  Request request;
  if (dialect_.read_request(datagram.bytes, &request) != ParseError::none) return;
  const bool is_question =
      request.method == Method::find_node || request.method == Method::find_value;
  if (!is_question) return;
  if (open.size() >= open_max) open.erase(open.begin());
  Open& asked = open.emplace_back();
  asked.source = datagram.path.remote;
  asked.transaction = WireTransaction::of(request.transaction);
  asked.method = request.method;
  asked.target = request.target;
  asked.arrived = asked.servable = world_.now();
  CHECK(open.size() <= open_max);
}

// This reply may be the one that requests of this source are held for; turn_ends() finds out.
void Naming::reply_arrives(std::vector<Open>& open, const Endpoint& source) {
  for (Open& asked : open) {
    if (asked.is_held && asked.source == source) asked.servable = world_.now();
  }
}

void Naming::turn_ends(uint32_t host) {
  const XordNode* node = world_.host(host).node;
  const Turn turn = std::exchange(turn_, {});
  if (turn.datagram == nullptr || node == nullptr) return;
  CHECK(node->count(NodeCounter::held) >= turn.held &&
        node->count(NodeCounter::held_released) >= turn.released);
  std::vector<Open>& open = open_at(host);
  if (turn.is_reply) {
    const bool is_proof = node->count(NodeCounter::held_released) > turn.released;
    for (Open& asked : open) {
      if (is_proof && asked.source == turn.datagram->path.remote) asked.is_held = false;
    }
  } else if (!open.empty() && node->count(NodeCounter::held) > turn.held) {
    Open& asked = open.back();
    const bool is_of_turn =
        asked.arrived == world_.now() && asked.source == turn.datagram->path.remote;
    if (is_of_turn) asked.is_held = true;
  }
  if (open.empty() || world_.now() - open.front().arrived < open_for) return;
  std::erase_if(open, [&](const Open& asked) { return world_.now() - asked.arrived >= open_for; });
}

// ---- Outgoing datagrams.

void Naming::sent(uint32_t host, const Endpoint& to, Bytes bytes) {
  if (world_.host(host).node == nullptr) return;
  if (!dialect_.is_reply(bytes)) return request_leaves(host, to, bytes);
  const Bytes transaction = dialect_.transaction_of(bytes);
  std::vector<Open>& open = open_at(host);
  const auto found = std::find_if(open.begin(), open.end(), [&](const Open& asked) {
    return asked.source == to && equal(transaction, asked.transaction.view());
  });
  if (found == open.end()) return;
  const Open asked = *found;
  open.erase(found);
  Reply reply;
  if (dialect_.read_reply(bytes, asked.method, &reply) != ParseError::none) return;
  if (!reply.has_value) answer_leaves(host, asked, reply);
}

void Naming::request_leaves(uint32_t host, const Endpoint& to, Bytes bytes) {
  Request request;
  if (dialect_.read_request(bytes, &request) != ParseError::none) return;
  if (request.method != Method::ping) return;
  ++counts_.pings_sent;
  const bool is_of_admission = turn_.datagram != nullptr && turn_.datagram->path.remote == to &&
                               world_.host(host).node->count(NodeCounter::held) > turn_.held;
  counts_.pings_admitting += is_of_admission;
  counts_.pings_to_down += !is_up(to);
}

bool Naming::is_up(const Endpoint& endpoint) const {
  const auto host = world_.host_at(endpoint);
  return host && world_.host(*host).is_up();
}

bool Naming::lives(const Contact& contact) const {
  return is_up(contact.endpoint) && world_.host(*world_.host_at(contact.endpoint)).id == contact.id;
}

void Naming::answer_leaves(uint32_t host, const Open& asked, const Reply& reply) {
  CHECK(asked.arrived <= asked.servable && world_.host(host).node != nullptr);
  ++counts_.answers;
  counts_.waits.add(world_.now() - asked.arrived);
  counts_.served_waits.add(world_.now() - asked.servable);
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    ++counts_.named;
    if (!is_up(reply.contacts[i].endpoint)) {
      ++counts_.down;
    } else if (!lives(reply.contacts[i])) {
      ++counts_.other_id;
    }
  }
  if (counts_.answers % table_every == 0) compare_with_table(host, asked, reply);
}

void Naming::compare_with_table(uint32_t host, const Open& asked, const Reply& reply) {
  DCHECK(reply.contacts_count <= reply.contacts.size());
  std::vector<Id> living;
  const XordNode& node = *world_.host(host).node;
  for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
    node.node(shard).for_each_own_contact([&](const Contact& contact, Instant) {
      if (contact.endpoint == asked.source) return;
      if (family_of(contact.endpoint) != family_of(asked.source)) return;
      if (lives(contact)) living.push_back(contact.id);
    });
  }
  const size_t count = std::min<size_t>(bucket_size, living.size());
  std::partial_sort(living.begin(), living.begin() + static_cast<ptrdiff_t>(count), living.end(),
                    [&](const Id& a, const Id& b) { return nearer(asked.target, a, b); });
  const auto named = std::span(reply.contacts).first(reply.contacts_count);
  ++counts_.compared;
  counts_.living += count;
  for (const Id& id : std::span(living).first(count)) {
    counts_.living_named += std::any_of(named.begin(), named.end(),
                                        [&](const Contact& contact) { return contact.id == id; });
  }
}

// ---- Pings.

void Naming::went_down(uint32_t host, Storage) {
  open_at(host).clear();
  const XordNode* node = world_.host(host).node;
  if (node == nullptr) return;
  for (size_t i = 0; i < pings_of_ended_.size(); ++i) {
    pings_of_ended_[i] += node->count(ping_counters[i].counter);
  }
}

PingCounts Naming::pings_counted() const {
  PingCounts sum = pings_of_ended_;
  for (uint32_t host = 0; host < world_.hosts_count(); ++host) {
    const XordNode* node = world_.host(host).node;
    if (node == nullptr) continue;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += node->count(ping_counters[i].counter);
  }
  return sum;
}

NamingCounts Naming::take() {
  const PingCounts counted = pings_counted();
  for (size_t i = 0; i < counted.size(); ++i) {
    CHECK(counted[i] >= pings_taken_[i]);  // Those of ended runs are still in the sum.
    counts_.pings[i] = counted[i] - pings_taken_[i];
  }
  pings_taken_ = counted;
  CHECK(counts_.waits.count() == counts_.answers &&
        counts_.served_waits.count() == counts_.answers);
  CHECK(counts_.down + counts_.other_id <= counts_.named);
  CHECK(counts_.living_named <= counts_.living && counts_.compared <= counts_.answers);
  return std::exchange(counts_, {});
}

}  // namespace xord::sim
