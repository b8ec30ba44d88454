// Sends rpcudp requests to a node as fast as asked, from any sources of a prefix, and counts what
// goes back to them. Forged sources (the default) answer nothing; with --answers they belong to one
// attacker with many addresses, who answers pings and whatever else the node asks. Ends by itself
// after --seconds, and prints one line of JSON. A tests/attack/NAME_test.py makes the network in
// which it runs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
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

struct FloodOptions : AskOptions {
  FloodOptions() {
    sources = "0.0.0.0/0";  // Whatever goes to this prefix counts.
    value_size = 1;
    seed = 1;
  }
  uint64_t endpoints = 0;  // Taken in turn; 0: a new one for each datagram.
  uint32_t age = 0;
  double rate = 50'000;
  double seconds = 5;
  double linger = 0.3;  // Seconds after the last request in which replies still count.
  bool answers = false;
  std::string near;
  uint32_t bits_min = 0;
  uint32_t bits_max = 0;
};

class Flood {
 public:
  explicit Flood(const FloodOptions& options);
  void run();
  void print() const;

 private:
  void send_one();
  // Sends what is due, at most a batch; returns how long nothing more is due.
  Duration send_due(MonotonicTime now);
  void heard(const Endpoint& to, Bytes payload);

  FloodOptions options_;
  Sources sources_;
  PacketLink link_;
  Ids ids_;
  const std::optional<Id> key_;  // Empty: another for each datagram.
  const std::vector<Method> methods_;
  MonotonicTime schedule_;  // When the first datagram was due; later if we fell behind.
  double elapsed_ = 0;
  uint64_t received_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t pings_ = 0;
  uint64_t answered_ = 0;
  uint64_t answered_bytes_ = 0;
  size_t longest_ = 0;
  std::unordered_map<uint64_t, uint64_t> bytes_to_;  // By the ends of an address.
  std::array<uint8_t, datagram_max> out_{};
};

Flood::Flood(const FloodOptions& options)
    : options_(options),
      sources_(options.sources_net(), options.seed),
      link_(options.link()),
      key_(options.key_id()),
      methods_(options.methods_named()) {
  if (!options.near.empty()) {
    ids_ = {need(Id::from_hex(options.near), options.near), options.bits_min, options.bits_max};
  }
  CHECK(options.rate > 0);
}

void Flood::send_one() {
  const uint64_t number = link_.sent_count();
  const Endpoint source = sources_[options_.endpoints == 0 ? number : number % options_.endpoints];
  Question question;
  question.method = methods_[scattered(number) % methods_.size()];
  question.sender = ids_.of(source);
  question.key = key_ ? *key_ : Ids{}.of_number(options_.seed * 1'000'003 + number);
  question.value_size = options_.value_size;
  question.age = options_.age;
  link_.send(source, {out_.data(), write_request(out_, number, question)});
}

Duration Flood::send_due(MonotonicTime now) {
  constexpr uint64_t batch = 64;
  constexpr Duration behind_most = milliseconds(50);
  const double rate = options_.rate;
  const auto sent = link_.sent_count();
  const auto due = static_cast<uint64_t>((now - schedule_).seconds() * rate);
  if (due <= sent) return seconds_of(static_cast<double>(sent + 1) / rate) - (now - schedule_);
  for (uint64_t i = std::min(batch, due - sent); i > 0; --i) send_one();
  link_.flush();
  const Duration late = (now - schedule_) - seconds_of(static_cast<double>(sent) / rate);
  if (late > behind_most) schedule_ = schedule_ + (late - behind_most);
  // Not one by one at a high rate: a system call each would cost more than the datagram.
  return due - sent > batch ? Duration{} : std::min(microseconds(500), seconds_of(1 / rate));
}

void Flood::heard(const Endpoint& to, Bytes payload) {
  ++received_;
  received_bytes_ += payload.size();
  bytes_to_[load_be64(&to.address.bytes[8]) ^ load_be64(to.address.bytes.data())] += payload.size();
  pings_ += is_ping(payload) ? 1 : 0;
  if (transaction_of_reply(payload)) {
    ++answered_;
    answered_bytes_ += payload.size();
    longest_ = std::max(longest_, payload.size());
  }
  if (!options_.answers) return;
  std::array<uint8_t, 64> reply;
  const size_t size = write_reply(reply, payload, ids_.of(to));
  if (size == 0) return;
  link_.reply(to, {reply.data(), size});
}

void Flood::run() {
  const MonotonicTime begin = monotonic_time();
  const auto hear = [this](const Endpoint& to, Bytes payload) { heard(to, payload); };
  schedule_ = begin;
  MonotonicTime now = begin;
  while (now - begin < seconds_of(options_.seconds)) {
    const Duration wait = send_due(now);
    link_.receive(std::min(wait, begin + seconds_of(options_.seconds) - now), hear);
    link_.flush();
    now = monotonic_time();
  }
  elapsed_ = (now - begin).seconds();
  const MonotonicTime end = now + seconds_of(options_.linger);
  for (; now < end; now = monotonic_time()) {
    link_.receive(end - now, hear);
    link_.flush();
  }
}

void Flood::print() const {
  uint64_t most = 0;
  for (const auto& [address, bytes] : bytes_to_) most = std::max(most, bytes);
  const auto count = [](const char* name, uint64_t value) {
    std::printf("\"%s\": %llu, ", name, static_cast<unsigned long long>(value));
  };
  std::printf("{");
  count("sent", link_.sent_count());
  count("sent_bytes", link_.sent_bytes());
  count("received", received_);
  count("received_bytes", received_bytes_);
  count("pings", pings_);
  count("answered", answered_);
  count("answered_bytes", answered_bytes_);
  count("longest_answer", longest_);
  count("addresses_reached", bytes_to_.size());
  count("most_bytes_to_one", most);
  count("lost_here", link_.lost_count());
  std::printf("\"seconds\": %.2f, \"rate\": %.0f}\n", elapsed_,
              static_cast<double>(link_.sent_count()) / elapsed_);
}

FloodOptions read_options(int argc, char** argv) {
  FloodOptions options;
  CLI::App app("Floods a node from many sources");
  add_flags(app, options);
  app.add_option("--endpoints", options.endpoints, "of the prefix, in turn; 0: ever new ones");
  app.add_option("--age", options.age, "of a stored record, in seconds");
  app.add_option("--rate", options.rate, "datagrams a second")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds)->check(CLI::Range(0.0, 3600.0));
  app.add_option("--linger", options.linger)->check(CLI::Range(0.0, 60.0));
  app.add_flag("--answers", options.answers, "sources answer what the node asks");
  app.add_option("--near", options.near, "what the sources' ids share bits with");
  app.add_option("--bits-min", options.bits_min)->check(CLI::Range(0, 150));
  app.add_option("--bits-max", options.bits_max)->check(CLI::Range(0, 150));
  read_flags(app, argc, argv);
  return options;
}

}  // namespace
}  // namespace xord

int main(int argc, char** argv) {
  xord::Flood flood(xord::read_options(argc, argv));
  flood.run();
  flood.print();
}
