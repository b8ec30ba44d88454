// Honest peers of a node, each at an endpoint of its own, whose pongs take as long as an ocean is
// wide: they ask, wait, and ask once more if nobody answered. Counts who was served, when, and who
// was told an untruth (no contacts, no value or another one, `false`). With --crowd they are users
// of programs, who do now this, now that. Ends by itself, and prints one line of JSON with an
// object for each method. A tests/attack/NAME_test.py makes the network in which it runs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <queue>
#include <span>
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

// Peer i asks with method i mod their number; `key` is that of find_value.
struct HonestOptions : AskOptions {
  HonestOptions() {
    sources = "81.0.0.0/8";
    value_size = 400;
    seed = 7;
  }
  uint32_t peers = 60;
  uint32_t operations = 1;  // Of each peer, one after another.
  uint32_t skipped = 0;     // Of these, the first, which are in no tally.
  bool is_crowd = false;    // Instead, users who run errands for `seconds`.
  double seconds = 0;
  std::string near;  // Of store: keys share at least 40 bits with it.
  double over = 2;   // Seconds in which the peers begin, evenly.
  double pong_after = 0.15;
  double timeout = 2;
  double pause = 0;   // Between the operations of a peer; of a crowd, their mean.
  double every = 0;   // If not 0: from the beginning of an operation to that of the next.
  double linger = 0;  // Seconds in which they only answer, at the end.
  bool by_second = false;
};

struct Step {
  Method method{};
  bool is_miss = false;  // A find_value that has only contacts for an answer.
};

// What a user of a crowd is up to: what a lookup of its program asks this one node.
struct Errand {
  uint32_t percent;
  std::array<Step, 2> steps;
  size_t steps_count;
};
constexpr size_t set_errand = 0;
constexpr std::array<Errand, 6> errands = {{
    {20, {{{Method::find_node}, {Method::store}}}, 2},
    {40, {{{Method::find_value}}}, 1},
    {15, {{{Method::find_value, true}}}, 1},
    {10, {{{Method::ping}, {Method::find_node}}}, 2},  // A bootstrap.
    {10, {{{Method::find_node}}}, 1},
    {5, {{{Method::ping}}}, 1},
}};

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
  Step step;
  std::span<const Step> next;  // The rest of an errand.
  uint32_t operations = 0;     // Completed.
  uint32_t attempt = 0;        // Of the present operation; 0: none is in progress.
  uint64_t transaction = 0;
  Id key;
  uint64_t value = 0;  // Of a crowd: the key's number, and its value's.
  MonotonicTime begun;
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
  void take_step(Peer& peer);
  bool is_true(const Peer& peer, Bytes reply) const;
  void failed(uint32_t index, MonotonicTime now);
  void end_operation(uint32_t index, MonotonicTime now);
  Duration pause_after(const Peer& peer, MonotonicTime now);
  void heard(const Endpoint& to, Bytes payload);
  void answered(uint32_t index, Bytes payload, MonotonicTime now);
  void handle(const Event& event, MonotonicTime now);
  Tally& tally(const Peer& peer) {
    if (peer.operations < options_.skipped) return untold_;
    return tallies_[static_cast<size_t>(peer.step.method)];
  }
  uint64_t drawn() { return scattered(options_.seed * 1'000'003 + ++draws_); }

  HonestOptions options_;
  PacketLink link_;
  const std::optional<Id> key_;
  Ids keys_;
  const MonotonicTime began_ = monotonic_time();
  std::vector<Peer> peers_;
  std::unordered_map<uint64_t, uint32_t> by_endpoint_;
  std::priority_queue<Event> events_;
  std::array<Tally, 4> tallies_;
  Tally untold_;                  // Of the operations that do not count.
  std::vector<uint64_t> stored_;  // By a crowd: the numbers of keys.
  std::vector<uint64_t> served_by_second_;
  uint32_t finished_ = 0;
  uint64_t transactions_ = 0;
  uint64_t draws_ = 0;
  std::array<uint8_t, datagram_max> out_{};
};

uint64_t hash_of(const Endpoint& endpoint) {
  return scattered(load_be64(endpoint.address.bytes.data()) ^
                   scattered(load_be64(&endpoint.address.bytes[8]) + endpoint.port));
}

Honest::Honest(const HonestOptions& options)
    : options_(options), link_(options.link()), key_(options.key_id()) {
  const Sources sources(options.sources_net(), options.seed);
  if (!options.near.empty()) keys_ = {need(Id::from_hex(options.near), options.near), 40, 60};
  const std::vector<Method> methods = options.methods_named();
  uint64_t drawn_count = 0;
  for (uint32_t i = 0; i < options.peers; ++i) {
    Peer peer;
    do {  // Behind one address there are two of a thousand at one port now and then.
      peer.endpoint = sources[drawn_count++];
    } while (!by_endpoint_.try_emplace(hash_of(peer.endpoint), i).second);
    peer.step.method = methods[i % methods.size()];
    peers_.push_back(peer);
    const double after = options.over * i / std::max(1U, options.peers);
    events_.push({began_ + seconds_of(after), Event::Kind::begin, i, 0, {}});
  }
}

void Honest::ask(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  ++peer.attempt;
  peer.transaction = ++transactions_ << 32 | index;
  peer.asked = now;
  Question question{peer.step.method, Ids{}.of(peer.endpoint), peer.key, options_.value_size, 0,
                    peer.value};
  link_.send(peer.endpoint, {out_.data(), write_request(out_, peer.transaction, question)});
  events_.push(
      {now + seconds_of(options_.timeout), Event::Kind::give_up, index, peer.transaction, {}});
}

void Honest::begin(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  CHECK(peer.attempt == 0);
  if (options_.is_crowd) {
    take_step(peer);
  } else if (peer.step.method == Method::find_value && key_) {
    peer.key = *key_;
  } else {
    peer.key = keys_.of_number(transactions_ + options_.seed * 1'000'003);
  }
  ++tally(peer).operations;
  peer.begun = now;
  ask(index, now);
}

// The next step of the errand, or the first one of another.
void Honest::take_step(Peer& peer) {
  if (peer.next.empty()) {
    const uint64_t chance = drawn() % 100;
    uint64_t sum = 0;
    const Errand* errand = errands.begin();
    while ((sum += errand->percent) <= chance) ++errand;
    CHECK(errand < errands.end());
    peer.next = std::span(errand->steps).first(errand->steps_count);
    peer.value = drawn() | 1;  // Nobody has it yet.
    const bool is_get = peer.next[0].method == Method::find_value && !peer.next[0].is_miss;
    if (is_get && stored_.empty()) {
      peer.next = std::span(errands[set_errand].steps);  // Someone has to store the first one.
    } else if (is_get) {
      peer.value = stored_[drawn() % stored_.size()];
    }
    peer.key = keys_.of_number(peer.value);
  }
  peer.step = peer.next[0];
  peer.next = peer.next.subspan(1);
}

bool Honest::is_true(const Peer& peer, Bytes reply) const {
  if (peer.step.is_miss) return verdict_on(Method::find_node, reply) == Verdict::served;
  if (options_.is_crowd && peer.step.method == Method::find_value) {
    return holds_value(reply, options_.value_size, peer.value);
  }
  return verdict_on(peer.step.method, reply) == Verdict::served;
}

void Honest::failed(uint32_t index, MonotonicTime now) {
  if (peers_[index].attempt < 2) return ask(index, now);
  end_operation(index, now);
}

void Honest::end_operation(uint32_t index, MonotonicTime now) {
  Peer& peer = peers_[index];
  peer.attempt = 0;
  peer.transaction = 0;
  ++peer.operations;
  const MonotonicTime then = now + pause_after(peer, now);
  const bool is_late = peer.next.empty() && then - began_ >= seconds_of(options_.seconds);
  if (options_.is_crowd ? is_late : peer.operations == options_.operations) {
    ++finished_;
  } else {
    events_.push({then, Event::Kind::begin, index, 0, {}});
  }
}

// Users of a crowd know nothing of each other: their pauses are exponential.
Duration Honest::pause_after(const Peer& peer, MonotonicTime now) {
  if (options_.every > 0) return std::max(seconds_of(options_.every) - (now - peer.begun), {});
  if (!options_.is_crowd) return seconds_of(options_.pause);
  if (!peer.next.empty()) return {};
  const double chance = static_cast<double>(drawn() >> 11) * 0x1p-53;
  return seconds_of(-options_.pause * std::log1p(-chance));
}

void Honest::answered(uint32_t index, Bytes payload, MonotonicTime now) {
  Peer& peer = peers_[index];
  if (!is_true(peer, payload)) {
    ++tally(peer).denied;
    return failed(index, now);
  }
  ++(peer.attempt == 1 ? tally(peer).first : tally(peer).second);
  tally(peer).milliseconds.push_back((now - peer.asked).seconds() * 1e3);
  const auto second = static_cast<size_t>((now - began_).whole_seconds());
  if (served_by_second_.size() <= second) served_by_second_.resize(second + 1);
  ++served_by_second_[second];
  if (options_.is_crowd && peer.step.method == Method::store) stored_.push_back(peer.value);
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
  if (options_.by_second) {
    std::printf("\"served_by_second\": [");
    const char* before = "";
    for (const uint64_t count : served_by_second_) {
      std::printf("%s%lu", before, count);
      before = ", ";
    }
    std::printf("], ");
  }
  std::printf("\"lost_here\": %lu}\n", link_.lost_count());
}

HonestOptions read_options(int argc, char** argv) {
  HonestOptions options;
  CLI::App app("Honest peers that ask a node");
  add_flags(app, options);
  app.add_option("--peers", options.peers)->check(CLI::Range(1, 100'000));
  app.add_option("--operations", options.operations, "of each peer")->check(CLI::PositiveNumber);
  app.add_option("--skip", options.skipped, "operations of each peer that do not count");
  app.add_flag("--crowd", options.is_crowd, "users of programs: gets, sets, bootstraps");
  app.add_option("--seconds", options.seconds, "in which a crowd begins what it does");
  app.add_option("--near", options.near, "what the keys of store are near");
  app.add_option("--over", options.over, "seconds in which the peers begin");
  app.add_option("--pong-after", options.pong_after, "seconds");
  app.add_option("--timeout", options.timeout, "seconds until a request is sent again");
  app.add_option("--pause", options.pause, "seconds between the operations of a peer");
  app.add_option("--every", options.every, "seconds, instead, from beginning to beginning");
  app.add_option("--linger", options.linger, "seconds of answering at the end");
  app.add_flag("--by-second", options.by_second, "print how many were served in each second");
  read_flags(app, argc, argv);
  return options;
}

}  // namespace
}  // namespace xord

int main(int argc, char** argv) {
  xord::Honest honest(xord::read_options(argc, argv));
  honest.run();
  honest.print();
}
