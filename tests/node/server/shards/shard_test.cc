// One of three shards without its loop: the test makes the calls of the reactor, and plays the
// other shards, the admin thread and the disk. What goes where, when, and what a full mailbox does.
#include "node/server/shards/shard.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <memory>
#include <set>
#include <vector>

#include "node/routing/contact_messages.h"
#include "node/server/calls/calls.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/base/rng.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class ShardTest : public testing::Test {
 protected:
  static constexpr ShardIndex own = 1;
  static constexpr uint32_t shards = 3;
  static constexpr uint32_t commands = 0;  // Mailboxes, in the order in which it registers them.
  static constexpr uint32_t completions = 1;

  ShardTest() {
    std::vector<ShardSockets> sockets;
    const std::vector<Listen> listens = {{.endpoint = own_loopback()}};
    EXPECT_FALSE(open_sockets(listens, {}, &sockets));
    ReactorConfig config;
    config.io = IoChoice::epoll;
    config.room_datagrams = 64;
    config.room_bytes = 256 * 1024;
    EXPECT_FALSE(Reactor::create(config, std::move(sockets[0]), clock_, &reactor_));
    commits_ = std::make_unique<CommitThread>(
        database_, CommitThreadConfig{.shards = shards, .operations_bytes = 1 << 20},
        reactor_->doorbell());
    shard_ = std::make_unique<Shard>(setup(), *reactor_, *commits_, now_);
  }
  // Before this the contacts of the last run are restored.
  void begin() { shard_->advance(now_, out_); }
  ShardSetup setup() {
    ShardNetwork network;
    NodeConfig& node = network.config.node;
    node.dialect = &rpcudp::dialect();
    node.shard = own;
    node.shards = shards;
    node.routing.contacts_max = 10'000;
    network.config.store.writes_max = 16;
    network.config.published = published_list_config(0);
    ShardSetup setup;
    setup.index = own;
    setup.networks = {network};
    setup.network_of_socket = {0};
    setup.to_shards = {&to_first_, nullptr, &to_last_};
    setup.from_shards = {&from_first_, nullptr, &from_last_};
    setup.commands = &commands_;
    setup.results = &results_;
    setup.reports = &reports_;
    setup.admin = &admin_bell_;
    return setup;
  }

  static Id own_key() {
    Id key;
    key.bytes[18] = 0x60;
    EXPECT_EQ(shard_of(key, shards), own);
    return key;
  }
  template <class Header>
  void receive(uint32_t source, const Header& header, Bytes tail = {}) {
    FrameOutbox frame(1, 16 * 1024);
    ASSERT_TRUE(frame.push(0, header, tail));
    shard_->receive_frame(now_, source, frame.bytes(frame.entries()[0]), out_);
  }
  void finish_load() {
    for (const StoreList list : {StoreList::records, StoreList::published}) {
      Completion loaded;
      loaded.kind = CompletionKind::load_finished;
      loaded.store = {0, list};
      receive(completions, loaded);
    }
  }
  // Everything that is due by `now_`, and the end of the turn.
  void turn() {
    for (int calls = 0; calls < 1000; ++calls) {
      const auto due = shard_->next_wakeup();
      if (!due || *due > now_) break;
      shard_->advance(now_, out_);
      out_.clear();
    }
    shard_->end_turn(now_, out_);
    out_.clear();
  }
  void pass(Duration duration) {
    now_ = now_ + duration;
    turn();
  }
  template <class Report>
  std::vector<Report> reported(ReportKind kind) {
    std::vector<Report> found;
    reports_.consume(1000, [&](Bytes frame) {
      if (static_cast<ReportKind>(frame[0]) == kind) found.push_back(*frame_header<Report>(frame));
    });
    return found;
  }
  struct Page {
    ContactsReport head;
    std::vector<ReportedContact> contacts;
  };
  // The pages of contacts that it has sent.
  std::vector<Page> pages() {
    std::vector<Page> found;
    reports_.consume(1000, [&](Bytes frame) {
      if (static_cast<ReportKind>(frame[0]) != ReportKind::contacts) return;
      Page page{*frame_header<ContactsReport>(frame), {}};
      const Bytes tail = frame_tail<ContactsReport>(frame);
      page.contacts.resize(page.head.count);
      ASSERT_EQ(tail.size(), page.contacts.size() * sizeof(ReportedContact));
      if (!tail.empty()) std::memcpy(page.contacts.data(), tail.data(), tail.size());
      found.push_back(page);
    });
    return found;
  }
  struct Result {
    OperationResult head;
    std::vector<uint8_t> tail;
  };
  std::vector<Result> results() {
    std::vector<Result> found;
    results_.consume(1000, [&](Bytes frame) {
      const Bytes tail = frame_tail<OperationResult>(frame);
      found.push_back({*frame_header<OperationResult>(frame), {tail.begin(), tail.end()}});
    });
    return found;
  }
  void command(CommandKind kind, OperationId operation, const Id& key = {}, Bytes tail = {}) {
    ShardCommand command = command_of(kind, key);
    command.operation = operation;
    receive(commands, command, tail);
  }
  // Files contacts that are answering, of which it owns about a third.
  void restore(int count, Duration age) {
    for (int i = 0; i < count; ++i) {
      Contact contact;
      rng_.fill(contact.id.bytes);
      contact.endpoint = Endpoint::ipv4(0x7f000000 | ++restored_, 8468);
      shard_->restore(0, now_, contact, age, [](ShardIndex, Bytes) {});
    }
  }
  // Since it was last asked.
  bool was_admin_rung() {
    pollfd bell{admin_bell_.fd(), POLLIN, 0};
    const bool is_rung = poll(&bell, 1, 0) == 1;
    admin_bell_.wait(Duration{});
    return is_rung;
  }
  // As when the commit thread takes nothing.
  void fill_operations() {
    const std::array<uint8_t, 4'000> filling{};
    for (const size_t size : {filling.size(), size_t{8}}) {
      while (commits_->operations().push(Bytes(filling).first(size))) {
      }
    }
    commits_->operations().publish();
  }
  uint64_t count(ShardCount which) const { return shard_->counters().read(which); }

  Instant now_ = instant_of(first_node_seconds);
  const NodeClock clock_{now_};
  Rng rng_{7};
  uint32_t restored_ = 0;
  TemporaryDirectory directory_;
  RocksStore database_{RocksConfig{.directory = directory_.path(), .networks = {"rpcudp"}},
                       [](ReportLevel, std::string_view, const std::vector<ReportField>&) {}};
  Doorbell admin_bell_;
  Doorbell other_bell_;
  Mailbox results_{1 << 20, admin_bell_};
  Mailbox reports_{1 << 20, admin_bell_};
  Mailbox to_first_{2048, other_bell_};
  Mailbox to_last_{2048, other_bell_};
  Mailbox from_first_{2048, other_bell_};
  Mailbox from_last_{2048, other_bell_};
  Mailbox commands_{2048, other_bell_};
  Outbox out_{64, 256 * 1024};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<CommitThread> commits_;
  std::unique_ptr<Shard> shard_;
};

TEST_F(ShardTest, SaysThatItTurnsAndWakesTheAdminThreadForIt) {
  begin();
  EXPECT_EQ(count(ShardCount::turning), 1u);
  EXPECT_TRUE(was_admin_rung());
}

TEST_F(ShardTest, SaysOnceThatTheRecordsOfANetworkAreLoaded) {
  begin();
  EXPECT_EQ(count(ShardCount::networks_loaded), 0u);
  finish_load();
  EXPECT_EQ(count(ShardCount::networks_loaded), 1u);
  finish_load();
  EXPECT_EQ(count(ShardCount::networks_loaded), 1u);
  turn();
  const auto told = reported<LoadedReport>(ReportKind::records_loaded);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].network, 0);
  EXPECT_EQ(told[0].records, 0u);
}

TEST_F(ShardTest, AnswersEachHeartbeat) {
  begin();
  command(CommandKind::heartbeat, 0);
  command(CommandKind::heartbeat, 0);
  EXPECT_EQ(count(ShardCount::heartbeats), 2u);
}

// Without a contact each call ends at once, with a result that names it.
TEST_F(ShardTest, EachCallEndsWithAResultOfItsOwn) {
  begin();
  finish_load();
  const std::vector<uint8_t> value = {0xc4, 1, 7};
  const IpAddress address = own_loopback().address;
  const Bytes address_bytes(address.bytes);
  const Id nearest_to;
  const Bytes id_bytes(nearest_to.bytes);
  struct Expected {
    CommandKind kind;
    Bytes tail;
    OperationStatus status;
  };
  const Expected calls[] = {
      {CommandKind::get, {}, OperationStatus::no_contacts},
      {CommandKind::forget, {}, OperationStatus::not_found},
      {CommandKind::list_published, {}, OperationStatus::done},
      {CommandKind::list_charges, address_bytes, OperationStatus::done},
      {CommandKind::list_contacts, id_bytes, OperationStatus::done},
      {CommandKind::list_buckets, {}, OperationStatus::done},
      {CommandKind::list_records, {}, OperationStatus::done},
      {CommandKind::find, {}, OperationStatus::no_contacts},
      {CommandKind::canary, {}, OperationStatus::no_contacts},
      {CommandKind::purge, {}, OperationStatus::done},
  };
  OperationId operation = 100;
  for (const Expected& call : calls) {
    command(call.kind, ++operation, own_key(), call.tail);
    turn();
    const auto ended = results();
    ASSERT_EQ(ended.size(), 1u) << name_of(call.kind);
    EXPECT_EQ(ended[0].head.operation, operation) << name_of(call.kind);
    EXPECT_EQ(ended[0].head.status, call.status) << name_of(call.kind);
  }
  const NodeCounters& counters = shard_->node_counters(0);
  EXPECT_EQ(counters.lookups.sum(LookupOutcome::done), 0u);
  EXPECT_TRUE(results().empty());
}

TEST_F(ShardTest, ReportsTheContactsThatItOwnsPageByPage) {
  restore(6'000, minutes(10));
  begin();
  turn();
  EXPECT_TRUE(pages().empty()) << "not in the first four seconds";
  pass(seconds(4) - nanoseconds(1));
  EXPECT_TRUE(pages().empty());
  pass(nanoseconds(1));
  std::vector<Page> sent = pages();
  ASSERT_EQ(sent.size(), 1u) << "one in a turn";
  EXPECT_EQ(sent[0].contacts.size(), contacts_page_max);
  EXPECT_TRUE(sent[0].head.first);
  ASSERT_FALSE(sent[0].head.last);
  EXPECT_EQ(*shard_->next_wakeup(), now_ + milliseconds(1)) << "the admin thread has a moment";
  while (!sent.back().head.last) {
    ASSERT_LT(sent.size(), 20u) << "it comes to an end";
    pass(milliseconds(1));
    const std::vector<Page> more = pages();
    ASSERT_EQ(more.size(), 1u);
    EXPECT_FALSE(more[0].head.first);
    sent.push_back(more[0]);
  }
  ASSERT_GE(sent.size(), 2u);
  std::set<Id> ids;
  for (const Page& page : sent) {
    for (const ReportedContact& contact : page.contacts) {
      EXPECT_TRUE(ids.insert(contact.id).second) << "twice: " << contact.id.hex();
      EXPECT_EQ(contact.answered_last, first_node_seconds - 600);
      EXPECT_EQ(contact.endpoint.port, 8468);
    }
  }
  EXPECT_GT(ids.size(), size_t{contacts_page_max});
  EXPECT_LE(ids.size(), count(ShardCount::contacts)) << "others own the rest";
}

TEST_F(ShardTest, AnEmptyTableIsReportedAtFirstAndThenEveryTwoMinutes) {
  begin();
  pass(seconds(4));
  ASSERT_EQ(pages().size(), 1u);
  for (int fours = 1; fours < 30; ++fours) {
    pass(seconds(4));
    EXPECT_TRUE(pages().empty()) << "nothing has changed, " << 4 * fours << " s later";
  }
  pass(seconds(4));
  EXPECT_EQ(pages().size(), 1u);
}

TEST_F(ShardTest, ADrainReportsTheContactsAtOnceAndThenNothingMore) {
  restore(3, minutes(10));
  begin();
  finish_load();
  pass(seconds(4));
  const size_t before = pages().at(0).contacts.size();
  EXPECT_EQ(count(ShardCount::drained), 0u);
  was_admin_rung();
  command(CommandKind::drain, 0);
  EXPECT_EQ(count(ShardCount::drained), 0u) << "the list comes first";
  turn();
  const std::vector<Page> last = pages();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_TRUE(last[0].head.first && last[0].head.last);
  EXPECT_EQ(last[0].contacts.size(), before);
  EXPECT_EQ(count(ShardCount::drained), 1u);
  EXPECT_TRUE(was_admin_rung());
  pass(minutes(3));
  EXPECT_TRUE(pages().empty());

  LocalAddress local;
  local.socket = 0;
  shard_->receive(now_, {{own_loopback(own_port), local}, {}}, out_);
  EXPECT_EQ(count(ShardCount::refused_draining), 1u);
}

TEST_F(ShardTest, AStallIsReportedUnlessOneWasInTheLastTenSeconds) {
  begin();
  Stall stall;
  stall.turn = milliseconds(70);
  stall.frames = 3;
  turn();
  const auto stalls = [&] {
    shard_->stalled(stall);
    turn();
    return reported<SlowTurnReport>(ReportKind::slow_turn);
  };
  const auto first = stalls();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].stall.turn, milliseconds(70));
  EXPECT_EQ(first[0].stall.frames, 3u);
  EXPECT_TRUE(stalls().empty());
  pass(seconds(10) - nanoseconds(1));
  EXPECT_TRUE(stalls().empty());
  pass(nanoseconds(1));
  EXPECT_EQ(stalls().size(), 1u);
}

TEST_F(ShardTest, AReportForWhichThereIsNoRoomIsCounted) {
  begin();
  const std::array<uint8_t, 4'000> filling{};
  while (reports_.push(filling)) {
  }
  while (reports_.push(Bytes(filling).first(8))) {
  }
  shard_->stalled(Stall{});
  EXPECT_EQ(count(ShardCount::log_lines_dropped), 1u);
}

TEST_F(ShardTest, AnOperationThatTheDiskCannotTakeFailsAndTheNextOneDoesNot) {
  begin();
  finish_load();
  turn();
  fill_operations();
  const std::vector<uint8_t> value = {0xc4, 1, 7};
  const Id key = own_key();
  command(CommandKind::keep, 5, key, value);
  EXPECT_EQ(count(ShardCount::commit_mailbox_full), 1u);
  EXPECT_EQ(*shard_->next_wakeup(), Instant::min()) << "the failure is delivered at once";
  turn();
  const auto ended = results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].head.operation, 5u);
  EXPECT_EQ(ended[0].head.status, OperationStatus::refused);
  const auto& listed = shard_->published_counters(0);
  EXPECT_EQ(listed.read(StoreCount::write_failed), 1u);
  EXPECT_EQ(listed.read(StoreCount::writes_pending), 0u);
  EXPECT_EQ(listed.read(StoreCount::stale_completions), 0u);

  commits_->operations().consume(1'000'000, [](Bytes) {});
  command(CommandKind::keep, 6, key, value);
  EXPECT_EQ(count(ShardCount::commit_mailbox_full), 1u);
  EXPECT_EQ(listed.read(StoreCount::writes_pending), 1u);
}

TEST_F(ShardTest, AReadThatTheDiskCannotTakeIsAFailureAndNotAnAbsence) {
  begin();
  Completion cold;
  cold.kind = CompletionKind::record_loaded;
  cold.key = own_key();
  cold.value_size = 3;
  cold.times = {first_node_seconds, first_node_seconds, first_node_seconds,
                first_node_seconds + 3'600};
  receive(completions, cold);
  finish_load();
  const auto& stored = shard_->store_counters(0);
  ASSERT_EQ(stored.read(StoreCount::records), 1u);
  fill_operations();
  command(CommandKind::get, 5, own_key());
  EXPECT_EQ(count(ShardCount::commit_mailbox_full), 1u);
  turn();
  EXPECT_EQ(stored.read(StoreCount::read_failed), 1u);
  EXPECT_EQ(stored.read(StoreCount::reads_pending), 0u);
  EXPECT_EQ(results().size(), 1u);
}

// ---- Messages to the others.

class ShardMessages : public ShardTest {
 protected:
  // A proof of a source, as filling.
  static ProvenMessage filling() {
    ProvenMessage message;
    message.message.kind = ShardMessageKind::proven;
    message.source = Endpoint::ipv4(0x7f000001, 1);
    return message;
  }
  static void fill(Mailbox& mailbox) {
    while (mailbox.push(filling(), {})) {
    }
    mailbox.publish();
  }
  // A stranger asks, and answers the ping that this brings.
  void prove(const Endpoint& stranger, const Id& id) {
    LocalAddress local;
    local.socket = 0;
    std::array<uint8_t, 200> bytes;
    size_t size = rpcudp::encode_find_node_request(bytes, Transaction{}, id, id);
    shard_->receive(now_, {{stranger, local}, Bytes(bytes).first(size)}, out_);
    ASSERT_EQ(out_.entries().size(), 1u);
    Request ping;
    ASSERT_EQ(rpcudp::parse_request(out_.bytes(out_.entries()[0]), &ping), ParseError::none);
    size = rpcudp::encode_ping_reply(bytes, ping.transaction, id);
    out_.clear();
    shard_->receive(now_, {{stranger, local}, Bytes(bytes).first(size)}, out_);
    out_.clear();
  }
  // What a mailbox holds but for filling: the kind of each, and the port of whom it is about.
  using Told = std::vector<std::pair<ShardMessageKind, uint16_t>>;
  static Told take(Mailbox& mailbox, uint32_t frames = 1000) {
    Told told;
    mailbox.consume(frames, [&](Bytes frame) {
      const ShardMessageKind kind = frame_header<ShardMessage>(frame)->kind;
      uint16_t port = 0;
      if (kind == ShardMessageKind::proven) port = frame_header<ProvenMessage>(frame)->source.port;
      if (kind == ShardMessageKind::evidence) {
        port = frame_header<EvidenceMessage>(frame)->contact.endpoint.port;
      }
      if (port != 1) told.emplace_back(kind, port);
    });
    return told;
  }
  // In a bucket of that shard: ranges of ids are theirs in turn.
  static Id id_in_bucket_of(ShardIndex shard) {
    Id id;
    id.bytes[0] = static_cast<uint8_t>(0x80 >> shard);
    return id;
  }
};

TEST_F(ShardMessages, AFullMailboxHoldsUpWhatIsForItsShardAndNothingElse) {
  begin();
  fill(to_first_);
  prove(Endpoint::ipv4(0x7f000002, 20), id_in_bucket_of(0));
  turn();
  EXPECT_FALSE(take(to_last_).empty()) << "this one has room";
  EXPECT_TRUE(take(to_first_).empty()) << "only what filled it";
  EXPECT_EQ(*shard_->next_wakeup(), now_ + milliseconds(1));
  pass(milliseconds(1));
  const Told late = take(to_first_);
  EXPECT_TRUE(
      std::count(late.begin(), late.end(), std::pair{ShardMessageKind::proven, uint16_t{20}}))
      << late.size();
}

// What was learnt of a contact is a larger message than the proof of a source, and comes first.
TEST_F(ShardMessages, AMessageDoesNotOvertakeALargerOneToTheSameShard) {
  begin();
  const Told order = {{ShardMessageKind::evidence, 20}, {ShardMessageKind::proven, 20}};
  for (const ShardIndex shard : {ShardIndex{0}, ShardIndex{2}}) {
    Mailbox& mailbox = shard == 0 ? to_first_ : to_last_;
    take(to_first_);
    take(to_last_);
    fill(mailbox);
    take(mailbox, 1);  // Room for one proof.
    prove(Endpoint::ipv4(0x7f000002 + shard, 20), id_in_bucket_of(shard));
    turn();
    EXPECT_EQ(take(mailbox), Told{}) << "the larger one found no room";
    pass(milliseconds(1));
    Told late = take(mailbox);
    ASSERT_GE(late.size(), order.size());
    late.resize(order.size());
    EXPECT_EQ(late, order);
  }
}

}  // namespace
}  // namespace xord
