// Honest peers of a node, each at an address of its own, whose pongs take as long as an ocean is
// wide: they ask, wait, and ask once more if nobody answered. Counts who was served, when, and who
// was told an untruth (no contacts, no value, `false`). Ends by itself, and prints one line of JSON
// for each method. A tests/attack/NAME_test.py makes the network in which it runs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "tests/attack/options.h"
#include "tests/attack/packet_link.h"
#include "tests/attack/peers.h"

namespace xord {
namespace {

struct HonestOptions {
  std::string device = "v1";
  std::string to = "45.33.7.1:8468";
  std::string sources = "81.0.0.0/8";
  uint32_t peers = 60;
  uint32_t operations = 1;                           // Of each peer, one after another.
  uint32_t skipped = 0;                              // Of these, the first, which are in no tally.
  std::vector<std::string> methods = {"find_node"};  // Peer i asks with method i mod their number.
  std::string key;                                   // Of find_value.
  std::string near;  // Of store: keys share at least 40 bits with it.
  size_t value_size = 400;
  double over = 2;  // Seconds in which the peers begin, evenly.
  double pong_after = 0.15;
  double timeout = 2;
  double pause = 0;   // Between the operations of a peer.
  double linger = 0;  // Seconds in which they only answer, at the end.
  uint64_t seed = 7;
};

// Of one method.
struct Tally {
  uint64_t operations = 0;
  uint64_t first = 0;   // Served at the first request.
  uint64_t second = 0;  // At the second.
  uint64_t denied = 0;  // Answers that were none.
  uint64_t lost = 0;    // Requests without an answer.
  std::vector<double> milliseconds;
};

struct Peer {
  Endpoint endpoint;
  Method method{};
  uint32_t operations = 0;  // Completed.
  uint32_t attempt = 0;     // Of the present operation; 0: none is in progress.
  uint64_t transaction = 0;
  Id key;
  MonotonicTime asked;
};

struct Event {
  enum class Kind : uint8_t { begin, give_up, pong };
  MonotonicTime at;
  Kind kind{};
  uint32_t peer = 0;
  uint64_t transaction = 0;                                           // That give_up is about.
  std::vector<uint8_t> pong;                                          // To send.
  bool operator<(const Event& other) const { return at > other.at; }  // The earliest on top.
};

class Honest {
 public:
  explicit Honest(const HonestOptions& options);
  void run();
  void print() const;

 private:
  void ask(uint32_t index, MonotonicTime now);
  void begin(uint32_t index, MonotonicTime now);
  void failed(uint32_t index, MonotonicTime now);
  void end_operation(uint32_t index, MonotonicTime now);
  void heard(const Endpoint& to, Bytes payload);
  void answered(uint32_t index, Bytes payload, MonotonicTime now);
  void handle(const Event& event, MonotonicTime now);
  Tally& tally(const Peer& peer) {
    if (peer.operations < options_.skipped) return untold_;
    return tallies_[static_cast<size_t>(peer.method)];
  }

  HonestOptions options_;
  PacketLink link_;
  std::optional<Id> key_;
  Ids keys_;
  std::vector<Peer> peers_;
  std::unordered_map<uint64_t, uint32_t> by_endpoint_;
  std::priority_queue<Event> events_;
  std::array<Tally, 4> tallies_;
  Tally untold_;  // Of the operations that do not count.
  uint32_t finished_ = 0;
  uint64_t transactions_ = 0;
  std::array<uint8_t, datagram_max> out_{};
};

uint64_t hash_of(const Endpoint& endpoint) {
  return scattered(load_be64(endpoint.address.bytes.data()) ^
                   scattered(load_be64(&endpoint.address.bytes[8]) + endpoint.port));
}

Honest::Honest(const HonestOptions& options)
    : options_(options),
      link_(options.device, need(Endpoint::parse(options.to), options.to),
            Subnet::parse(options.sources)) {
  const Sources sources(need(Subnet::parse(options.sources), options.sources), options.seed);
  if (!options.key.empty()) key_ = need(Id::from_hex(options.key), options.key);
  if (!options.near.empty()) keys_ = {need(Id::from_hex(options.near), options.near), 40, 60};
  std::vector<Method> methods;
  for (const auto& name : options.methods) methods.push_back(need(method_named(name), name));
  CHECK(!methods.empty());
  const MonotonicTime now = monotonic_time();
  for (uint32_t i = 0; i < options.peers; ++i) {
    Peer peer;
    peer.endpoint = sources[i];
    peer.method = methods[i % methods.size()];
    by_endpoint_[hash_of(peer.endpoint)] = i;
    peers_.push_back(peer);
    const double after = options.over * i / std::max(1U, options.peers);
    events_.push({now + seconds_of(after), Event::Kind::begin, i, 0, {}});
  }
}

void Honest::ask(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  ++peer.attempt;
  peer.transaction = ++transactions_ << 32 | index;
  peer.asked = now;
  Question question{peer.method, Ids{}.of(peer.endpoint), peer.key, options_.value_size, 0};
  link_.send(peer.endpoint, {out_.data(), write_request(out_, peer.transaction, question)});
  events_.push(
      {now + seconds_of(options_.timeout), Event::Kind::give_up, index, peer.transaction, {}});
}

void Honest::begin(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  CHECK(peer.attempt == 0);
  ++tally(peer).operations;
  peer.key = peer.method == Method::find_value && key_
                 ? *key_
                 : keys_.of_number(transactions_ + options_.seed * 1'000'003);
  ask(index, now);
}

void Honest::failed(uint32_t index, MonotonicTime now) {
  if (peers_[index].attempt < 2) return ask(index, now);
  end_operation(index, now);
}

void Honest::end_operation(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  peer.attempt = 0;
  peer.transaction = 0;
  if (++peer.operations == options_.operations) {
    ++finished_;
  } else {
    events_.push({now + seconds_of(options_.pause), Event::Kind::begin, index, 0, {}});
  }
}

void Honest::answered(uint32_t index, Bytes payload, MonotonicTime now) {
  Peer& peer = peers_[index];
  if (verdict_on(peer.method, payload) == Verdict::denied) {
    ++tally(peer).denied;
    return failed(index, now);
  }
  ++(peer.attempt == 1 ? tally(peer).first : tally(peer).second);
  tally(peer).milliseconds.push_back((now - peer.asked).seconds() * 1e3);
  end_operation(index, now);
}

void Honest::heard(const Endpoint& to, Bytes payload) {
  const auto found = by_endpoint_.find(hash_of(to));
  if (found == by_endpoint_.end()) return;
  const Peer& peer = peers_[found->second];
  const MonotonicTime now = monotonic_time();
  if (const auto transaction = transaction_of_reply(payload)) {
    if (peer.attempt > 0 && *transaction == peer.transaction) answered(found->second, payload, now);
    return;
  }
  std::array<uint8_t, 64> reply;
  const size_t size = write_reply(reply, payload, Ids{}.of(to));
  if (size == 0) return;
  events_.push({now + seconds_of(options_.pong_after),
                Event::Kind::pong,
                found->second,
                0,
                {reply.data(), reply.data() + size}});
}

void Honest::handle(const Event& event, MonotonicTime now) {
  const Peer& peer = peers_[event.peer];
  switch (event.kind) {
    case Event::Kind::begin:
      return begin(event.peer, now);
    case Event::Kind::pong:
      return link_.send(peer.endpoint, event.pong);
    case Event::Kind::give_up:
      if (peer.attempt == 0 || peer.transaction != event.transaction) return;
      ++tally(peer).lost;
      return failed(event.peer, now);
  }
}

void Honest::run() {
  std::optional<MonotonicTime> end;
  for (;;) {
    const MonotonicTime now = monotonic_time();
    while (!events_.empty() && events_.top().at <= now) {
      const Event event = events_.top();
      events_.pop();
      handle(event, now);
    }
    link_.flush();
    if (finished_ == peers_.size() && !end) end = now + seconds_of(options_.linger);
    if (end && now >= *end) return;
    Duration wait = end ? *end - now : seconds(1);
    if (!events_.empty()) wait = std::clamp(events_.top().at - now, Duration{}, wait);
    link_.receive(wait, [this](const Endpoint& to, Bytes payload) { heard(to, payload); });
  }
}

void Honest::print() const {
  std::printf("{");
  for (size_t i = 0; i < tallies_.size(); ++i) {
    const Tally& tally = tallies_[i];
    if (tally.operations == 0) continue;
    std::vector<double> times = tally.milliseconds;
    std::sort(times.begin(), times.end());
    const auto at = [&times](double share) {
      if (times.empty()) return 0.0;
      return times[std::min(times.size() - 1,
                            static_cast<size_t>(share * static_cast<double>(times.size())))];
    };
    std::printf(
        "\"%s\": {\"operations\": %lu, \"first\": %lu, \"second\": %lu, \"denied\": %lu, "
        "\"lost\": %lu, \"median_ms\": %.2f, \"p99_ms\": %.2f, \"most_ms\": %.2f}, ",
        method_names[i].data(), tally.operations, tally.first, tally.second, tally.denied,
        tally.lost, at(0.5), at(0.99), at(1));
  }
  std::printf("\"lost_here\": %lu}\n", link_.lost_count());
}

HonestOptions read_options(int argc, char** argv) {
  HonestOptions options;
  CLI::App app("Honest peers that ask a node");
  app.add_option("--device", options.device);
  app.add_option("--to", options.to);
  app.add_option("--sources", options.sources, "a prefix");
  app.add_option("--peers", options.peers)->check(CLI::Range(1, 100'000));
  app.add_option("--operations", options.operations, "of each peer")->check(CLI::PositiveNumber);
  app.add_option("--skip", options.skipped, "operations of each peer that do not count");
  app.add_option("--methods", options.methods)->delimiter(',');
  app.add_option("--key", options.key, "of find_value");
  app.add_option("--near", options.near, "what the keys of store are near");
  app.add_option("--value-size", options.value_size)->check(CLI::Range(size_t{0}, stored_max));
  app.add_option("--over", options.over, "seconds in which the peers begin");
  app.add_option("--pong-after", options.pong_after, "seconds");
  app.add_option("--timeout", options.timeout, "seconds until a request is sent again");
  app.add_option("--pause", options.pause, "seconds between the operations of a peer");
  app.add_option("--linger", options.linger, "seconds of answering at the end");
  app.add_option("--seed", options.seed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

}  // namespace
}  // namespace xord

int main(int argc, char** argv) {
  xord::Honest honest(xord::read_options(argc, argv));
  honest.run();
  honest.print();
}
