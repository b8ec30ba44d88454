// The floor: a server that makes the same system calls as a node, through the same reactor and the
// same backends, answers each request with as many bytes, and does nothing else. The gap between
// a node and this is the price of Kademlia; between this and another floor, that of the reactor.
//
//   floor [--listen ADDR:PORT] [--io uring|epoll|plain] [--reply BYTES]
//
// Prints "ready ADDR:PORT", serves until SIGTERM or SIGINT. docs/PERFORMANCE.md, bench/run.py.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "bench/floor/fixed_reply.h"
#include "bench/floor/plain_loop.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/reactor.h"
#include "reactor/sockets.h"

namespace xord {
namespace {

class FixedAnswers final : public ReactorHandler {
 public:
  explicit FixedAnswers(const FixedReply& reply) : reply_(reply) {}

  void receive(Instant, const Datagram& datagram, Outbox& out) override {
    const MutableBytes buffer = out.reserve(reply_.size());
    if (buffer.empty() || !reply_.write(datagram.bytes, buffer.data())) return;
    out.commit(datagram.path, reply_.size());
  }
  void receive_frame(Instant, uint32_t, Bytes, Outbox&) override {}
  void advance(Instant, Outbox&) override {}
  void end_turn(Instant, Outbox&) override {}
  std::optional<Instant> next_wakeup() const override { return std::nullopt; }

 private:
  const FixedReply& reply_;
};

struct FloorFlags {
  Endpoint listen = Endpoint::ipv4(0, 0);
  std::string_view io = "uring";
  size_t reply = 600;
};

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "floor: %s\n", sentence.c_str());
  std::exit(2);
}

FloorFlags read_flags(int count, char** texts) {
  FloorFlags flags;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = texts[i];
    const std::string value = i + 1 < count ? texts[i + 1] : "";
    if (name == "--listen") {
      const auto endpoint = Endpoint::parse(value);
      if (!endpoint) fail("\"" + value + "\" is not ADDR:PORT");
      flags.listen = *endpoint;
    } else if (name == "--io" && (value == "uring" || value == "epoll" || value == "plain")) {
      flags.io = texts[i + 1];
    } else if (name == "--reply") {
      flags.reply = std::strtoul(value.c_str(), nullptr, 10);
      if (flags.reply < rpcudp::header_size || flags.reply > datagram_bytes_max) {
        fail("--reply is not a size from 21 to 8,360");
      }
    } else {
      fail("usage: floor [--listen ADDR:PORT] [--io uring|epoll|plain] [--reply BYTES]");
    }
  }
  return flags;
}

void say_ready(const ShardSockets& sockets) {
  std::printf("ready %s\n", sockets[0].bound.text().c_str());
  std::fflush(stdout);
}

void serve_by_reactor(const FloorFlags& flags, ShardSockets sockets, const sigset_t& ending) {
  ReactorConfig config;
  config.io = flags.io == "uring" ? IoChoice::uring : IoChoice::epoll;
  std::unique_ptr<Reactor> reactor;
  if (auto error = Reactor::create(config, std::move(sockets), NodeClock(Instant{}), &reactor)) {
    fail(error->sentence);
  }
  const FixedReply reply(flags.reply);
  FixedAnswers answers(reply);
  std::thread loop([&] {
    if (auto error = reactor->run(answers)) fail(error->sentence);
  });
  say_ready(reactor->sockets());
  int signal = 0;
  sigwait(&ending, &signal);
  reactor->request_stop();
  loop.join();
}

void serve_plainly(const FloorFlags& flags, const ShardSockets& sockets, const sigset_t& ending) {
  const FixedReply reply(flags.reply);
  std::atomic<bool> stop{false};
  std::thread loop([&] { run_plain_loop(sockets, reply, stop); });
  say_ready(sockets);
  int signal = 0;
  sigwait(&ending, &signal);
  stop.store(true, std::memory_order_relaxed);
  loop.join();
}

void serve(const FloorFlags& flags) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);  // Before any thread starts: threads inherit it.
  const Listen listen{flags.listen};
  std::vector<ShardSockets> shards;
  if (auto error = open_sockets({&listen, 1}, {}, &shards)) fail(error->sentence);
  if (flags.io == "plain") {
    serve_plainly(flags, shards[0], ending);
  } else {
    serve_by_reactor(flags, std::move(shards[0]), ending);
  }
}

}  // namespace
}  // namespace xord

int main(int count, char** texts) {
  xord::serve(xord::read_flags(count, texts));
  return 0;
}
