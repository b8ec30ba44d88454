// What a whole node costs, from datagram in to datagram out, without a kernel: parsing, admission,
// table or store, the answer, and the work that the sender's request causes. Making the requests is
// part of each figure; `requests_alone` measures that part.
#include <benchmark/benchmark.h>

#include "bench/loaded_node.h"
#include "node/admission/ledger.h"
#include "node/budget.h"

namespace xord {
namespace {

constexpr uint32_t records = 1'000'000;

LoadedNodeShape with_records(LoadedNodeShape shape) {
  shape.records = records;
  return shape;
}

// Made once per shape: a million records take seconds.
LoadedNode& node_of(bool is_friendly) {
  static LoadedNode one(with_records({}));
  static LoadedNode other(with_records(LoadedNodeShape::unfriendly()));
  return is_friendly ? one : other;
}

void requests_alone(benchmark::State& state, bool is_friendly, RequestKind kind) {
  LoadedNode& node = node_of(is_friendly);
  for (auto _ : state) benchmark::DoNotOptimize(node.next(kind));
}

void answered(benchmark::State& state, bool is_friendly, RequestKind kind) {
  LoadedNode& node = node_of(is_friendly);
  uint64_t bytes = 0;
  uint64_t silent = 0;
  for (auto _ : state) {
    const size_t size = node.receive(node.next(kind));
    bytes += size;
    silent += size == 0;
  }
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
  state.counters["silent"] = static_cast<double>(silent);
}

// One charge by one of `state.range(0)` addresses, 256 to a /24.
void ledger_charge(benchmark::State& state) {
  Ledger ledger({}, Budget{}.ledger_rows, 1, 7, {});
  const auto sources = static_cast<uint32_t>(state.range(0));
  Instant now = Instant{} + hours(1);
  uint32_t source = 0;
  uint64_t refused = 0;
  for (auto _ : state) {
    source = source + 1 == sources ? 0 : source + 1;
    now = now + microseconds(5);
    const IpAddress address = IpAddress::ipv4(0x0a000000 + source);
    refused += !ledger.try_charge(now, address, Charge::excess, 4);
  }
  state.counters["refused"] = static_cast<double>(refused);
  state.counters["evicted"] = static_cast<double>(ledger.evicted_count());
}
BENCHMARK(ledger_charge)->Arg(16)->Arg(10'000)->Arg(1'000'000);

#define XORD_BOTH(function, kind)                                        \
  BENCHMARK_CAPTURE(function, kind##_friendly, true, RequestKind::kind); \
  BENCHMARK_CAPTURE(function, kind##_unfriendly, false, RequestKind::kind)

XORD_BOTH(requests_alone, find_node);
XORD_BOTH(answered, find_node);
XORD_BOTH(answered, find_value_hit);
XORD_BOTH(requests_alone, find_value_miss);
XORD_BOTH(answered, find_value_miss);
XORD_BOTH(requests_alone, ping);
XORD_BOTH(answered, ping);
BENCHMARK_CAPTURE(requests_alone, store_friendly, true, RequestKind::store)->Iterations(500'000);
BENCHMARK_CAPTURE(answered, store_friendly, true, RequestKind::store)->Iterations(500'000);
BENCHMARK_CAPTURE(answered, store_unfriendly, false, RequestKind::store)->Iterations(500'000);

}  // namespace
}  // namespace xord
