// One backend driven by the test's own thread, a step at a time: no reactor, no thread, no timing.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reactor/udp_backend.h"
#include "tests/reactor/loopback.h"

namespace xord {

class BackendHarness : public DatagramSink {
 public:
  struct Received {
    Path path;
    std::string bytes;
  };

  BackendHarness(IoChoice choice, const std::vector<Listen>& listens, BackendOptions options = {})
      : sockets(open_for_one_shard(listens)) {
    const auto refused = choose_backend(choice, options, sockets, doorbell, counters, &chosen);
    EXPECT_FALSE(refused) << refused->sentence;
    const auto failed = chosen.backend->start();
    EXPECT_FALSE(failed) << failed->sentence;
  }
  ~BackendHarness() { chosen.backend->stop(); }

  void on_batch(std::span<const Datagram> batch) override {
    EXPECT_EQ(handed_over, announced.size());  // One batch is handed over before the next.
    for (const Datagram& datagram : batch) announced.emplace_back(text_of(datagram.bytes));
  }
  void on_datagram(const Datagram& datagram) override {
    ASSERT_LT(handed_over, announced.size());
    EXPECT_EQ(announced[handed_over++], text_of(datagram.bytes));
    received.push_back({datagram.path, std::string(text_of(datagram.bytes))});
  }
  // Receives until nothing is left.
  void pump() {
    do {
      chosen.backend->send_and_wait(nothing, Duration{});
    } while (chosen.backend->receive(*this) > 0);
  }
  void queue(const Path& path, std::string_view bytes) {
    const MutableBytes room = out.reserve(bytes.size());
    ASSERT_EQ(room.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    out.commit(path, bytes.size());
  }
  void send() {
    chosen.backend->send(out);
    out.clear();
  }
  void send_back_all() {
    for (const Received& datagram : received) queue(datagram.path, datagram.bytes);
    received.clear();
    send();
  }
  uint64_t count(IoCounter counter) const { return counters.read(counter); }
  uint64_t count(IoSum sum) const { return sum_of(counters, sum); }
  Endpoint server(size_t socket = 0) const { return sockets[socket].bound; }

  ShardSockets sockets;
  Doorbell doorbell;
  IoCounters counters;
  ChosenBackend chosen;
  Outbox nothing{1, 1};
  Outbox out{1024, 1 << 20};
  std::vector<Received> received;
  std::vector<std::string> announced;  // By on_batch(), in total.
  size_t handed_over = 0;
};

}  // namespace xord
