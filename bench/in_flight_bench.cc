// What one outgoing request costs before and after the wire: transaction, timer, match, round trip,
// and checking whether a source is proven.
#include <benchmark/benchmark.h>

#include <vector>

#include "node/admission/proven.h"
#include "node/calls/in_flight.h"
#include "node/calls/round_trip.h"
#include "node/lookup/lookup.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr InFlight::Secret secret = {1, 2, 3};

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x7f000001 + number % 64, static_cast<uint16_t>(1024 + number));
}

// With `state.range(0)` other requests open.
void open_and_match(benchmark::State& state) {
  const auto others = static_cast<uint32_t>(state.range(0));
  InFlight in_flight(0, others + 1, secret, Instant{});
  Call call;
  for (uint32_t i = 0; i < others; ++i) {
    call.to = endpoint(i);
    benchmark::DoNotOptimize(in_flight.open(Instant{}, call, milliseconds(300)));
  }
  call.to = endpoint(others);
  for (auto _ : state) {
    const auto transaction = in_flight.open(Instant{}, call, milliseconds(300));
    benchmark::DoNotOptimize(in_flight.match(Instant{}, *transaction, call.to));
  }
}
BENCHMARK(open_and_match)->Arg(0)->Arg(10'000);

void refuse_a_forged_reply(benchmark::State& state) {
  InFlight in_flight(0, 1024, secret, Instant{});
  Call call;
  call.to = endpoint(1);
  Transaction transaction = *in_flight.open(Instant{}, call, milliseconds(300));
  transaction[10] ^= 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(in_flight.match(Instant{}, transaction, call.to));
  }
}
BENCHMARK(refuse_a_forged_reply);

void adaptive_timeout_of_a_contact(benchmark::State& state) {
  RoundTrips round_trips(4096, 1);
  for (uint32_t i = 0; i < 2000; ++i) round_trips.sample(endpoint(i), microseconds(800));
  uint32_t number = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(round_trips.timeout(endpoint(number++ % 2000)));
  }
}
BENCHMARK(adaptive_timeout_of_a_contact);

// One of 10,000 proven senders, in random order, in a table for 65,536.
void is_proven(benchmark::State& state) {
  constexpr uint32_t senders = 10'000;
  Ledger ledger({}, Budget{}.ledger_rows, 1, 1, {});
  ProvenSources proven(65'536, 1, {}, ledger);
  std::vector<Endpoint> order;
  for (uint32_t i = 0; i < senders; ++i) order.push_back(endpoint(i));
  for (const Endpoint& sender : order) proven.prove(sender, Instant{});
  Rng rng(1);
  rng.shuffle(order);
  uint32_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(proven.is_proven(order[at], Instant{}));
    at = at + 1 == senders ? 0 : at + 1;
  }
}
BENCHMARK(is_proven);

// One whole lookup without wire and network: the k nearest asked, each naming 20 of 100 contacts.
void lookup(benchmark::State& state) {
  Rng rng(1);
  std::vector<Contact> contacts(100);
  for (uint32_t i = 0; i < contacts.size(); ++i) {
    rng.fill(contacts[i].id.bytes);
    contacts[i].endpoint = endpoint(i);
  }
  Lookup one;
  LookupPlan plan;
  plan.self.bytes[0] = 1;
  uint64_t asked = 0;
  for (auto _ : state) {
    plan.target.bytes[19]++;
    one.start(plan, std::span(contacts).first(bucket_size));
    uint32_t from = 0;
    while (!one.is_finished()) {
      while (const auto row = one.next()) {
        one.answered(*row, std::span(contacts).subspan(from, bucket_size));
        from = (from + 7) % 80;
      }
    }
    asked += one.asked_count();
  }
  state.SetItemsProcessed(static_cast<int64_t>(asked));
}
BENCHMARK(lookup);

}  // namespace
}  // namespace xord
