#include "tools/sim/python_node.h"

#include <algorithm>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr Duration timeout = seconds(5);
constexpr Duration refresh_every = hours(1);
constexpr Duration kept_for = hours(7 * 24);
constexpr size_t spares_max = 5 * bucket_size;
constexpr uint32_t split_every = 5;  // A bucket whose depth is not a multiple may split anywhere.

}  // namespace

PythonNode::PythonNode(uint32_t host, const Id& self, Rng rng, Instant start,
                       Surroundings& surroundings)
    : host_(host),
      self_(self),
      rng_(rng),
      surroundings_(surroundings),
      buckets_(1),
      refresh_at_(start + refresh_every) {
  buckets_[0].looked_up = start;
}

void PythonNode::send(const Endpoint& to, Bytes bytes) {
  surroundings_.send(host_, to, bytes);
}

bool PythonNode::holds(Instant now, const Id& key) {
  const auto found = kept_.find(key);
  return found != kept_.end() && now - found->second.since < kept_for;
}

std::optional<Instant> PythonNode::next_wakeup() const {
  if (timeouts_.empty()) return refresh_at_;
  return std::min(refresh_at_, timeouts_.front().first);
}

// ---- Requests from peers.

void PythonNode::receive(Instant now, const Datagram& datagram) {
  if (!rpcudp::is_reply(datagram.bytes)) {
    Request request;
    if (rpcudp::parse_request(datagram.bytes, &request) == ParseError::none) {
      answer(now, datagram.path.remote, request);
    }
    return;
  }
  // The library matches replies by message id only, from any address.
  const Bytes bytes = rpcudp::transaction_of(datagram.bytes);
  if (bytes.size() != transaction_size) return;
  Transaction transaction;
  std::copy(bytes.begin(), bytes.end(), transaction.begin());
  const auto found = calls_.find(transaction);
  if (found == calls_.end()) return;
  const Call call = found->second;
  calls_.erase(found);
  Reply reply;
  const bool parsed = rpcudp::parse_reply(datagram.bytes, call.method, &reply) == ParseError::none;
  ended(now, call, parsed ? &reply : nullptr);
}

void PythonNode::answer(Instant now, const Endpoint& source, const Request& request) {
  std::vector<uint8_t> buffer(rpcudp::request_size_max);
  size_t size = 0;
  if (request.method != Method::stun) welcome(now, {request.sender, source});
  switch (request.method) {
    case Method::ping:
      size = rpcudp::encode_ping_reply(buffer, request.transaction, self_);
      break;
    case Method::stun:
      size = rpcudp::encode_stun_reply(buffer, request.transaction, source);
      break;
    case Method::store:
      kept_[request.target] = {{request.value.begin(), request.value.end()}, now};
      size = rpcudp::encode_store_reply(buffer, request.transaction, true);
      break;
    case Method::find_value:
      if (holds(now, request.target)) {
        size = rpcudp::encode_value_reply(buffer, request.transaction, kept_[request.target].value);
        break;
      }
      [[fallthrough]];
    case Method::find_node: {
      std::vector<Contact> contacts = nearest(request.target, source);
      // The library leaves out the node whose id is the target.
      std::erase_if(contacts, [&](const Contact& c) { return c.id == request.target; });
      rpcudp::ContactsReply reply(buffer, request.transaction, contacts.size());
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      for (const Contact& contact : contacts) {
        reply.add(contact.id,
                  Bytes(tail).first(rpcudp::encode_contact_tail(contact.endpoint, tail)));
      }
      size = reply.size();
      break;
    }
    case Method::count:
      return;
  }
  CHECK(size > 0);
  send(source, Bytes(buffer).first(size));
}

std::vector<Contact> PythonNode::nearest(const Id& target, const Endpoint& excluded) const {
  std::vector<Contact> all;
  for (const Bucket& bucket : buckets_) {
    for (const Contact& contact : bucket.contacts) {
      if (contact.endpoint != excluded) all.push_back(contact);
    }
  }
  const auto nearer_first = [&](const Contact& a, const Contact& b) {
    return nearer(target, a.id, b.id);
  };
  const size_t count = std::min<size_t>(bucket_size, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end(),
                    nearer_first);
  all.resize(count);
  return all;
}

// Whether any contact is nearer to `key` than this node.
bool PythonNode::knows_nearer(const Id& key) const {
  return std::any_of(buckets_.begin(), buckets_.end(), [&](const Bucket& bucket) {
    return std::any_of(bucket.contacts.begin(), bucket.contacts.end(),
                       [&](const Contact& contact) { return nearer(key, contact.id, self_); });
  });
}

// ---- The routing table.

PythonNode::Bucket& PythonNode::bucket_of(const Id& id) {
  const auto found = std::find_if(buckets_.begin(), buckets_.end(), [&](const Bucket& bucket) {
    return shared_prefix(bucket.low, id) >= bucket.depth;
  });
  CHECK(found != buckets_.end());  // The ranges cover all ids.
  return *found;
}

// An unknown contact is filed, and is handed all keys that it should hold in one burst.
void PythonNode::welcome(Instant now, const Contact& contact) {
  if (contact.id == self_) return;
  const std::vector<Contact>& known = bucket_of(contact.id).contacts;
  if (std::any_of(known.begin(), known.end(),
                  [&](const Contact& c) { return c.id == contact.id; })) {
    return;
  }
  for (const auto& [key, kept] : kept_) {
    if (knows_nearer(key)) continue;
    const std::vector<Contact> around = nearest(key, {});
    const bool is_nearer = around.empty() || nearer(key, contact.id, around.back().id);
    if (is_nearer) call(now, contact, Method::store, 0, key, kept.value);
  }
  add_contact(now, contact);
}

void PythonNode::add_contact(Instant now, const Contact& contact) {
  CHECK(contact.id != self_);
  Bucket* bucket = &bucket_of(contact.id);
  while (bucket->contacts.size() >= bucket_size) {
    const bool has_self = shared_prefix(bucket->low, self_) >= bucket->depth;
    if (bucket->depth >= id_bits - 1 || (!has_self && bucket->depth % split_every == 0)) break;
    split(*bucket);
    bucket = &bucket_of(contact.id);
  }
  if (bucket->contacts.size() < bucket_size) {
    bucket->contacts.push_back(contact);
    return;
  }
  std::erase_if(bucket->spares, [&](const Contact& spare) { return spare.id == contact.id; });
  bucket->spares.push_back(contact);
  if (bucket->spares.size() > spares_max) bucket->spares.pop_front();
  call(now, bucket->contacts.front(), Method::ping, 0, {}, {});  // Its head, which stays the head.
}

void PythonNode::split(Bucket& bucket) {
  // Contacts wait only where a bucket could not be split, and then it never is.
  CHECK(bucket.depth < id_bits - 1 && bucket.spares.empty());
  Bucket upper = bucket;
  const size_t filed = bucket.contacts.size();
  const uint32_t bit = bucket.depth;
  ++bucket.depth;
  ++upper.depth;
  upper.low.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
  const auto is_upper = [&](const Contact& contact) { return contact.id.bit(bit); };
  const auto is_lower = [&](const Contact& contact) { return !contact.id.bit(bit); };
  std::erase_if(bucket.contacts, is_upper);
  std::erase_if(upper.contacts, is_lower);
  CHECK(bucket.contacts.size() + upper.contacts.size() == filed);
  buckets_.push_back(std::move(upper));
}

void PythonNode::remove_contact(const Contact& contact) {
  Bucket& bucket = bucket_of(contact.id);
  const auto is_it = [&](const Contact& known) { return known.id == contact.id; };
  std::erase_if(bucket.spares, is_it);
  if (std::erase_if(bucket.contacts, is_it) == 0 || bucket.spares.empty()) return;
  bucket.contacts.push_back(bucket.spares.back());
  bucket.spares.pop_back();
  CHECK(bucket.contacts.size() <= bucket_size);
}

// ---- Calls.

void PythonNode::call(Instant now, const Contact& to, Method method, uint64_t crawl,
                      const Id& target, Bytes value) {
  Transaction transaction;
  rng_.fill(transaction);
  std::vector<uint8_t> buffer(rpcudp::request_size_max);
  size_t size = 0;
  switch (method) {
    case Method::ping:
      size = rpcudp::encode_ping_request(buffer, transaction, self_);
      break;
    case Method::find_node:
      size = rpcudp::encode_find_node_request(buffer, transaction, self_, target);
      break;
    case Method::find_value:
      size = rpcudp::encode_find_value_request(buffer, transaction, self_, target);
      break;
    case Method::store:
      size = rpcudp::encode_store_request(buffer, transaction, self_, target, value, std::nullopt);
      break;
    case Method::stun:
    case Method::count:
      CHECK(false);
  }
  CHECK(size > 0);
  CHECK(timeouts_.empty() || timeouts_.back().first <= now + timeout);
  calls_[transaction] = {to, method, now + timeout, crawl};
  timeouts_.emplace_back(now + timeout, transaction);
  if (crawl != 0) ++crawl_of(crawl).open;
  send(to.endpoint, Bytes(buffer).first(size));
}

// A single failure removes a contact; an answer files its sender.
void PythonNode::ended(Instant now, const Call& call, const Reply* reply) {
  Contact contact = call.to;
  if (call.method == Method::ping && reply != nullptr) contact.id = reply->responder;
  if (reply == nullptr) {
    remove_contact(contact);
  } else {
    welcome(now, contact);
  }
  const auto found = crawls_.find(call.crawl);
  if (found == crawls_.end()) return;
  Crawl& crawl = found->second;
  CHECK(crawl.open > 0);
  --crawl.open;
  if (call.method == Method::store) {
    crawl.stored += reply != nullptr && reply->stored;
  } else if (call.method == Method::ping) {  // From a bootstrap node.
    if (reply != nullptr) add_row(crawl, contact);
  } else {
    for (Row& row : crawl.rows) {
      if (row.contact.id != contact.id) continue;
      row.state = reply == nullptr ? State::failed : State::answered;
      row.had_value = reply != nullptr && reply->has_value;
    }
    if (reply != nullptr && reply->has_value) {
      crawl.values.emplace_back(reply->value.begin(), reply->value.end());
    } else if (reply != nullptr) {
      for (size_t i = 0; i < reply->contacts_count; ++i) add_row(crawl, reply->contacts[i]);
    }
  }
  if (crawl.open == 0) next_round(now, call.crawl);
}

void PythonNode::advance(Instant now) {
  while (!timeouts_.empty() && timeouts_.front().first <= now) {
    const Transaction transaction = timeouts_.front().second;
    timeouts_.pop_front();
    const auto found = calls_.find(transaction);
    if (found == calls_.end()) continue;
    const Call call = found->second;
    CHECK(call.until <= now);
    calls_.erase(found);
    ended(now, call, nullptr);
  }
  if (now < refresh_at_) return;
  refresh_at_ = now + refresh_every;
  refresh(now);
}

// ---- Crawls.

uint64_t PythonNode::begin(Task task, OperationId operation, const Id& target, Instant now) {
  const uint64_t handle = next_crawl_++;
  Crawl& crawl = crawls_[handle];
  crawl.task = task;
  crawl.operation = operation;
  crawl.target = target;
  if (task != Task::join) {  // A join starts with the bootstrap nodes that answer.
    for (const Contact& contact : nearest(target, {})) add_row(crawl, contact);
  }
  bucket_of(target).looked_up = now;
  return handle;
}

PythonNode::Crawl& PythonNode::crawl_of(uint64_t handle) {
  const auto found = crawls_.find(handle);
  CHECK(found != crawls_.end());
  return found->second;
}

void PythonNode::add_row(Crawl& crawl, const Contact& contact) {
  if (contact.id == self_ || contact.endpoint.port == 0) return;
  for (const Row& row : crawl.rows) {
    if (row.contact.id == contact.id) return;
  }
  const auto at = std::find_if(crawl.rows.begin(), crawl.rows.end(), [&](const Row& row) {
    return nearer(crawl.target, contact.id, row.contact.id);
  });
  const bool was_asked = crawl.contacted.contains(contact.id);
  crawl.rows.insert(at, {contact, was_asked ? State::back : State::unasked});
  DCHECK(std::is_sorted(crawl.rows.begin(), crawl.rows.end(), [&](const Row& a, const Row& b) {
    return nearer(crawl.target, a.contact.id, b.contact.id);
  }));
}

// A whole round has ended: asks alpha more, or all of the k nearest if the last round changed
// nothing.
void PythonNode::next_round(Instant now, uint64_t handle) {
  Crawl& crawl = crawl_of(handle);
  CHECK(crawl.open == 0);
  if (crawl.is_storing) return end_crawl(now, handle);
  std::erase_if(crawl.rows, [](const Row& row) { return row.state == State::failed; });
  if (!crawl.values.empty()) return end_crawl(now, handle);
  std::vector<Id> round;
  for (size_t i = 0; i < std::min<size_t>(bucket_size, crawl.rows.size()); ++i) {
    round.push_back(crawl.rows[i].contact.id);
  }
  const uint32_t most = round == crawl.last_round ? bucket_size : lookup_parallelism;
  crawl.last_round = round;
  std::vector<Contact> to_ask;
  for (size_t i = 0; i < round.size() && to_ask.size() < most; ++i) {
    if (crawl.rows[i].state != State::unasked) continue;
    crawl.rows[i].state = State::asked;
    crawl.contacted.insert(round[i]);
    to_ask.push_back(crawl.rows[i].contact);
  }
  if (to_ask.empty()) return end_crawl(now, handle);
  ++crawl.rounds;
  crawl.asked += static_cast<uint32_t>(to_ask.size());
  const Method method = crawl.task == Task::get ? Method::find_value : Method::find_node;
  const Id target = crawl.target;
  for (const Contact& contact : to_ask) call(now, contact, method, handle, target, {});
}

std::vector<Contact> PythonNode::found_by(const Crawl& crawl) {
  std::vector<Contact> found;
  for (size_t i = 0; i < std::min<size_t>(bucket_size, crawl.rows.size()); ++i) {
    found.push_back(crawl.rows[i].contact);
  }
  return found;
}

void PythonNode::end_crawl(Instant now, uint64_t handle) {
  const Crawl& crawl = crawl_of(handle);
  const std::vector<Contact> found = found_by(crawl);
  switch (crawl.task) {
    case Task::join:
    case Task::find:
      return finish(handle, found.empty() ? OperationStatus::no_contacts : OperationStatus::done,
                    {}, found);
    case Task::refresh:
      crawls_.erase(handle);
      return;
    case Task::get:
      return end_get(now, handle);
    case Task::set:
    case Task::republish:
      if (!crawl.is_storing && !found.empty()) return store_at_nearest(now, handle);
      return finish(handle, crawl.stored > 0 ? OperationStatus::done : OperationStatus::not_stored,
                    {}, {});
  }
}

// Returns the value that most nodes had. The nearest node without one is sent it, and the get waits
// for that store.
void PythonNode::end_get(Instant now, uint64_t handle) {
  Crawl& crawl = crawl_of(handle);
  if (crawl.values.empty()) {
    return finish(handle,
                  crawl.rows.empty() ? OperationStatus::no_contacts : OperationStatus::not_found,
                  {}, {});
  }
  if (!crawl.is_storing) {
    long votes = 0;
    for (const auto& value : crawl.values) {
      const long count = std::count(crawl.values.begin(), crawl.values.end(), value);
      if (count > votes) crawl.value = value;
      votes = std::max(votes, count);
    }
    const auto lacking = std::find_if(crawl.rows.begin(), crawl.rows.end(), [](const Row& row) {
      return row.state == State::answered && !row.had_value;
    });
    if (lacking != crawl.rows.end()) {
      crawl.is_storing = true;
      return call(now, Contact(lacking->contact), Method::store, handle, Id(crawl.target),
                  std::vector<uint8_t>(crawl.value));
    }
  }
  const std::vector<uint8_t> value = crawl.value;
  finish(handle, OperationStatus::done, value, {});
}

void PythonNode::store_at_nearest(Instant now, uint64_t handle) {
  Crawl& crawl = crawl_of(handle);
  CHECK(!crawl.is_storing);
  crawl.is_storing = true;
  const std::vector<Contact> found = found_by(crawl);
  CHECK(!found.empty());
  if (nearer(crawl.target, self_, found.back().id)) {
    kept_[crawl.target] = {crawl.value, now};
    ++crawl.stored;
  }
  const Id key = crawl.target;
  const std::vector<uint8_t> value = crawl.value;
  for (const Contact& contact : found) call(now, contact, Method::store, handle, key, value);
}

void PythonNode::finish(uint64_t handle, OperationStatus status, Bytes value,
                        std::span<const Contact> contacts) {
  const Crawl crawl = std::move(crawl_of(handle));
  crawls_.erase(handle);
  CHECK(crawl.open == 0 && crawl.task != Task::refresh);
  if (crawl.task == Task::republish) return;
  CHECK(value.empty() || contacts.empty());  // A result has either.
  CHECK(contacts.size() <= bucket_size);
  OperationResult result{crawl.operation, status};
  result.stored = static_cast<uint16_t>(crawl.stored);
  result.hops = static_cast<uint8_t>(std::min(crawl.rounds, 255u));
  result.asked = static_cast<uint16_t>(crawl.asked);
  result.value_size = static_cast<uint32_t>(value.size());
  result.contacts_count = static_cast<uint8_t>(contacts.size());
  const Bytes listed(reinterpret_cast<const uint8_t*>(contacts.data()), contacts.size_bytes());
  surroundings_.finished(host_, result, value.empty() ? listed : value);
}

void PythonNode::join(Instant now, OperationId operation, std::span<const Endpoint> endpoints) {
  const uint64_t handle = begin(Task::join, operation, self_, now);
  if (endpoints.empty()) return next_round(now, handle);
  for (const Endpoint& endpoint : endpoints)
    call(now, {{}, endpoint}, Method::ping, handle, {}, {});
}

void PythonNode::find(Instant now, OperationId operation, const Id& target) {
  next_round(now, begin(Task::find, operation, target, now));
}

void PythonNode::get(Instant now, OperationId operation, const Id& key) {
  const uint64_t handle = begin(Task::get, operation, key, now);
  if (!holds(now, key)) return next_round(now, handle);
  const std::vector<uint8_t> value = kept_[key].value;
  finish(handle, OperationStatus::done, value, {});
}

void PythonNode::set(Instant now, OperationId operation, const Id& key, Bytes value) {
  const uint64_t handle = begin(Task::set, operation, key, now);
  crawl_of(handle).value.assign(value.begin(), value.end());
  next_round(now, handle);
}

// Looks up buckets without a lookup for an hour, then stores every key older than an hour with a
// full set.
void PythonNode::refresh(Instant now) {
  std::erase_if(kept_, [&](const auto& entry) { return now - entry.second.since >= kept_for; });
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (now - buckets_[i].looked_up < refresh_every) continue;
    Id target = random_id(rng_);
    for (uint32_t bit = 0; bit < buckets_[i].depth; ++bit) {
      const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
      uint8_t& byte = target.bytes[bit / 8];
      byte = static_cast<uint8_t>(buckets_[i].low.bit(bit) ? byte | mask : byte & ~mask);
    }
    next_round(now, begin(Task::refresh, 0, target, now));
  }
  std::vector<Id> due;
  for (const auto& [key, kept] : kept_) {
    if (now - kept.since >= refresh_every) due.push_back(key);
  }
  for (const Id& key : due) {
    const uint64_t handle = begin(Task::republish, 0, key, now);
    crawl_of(handle).value = kept_[key].value;
    next_round(now, handle);
  }
}

}  // namespace xord::sim
