#include "node/server/shards/shard.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "node/contact_book.h"
#include "node/server/config/server_config.h"
#include "node/server/shards/shard_change.h"
#include "node/shard_message.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// The most that one call of a node may leave behind; the node refuses more, and counts it.
// Messages: evidence of one reply's contacts for their owners, and a forwarded datagram.
constexpr uint32_t messages_frames_max = 1024;
constexpr uint32_t messages_bytes_max = 256 * 1024;
static_assert(sizeof(DatagramMessage) + datagram_bytes_max + frame_alignment <= messages_bytes_max);
// Eight held stores of the largest value, and a batch of changed times to write.
constexpr uint32_t operations_frames_max = 1024;
constexpr uint32_t operations_bytes_max = 256 * 1024;
static_assert(8 * (sizeof(Operation) + value_size_max + frame_alignment) <= operations_bytes_max);
// Every call in progress may end in one call of advance(), each with the largest value.
constexpr uint32_t results_frames_max = 512;
constexpr uint32_t results_bytes_max = 4 * 1024 * 1024;
static_assert(results_frames_max >= program_calls_max &&
              bucket_size * sizeof(Contact) <= value_size_max &&
              program_calls_max * (sizeof(OperationResult) + value_size_max + frame_alignment) <=
                  results_bytes_max);

// A changed table is on its way to the admin thread within 4 s, which leaves that thread 6 s to
// write.
constexpr Duration report_interval = seconds(4);
// An unchanged table is sent too, for the times at which its contacts last answered.
constexpr Duration report_again = minutes(2);
// Pause between the pages of one list, for the admin thread to take them.
constexpr Duration page_interval = milliseconds(1);
constexpr Duration stall_log_interval = seconds(10);
// Retry for a mailbox that was full: its consumer empties it within a turn or two.
constexpr Duration messages_again = milliseconds(1);

// Every contact that may be filed, and a quarter as many spares for the owned buckets. A spare that
// finds no room is forgotten: we will hear of it again.
uint32_t book_size(const RoutingConfig& routing) {
  static_assert(contacts_bounds.most + contacts_bounds.most / 4 + 1024 <= UINT32_MAX);
  return routing.contacts_max + routing.contacts_max / 4 + 1024;
}

// The address that follows a command.
IpAddress address_in(Bytes tail) {
  IpAddress address;
  CHECK(tail.size() == address.bytes.size());
  std::copy(tail.begin(), tail.end(), address.bytes.begin());
  return address;
}

}  // namespace

struct Shard::Network {
  Network(const ShardNetwork& setup, Instant start)
      : book(book_size(setup.config.node.routing),
             setup.config.node.dialect->traits().encode_contact_tail,
             setup.config.secrets.hash_seed),
        shard(setup.config, Rng(setup.seed), book, start) {
    CHECK(shard.published != nullptr);
  }

  Node& node() { return shard.node; }
  const Node& node() const { return shard.node; }
  const Counters<StoreCount>& stored() const { return shard.store.counters(); }
  const Counters<StoreCount>& listed() const { return shard.published->counters(); }

  ContactBook book;
  NodeShard shard;
  std::atomic<uint32_t> answerable = 0;  // For other threads.
  uint64_t reported_version = 0;
  Instant reported_at = Instant::min();
  bool reporting = false;       // A list is being sent...
  uint32_t reported_count = 0;  // ...and this many of its contacts were.
  uint64_t reporting_version = 0;
  uint64_t filtered_version = 0;  // Of the work shares that the kernel was told.
  bool loaded = false;
};

Shard::Shard(const ShardSetup& setup, Reactor& reactor, CommitThread& commits, Instant start)
    : setup_(setup),
      reactor_(reactor),
      commits_(commits),
      messages_(messages_frames_max, messages_bytes_max),
      operations_(operations_frames_max, operations_bytes_max),
      results_(results_frames_max, results_bytes_max),
      turn_at_(start),
      report_at_(start + report_interval),
      log_stalls_at_(start) {
  CHECK(setup_.commands != nullptr && setup_.results != nullptr && setup_.reports != nullptr &&
        setup_.admin != nullptr);
  CHECK(setup_.to_shards.size() == setup_.from_shards.size() &&
        setup_.index < setup_.to_shards.size());
  CHECK(setup_.to_shards[setup_.index] == nullptr && setup_.from_shards[setup_.index] == nullptr);
  for (const NetworkIndex network : setup_.network_of_socket) {
    CHECK(network < setup_.networks.size());
  }
  size_t operations_max = 0;
  for (const ShardNetwork& network : setup_.networks) {
    const NodeConfig& node = network.config.node;
    CHECK(node.network == networks_.size());
    CHECK(node.shard == setup_.index && node.shards == setup_.to_shards.size());
    networks_.push_back(std::make_unique<Network>(network, start));
    for (const StoreConfig& store : {network.config.store, network.config.published}) {
      operations_max += store.writes_max + store.reads_max;
    }
  }
  failed_.reserve(operations_max);
  source_commands_ = reactor.add_mailbox(*setup_.commands);
  source_completions_ = reactor.add_mailbox(commits_.completions());
  source_shards_ = source_completions_ + 1;
  for (size_t shard = 0; shard < setup_.from_shards.size(); ++shard) {
    if (shard == setup_.index) continue;
    CHECK(setup_.from_shards[shard] != nullptr && setup_.to_shards[shard] != nullptr);
    const uint32_t source = reactor.add_mailbox(*setup_.from_shards[shard]);
    CHECK(source == source_shards_ + shard - (shard > setup_.index ? 1 : 0));
  }
}

Shard::~Shard() = default;

void Shard::restore(NetworkIndex network, Instant now, const Contact& contact, Duration age) {
  CHECK(!turning_ && network < networks_.size());
  Outbox unused(1, 64);
  Outputs outputs{unused, messages_, operations_, results_};
  networks_[network]->node().restore(now, contact, age, outputs);
}

void Shard::take_message(ShardIndex from, Instant now, Bytes frame) {
  CHECK(!turning_);  // From then on messages come by mailbox.
  Outbox unused(1, 64);
  Outputs outputs{unused, messages_, operations_, results_};
  deliver(now, from, frame, outputs);
}

void Shard::deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out) {
  DCHECK(from != setup_.index && from < setup_.from_shards.size());
  const ShardMessage* message = frame_header<ShardMessage>(frame);
  CHECK(message != nullptr && message->network < networks_.size());
  networks_[message->network]->node().deliver(now, from, frame, out);
}

const Shard::Network& Shard::network_at(NetworkIndex network) const {
  CHECK(network < networks_.size());
  return *networks_[network];
}
uint32_t Shard::answerable_count(NetworkIndex network) const {
  return network_at(network).answerable.load(std::memory_order_relaxed);
}
const NodeCounters& Shard::node_counters(NetworkIndex network) const {
  return network_at(network).node().counters();
}
const Counters<TableRefusal>& Shard::table_refusals(NetworkIndex network) const {
  return network_at(network).node().refusals();
}
const Counters<StoreCount>& Shard::store_counters(NetworkIndex network) const {
  return network_at(network).stored();
}
const Counters<StoreCount>& Shard::published_counters(NetworkIndex network) const {
  return network_at(network).listed();
}

void Shard::fetch_ahead(std::span<const Datagram> batch) {
  const auto network_of = [&](const Datagram& datagram) {
    DCHECK(datagram.path.local.socket < setup_.network_of_socket.size());
    return setup_.network_of_socket[datagram.path.local.socket];
  };
  while (!batch.empty()) {
    size_t count = 1;
    while (count < batch.size() && network_of(batch[count]) == network_of(batch[0])) ++count;
    networks_[network_of(batch[0])]->node().fetch_ahead(batch.first(count));
    batch = batch.subspan(count);
  }
}

void Shard::receive(Instant now, const Datagram& datagram, Outbox& out) {
  if (draining_) {
    counters_.add(ShardCount::refused_draining);
    return;
  }
  const uint8_t socket = datagram.path.local.socket;
  CHECK(socket < setup_.network_of_socket.size());
  Outputs outputs{out, messages_, operations_, results_};
  networks_[setup_.network_of_socket[socket]]->node().receive(now, datagram, outputs);
  route();
}

void Shard::receive_frame(Instant now, uint32_t source, Bytes frame, Outbox& out) {
  Outputs outputs{out, messages_, operations_, results_};
  if (source == source_completions_) {
    receive_completion(now, frame, outputs);
  } else if (source == source_commands_) {
    receive_command(now, frame, outputs);
  } else {
    DCHECK(source >= source_shards_);
    uint32_t from = source - source_shards_;
    if (from >= setup_.index) ++from;
    deliver(now, static_cast<ShardIndex>(from), frame, outputs);
  }
  route();
}

void Shard::receive_completion(Instant now, Bytes frame, Outputs& out) {
  const Completion* completion = frame_header<Completion>(frame);
  CHECK(completion != nullptr && completion->store.network < networks_.size());
  networks_[completion->store.network]->node().complete(now, frame, out);
  note_finished_load(*completion);
}

void Shard::note_finished_load(const Completion& completion) {
  if (completion.kind != CompletionKind::load_finished) return;
  if (completion.store.is_published()) return;
  Network& network = *networks_[completion.store.network];
  if (network.loaded) return;
  network.loaded = true;
  CHECK(counters_.read(ShardCount::networks_loaded) < networks_.size());
  counters_.add(ShardCount::networks_loaded);
  report(LoadedReport{.network = completion.store.network,
                      .records = network.stored().read(StoreCount::records)});
}

void Shard::receive_command(Instant now, Bytes frame, Outputs& out) {
  const ShardCommand* command = frame_header<ShardCommand>(frame);
  CHECK(command != nullptr && command->network < networks_.size());
  const Bytes tail = frame_tail<ShardCommand>(frame);
  const CommandKind kind = command->kind;
  CHECK(tail.empty() || kind == CommandKind::set || kind == CommandKind::keep ||
        kind == CommandKind::join || kind == CommandKind::list_charges ||
        kind == CommandKind::explain || kind == CommandKind::list_contacts ||
        kind == CommandKind::change);
  CHECK(command->endpoints_count == 0 || kind == CommandKind::join);
  CHECK(command->prefix_bits == 0 || kind == CommandKind::purge ||
        kind == CommandKind::list_records);
  CHECK((command->operation == 0) == !is_call(kind));
  Node& node = networks_[command->network]->node();
  switch (kind) {
    case CommandKind::get:
      return node.get(now, command->operation, command->key, out);
    case CommandKind::set:
      return node.set(now, command->operation, command->key, tail, out);
    case CommandKind::keep:
      return node.keep(now, command->operation, command->key, tail, out);
    case CommandKind::forget:
      return node.forget(now, command->operation, command->key, out);
    case CommandKind::list_published:
      return node.list_published(now, command->operation, command->key, out);
    case CommandKind::list_charges:
      return node.list_charges(now, command->operation, address_in(tail), out);
    case CommandKind::explain:
      return node.explain(now, command->operation, address_in(tail), out);
    case CommandKind::list_contacts:
      return node.list_contacts(now, command->operation, Id::from(tail), command->key, out);
    case CommandKind::list_buckets:
      return node.list_buckets(now, command->operation, command->key, out);
    case CommandKind::list_records:
      return node.list_records(now, command->operation, command->key, command->prefix_bits, out);
    case CommandKind::find:
      return node.find(now, command->operation, command->key, out);
    case CommandKind::trace:
      return node.trace(now, command->operation, command->key, out);
    case CommandKind::canary:
      return node.find(now, command->operation, command->key, out, LookupPurpose::canary);
    case CommandKind::purge:
      return node.purge(now, command->operation, command->key, command->prefix_bits, out);
    case CommandKind::join: {
      CHECK(tail.size() == command->endpoints_count * sizeof(Endpoint));
      const auto* endpoints = reinterpret_cast<const Endpoint*>(tail.data());
      return node.join(now, command->operation, {endpoints, command->endpoints_count}, out);
    }
    case CommandKind::heartbeat:
      return counters_.add(ShardCount::heartbeats);
    case CommandKind::change:
      return take_change(now, tail);
    case CommandKind::drain:
      draining_ = true;
      for (const auto& network : networks_) {  // A last list, whatever was sent before.
        network->reporting = true;
        network->reported_count = 0;
      }
      return;
  }
}

void Shard::take_change(Instant now, Bytes address) {
  ShardChange* change = nullptr;
  CHECK(address.size() == sizeof change);
  std::memcpy(&change, address.data(), sizeof change);
  CHECK(change != nullptr && change->networks.size() == networks_.size());
  for (size_t i = 0; i < networks_.size(); ++i) {
    networks_[i]->shard.store.change(change->networks[i].store);
    networks_[i]->node().change(now, change->networks[i].node);
  }
  CHECK(!change->is_taken.exchange(true, std::memory_order_release));
  setup_.admin->ring();
}

void Shard::advance(Instant now, Outbox& out) {
  if (!turning_) {
    turning_ = true;
    counters_.set(ShardCount::turning, 1);
    setup_.admin->ring();
  }
  Outputs outputs{out, messages_, operations_, results_};
  // One call of one node at a time: the reactor calls again, with new room, while anything is due.
  if (messages_at_ && *messages_at_ <= now) {
    messages_at_.reset();
    return route_messages();
  }
  if (!failed_.empty()) {
    const Completion failed = failed_.back();
    failed_.pop_back();
    const Bytes frame(reinterpret_cast<const uint8_t*>(&failed), sizeof failed);
    networks_[failed.store.network]->node().complete(now, frame, outputs);
    route();
    return;
  }
  for (const auto& network : networks_) {
    const std::optional<Instant> due = network->node().next_wakeup();
    if (!due || *due > now) continue;
    network->node().advance(now, outputs);
    route();
    return;
  }
}

void Shard::end_turn(Instant now, Outbox&) {
  turn_at_ = now;
  if (!messages_.entries().empty() && !messages_at_) messages_at_ = now + messages_again;
  share_work(now);
  report_contacts(now);
  report_notices();
  update_gauges();
  for (Mailbox* mailbox : setup_.to_shards) {
    if (mailbox != nullptr) mailbox->publish();
  }
  commits_.operations().publish();
  setup_.results->publish();
  setup_.reports->publish();
  DCHECK(operations_.entries().empty() && results_.entries().empty());  // Unlike messages.
}

std::optional<Instant> Shard::next_wakeup() const {
  if (!turning_ || !failed_.empty()) return Instant::min();
  Instant soonest = messages_at_ ? std::min(report_at_, *messages_at_) : report_at_;
  for (const auto& network : networks_) {
    const std::optional<Instant> due = network->node().next_wakeup();
    if (due) soonest = std::min(soonest, *due);
  }
  return soonest;
}

// ---- Routes.

void Shard::route() {
  if (!messages_.entries().empty()) route_messages();
  if (!operations_.entries().empty()) route_operations();
  if (!results_.entries().empty()) route_results();
}

// Datagrams may use half of a mailbox; beyond that they are dropped and counted, as the kernel
// drops those that find its buffer full. All other messages wait here, in order, until there is
// room. When this outbox is full too, the node keeps messages back or, if they are evidence, drops
// and counts them.
void Shard::route_messages() {
  uint64_t full = 0;  // One bit per shard: messages after one that waits for a shard wait too.
  static_assert(shards_max <= 64);
  messages_.take([&](const FrameOutbox::Entry& entry, Bytes frame) {
    CHECK(entry.to < setup_.to_shards.size() && entry.to != setup_.index);
    Mailbox& mailbox = *setup_.to_shards[entry.to];
    const uint64_t bit = uint64_t{1} << entry.to;
    const bool has_room = (full & bit) == 0;
    if (frame_header<ShardMessage>(frame)->kind == ShardMessageKind::datagram) {
      if (has_room && mailbox.has_half_free() && mailbox.push(frame)) return true;
      counters_.add(ShardCount::mailbox_full);
      return true;
    }
    if (has_room && mailbox.push(frame)) return true;
    full |= bit;
    return false;
  });
}

// If it is full the operation fails, and the node refuses the request that waits for it.
void Shard::route_operations() {
  for (const FrameOutbox::Entry& entry : operations_.entries()) {
    const Bytes frame = operations_.bytes(entry);
    DCHECK(frame_header<Operation>(frame)->value_size == frame_tail<Operation>(frame).size());
    if (!commits_.operations().push(frame)) fail(*frame_header<Operation>(frame));
  }
  operations_.clear();
}

void Shard::fail(const Operation& operation) {
  CHECK(operation.store.network < networks_.size());
  counters_.add(ShardCount::commit_mailbox_full);
  // The stores bound the operations in progress (writes_max, reads_max), and so those that can
  // fail.
  CHECK(failed_.size() < failed_.capacity());
  Completion completion;
  completion.ticket = operation.ticket;
  completion.kind = operation.kind == OperationKind::read ? CompletionKind::read_failed
                                                          : CompletionKind::write_failed;
  completion.store = operation.store;
  completion.key = operation.key;
  failed_.push_back(completion);
}

// Never full: the mailbox has room for a result of every call that may be in progress (calls.h).
void Shard::route_results() {
  for (const FrameOutbox::Entry& entry : results_.entries()) {
    CHECK(setup_.results->push(results_.bytes(entry)));
  }
  results_.clear();
}

// ---- Reports.

// Pages are sent one at a time, so that a large table does not make a turn long. A table that
// changes in the meantime may miss or repeat a contact; since its version has changed, it is sent
// again.
void Shard::report_contacts(Instant now) {
  bool all_sent = true;
  for (size_t index = 0; index < networks_.size(); ++index) {
    Network& network = *networks_[index];
    const bool is_due = now >= report_at_ || draining_;
    if (!network.reporting && is_due && !counters_.read(ShardCount::drained)) {
      const uint64_t version = network.node().contacts_version();
      network.reporting =
          version != network.reported_version || now >= network.reported_at + report_again;
    }
    if (!network.reporting) continue;
    if (network.reported_count == 0) network.reporting_version = network.node().contacts_version();
    network.reporting = !report_page(network, static_cast<NetworkIndex>(index));
    if (network.reporting) {
      all_sent = false;
      continue;
    }
    network.reported_version = network.reporting_version;
    network.reported_at = now;
    network.reported_count = 0;
  }
  if (!all_sent) {
    report_at_ = now + page_interval;
  } else if (now >= report_at_) {
    report_at_ = now + report_interval;
  }
  if (!draining_ || !all_sent || counters_.read(ShardCount::drained)) return;
  uint64_t pending = failed_.size();
  for (const auto& network : networks_) {
    pending += network->stored().read(StoreCount::writes_pending) +
               network->listed().read(StoreCount::writes_pending);
  }
  if (pending > 0) return;
  counters_.set(ShardCount::drained, 1);
  setup_.reports->publish();
  setup_.admin->ring();
}

// Sends the next page; true when it was the last. False also when the mailbox is full: the same
// page is tried again in the next turn.
bool Shard::report_page(Network& network, NetworkIndex index) {
  CHECK(network.reporting && &network == networks_[index].get());
  struct Page {
    ContactsReport header;
    std::array<ReportedContact, contacts_page_max> contacts;
  } page;
  page.header.network = index;
  page.header.first = network.reported_count == 0;
  page.header.last = true;
  uint32_t skipped = 0;
  uint32_t count = 0;
  network.node().for_each_own_contact([&](const Contact& contact, Instant answered_last) {
    if (skipped < network.reported_count) {
      ++skipped;
    } else if (count < contacts_page_max) {
      const bool answered = answered_last.nanoseconds > 0;
      page.contacts[count++] = {contact.id, answered ? node_seconds(answered_last) : 0,
                                contact.endpoint};
    } else {
      page.header.last = false;
    }
  });
  page.header.count = static_cast<uint16_t>(count);
  const Bytes tail(reinterpret_cast<const uint8_t*>(page.contacts.data()),
                   count * sizeof(ReportedContact));
  if (!setup_.reports->push(page.header, tail)) return false;
  network.reported_count += count;
  return page.header.last;
}

void Shard::update_gauges() {
  uint64_t contacts = 0;
  uint64_t answerable = 0;
  uint64_t records = 0;
  for (const auto& network : networks_) {
    contacts += network->node().contacts_count();
    const uint32_t of_network = network->node().answerable_count();
    DCHECK(of_network <= network->node().contacts_count());
    network->answerable.store(of_network, std::memory_order_relaxed);
    answerable += of_network;
    records += network->stored().read(StoreCount::records);
  }
  counters_.set(ShardCount::contacts, contacts);
  counters_.set(ShardCount::contacts_answerable, answerable);
  counters_.set(ShardCount::records, records);
}

void Shard::share_work(Instant now) {
  for (const auto& network : networks_) {
    network->node().set_backlog(now, reactor_.backlogged_since());
  }
  for (size_t socket = 0; socket < setup_.network_of_socket.size(); ++socket) {
    const Network& network = *networks_[setup_.network_of_socket[socket]];
    const WorkShares& shares = network.node().work_shares();
    if (shares.version() == network.filtered_version) continue;
    reactor_.filter_sources(static_cast<uint8_t>(socket), shares.kept(), shares.shares());
  }
  for (const auto& network : networks_) {
    network->filtered_version = network->node().work_shares().version();
  }
}

void Shard::stalled(const Stall& stall) {
  if (turn_at_ < log_stalls_at_) return;
  log_stalls_at_ = turn_at_ + stall_log_interval;
  report(SlowTurnReport{.stall = stall});
}

void Shard::report_notices() {
  for (const auto& network : networks_) {
    NodeNotices& notices = network->node().notices();
    if (notices.is_empty()) continue;
    notices.take([this](const NodeNotice& notice) { report(NoticeReport{.notice = notice}); });
  }
}

template <class Report>
void Shard::report(const Report& report) {
  if (!setup_.reports->push(report, {})) counters_.add(ShardCount::log_lines_dropped);
}

}  // namespace xord
