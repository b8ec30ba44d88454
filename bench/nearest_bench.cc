// What the table's part of an answer costs: the 20 nearest of N contacts, without wire and network.
// The targets are random, so neither caches nor branch predictors know them.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "node/budget.h"
#include "node/contact_book.h"
#include "node/routing/nearest.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

struct FilledIndex {
  explicit FilledIndex(uint32_t count)
      : book(count, rpcudp::encode_contact_tail, 1), branches(count), index(branches, book) {
    Rng rng(count);
    for (uint32_t i = 0; i < count; ++i) {
      Contact contact;
      rng.fill(contact.id.bytes);
      contact.endpoint = Endpoint::ipv4(0x0a000000 + i, 8468);
      handles.push_back(book.acquire(contact));
      CHECK(index.add(handles.back(), Standing::trusted));
    }
    for (Id& target : targets) rng.fill(target.bytes);
  }
  const Id& next_target() { return targets[++at % targets.size()]; }

  ContactBook book;
  TrieBranches branches;
  NearestIndex index;
  std::vector<ContactHandle> handles;
  std::array<Id, 4096> targets;
  size_t at = 0;
};

// The asker is in the table, as most are.
void nearest(benchmark::State& state) {
  const auto filled = std::make_unique<FilledIndex>(static_cast<uint32_t>(state.range(0)));
  const Contact asker = filled->book.contact(filled->handles[0]);
  std::array<ContactHandle, bucket_size> found;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        filled->index.nearest(filled->next_target(), asker, Awaited::included, {}, found));
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(nearest)->Arg(1'000)->Arg(65'536);

// The same, with the contacts written into a reply: the part of find_node between parsing and
// sending.
void nearest_into_a_reply(benchmark::State& state) {
  const auto filled = std::make_unique<FilledIndex>(static_cast<uint32_t>(state.range(0)));
  const Contact asker = filled->book.contact(filled->handles[0]);
  const std::array<uint8_t, transaction_size> transaction{};
  std::array<uint8_t, rpcudp::contacts_reply_size_max> buffer;
  std::array<ContactHandle, bucket_size> found;
  for (auto _ : state) {
    const size_t count =
        filled->index.nearest(filled->next_target(), asker, Awaited::included, {}, found).count;
    rpcudp::ContactsReply reply(buffer, transaction, count);
    for (size_t i = 0; i < count; ++i) {
      reply.add(filled->book.id(found[i]), filled->book.tail(found[i]));
    }
    benchmark::DoNotOptimize(reply.size());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(nearest_into_a_reply)->Arg(1'000)->Arg(65'536);

// A contact leaves and returns: what a change costs each replica.
void remove_and_add(benchmark::State& state) {
  const auto filled = std::make_unique<FilledIndex>(static_cast<uint32_t>(state.range(0)));
  Rng rng(2);
  for (auto _ : state) {
    const ContactHandle handle = filled->handles[rng.bounded(filled->handles.size())];
    filled->index.remove(handle);
    benchmark::DoNotOptimize(filled->index.add(handle, Standing::trusted));
  }
}
BENCHMARK(remove_and_add)->Arg(1'000)->Arg(65'536);

}  // namespace
}  // namespace xord
