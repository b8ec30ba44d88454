// What a message between shards costs: pushed, published and taken, in batches as in a turn. First
// with one thread (the work itself), then with two (the cache lines travel too; on two cores the
// figure holds only while nothing else runs).
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>

#include "node/shard_message.h"
#include "reactor/mailbox.h"

namespace xord {
namespace {

constexpr uint32_t mailbox_bytes = 1 << 20;

// A forwarded find_value: the header and 78 bytes.
const std::array<uint8_t, 78> datagram{};

void push_and_take(benchmark::State& state) {
  const auto batch = static_cast<uint32_t>(state.range(0));
  Doorbell doorbell;
  const auto mailbox = std::make_unique<Mailbox>(mailbox_bytes, doorbell);
  uint64_t bytes = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < batch; ++i) {
      const bool has_room = mailbox->push(DatagramMessage{}, datagram);
      CHECK(has_room);
    }
    mailbox->publish();
    mailbox->consume(batch, [&](Bytes frame) { bytes += frame.size(); });
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}
BENCHMARK(push_and_take)->Arg(1)->Arg(64);

void between_two_threads(benchmark::State& state) {
  const auto batch = static_cast<uint32_t>(state.range(0));
  Doorbell doorbell;
  const auto mailbox = std::make_unique<Mailbox>(mailbox_bytes, doorbell);
  std::atomic<bool> stop{false};
  std::thread consumer([&] {
    uint64_t bytes = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      mailbox->consume(batch, [&](Bytes frame) { bytes += frame.size(); });
    }
    benchmark::DoNotOptimize(bytes);
  });
  for (auto _ : state) {
    for (uint32_t i = 0; i < batch; ++i) {
      while (!mailbox->push(DatagramMessage{}, datagram)) {
      }
    }
    mailbox->publish();
  }
  stop.store(true, std::memory_order_relaxed);
  consumer.join();
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}
BENCHMARK(between_two_threads)->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace xord
