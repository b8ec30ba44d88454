// Answers that wait for contacts they would name (Standing::awaited): until all of them answered or
// fell silent, at most naming_wait. An answer waits for one contact at a time and is looked at
// again when that one is decided. Knows no table and sends nothing. A fixed pool; nothing allocates
// after construction, and each call but take_ready() costs at most the answers that it makes ready.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/wire/message.h"
#include "reactor/base/datagram.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

struct WaitingAnswer {
  Path path;
  WireTransaction transaction;
  Id target;
  Id asker;
  Instant until;  // It waits no longer.
};

class WaitingAnswers {
 public:
  explicit WaitingAnswers(uint32_t answers_max);

  // Room for one more, which is to wait with wait_for(); empty when answers_max wait. Call it with
  // `until` in order: each wait is equally long.
  [[nodiscard]] std::optional<PoolHandle> add(const WaitingAnswer& answer);
  // `answer`, new or taken as ready, waits for the contact of this key (RoutingTable::key_of).
  void wait_for(PoolHandle answer, uint64_t contact);
  // The contact was decided: who waits for it is ready.
  void decided(Instant now, uint64_t contact);
  // Who waited until `now` is ready.
  void advance(Instant now);
  // The next that is ready, in the order of becoming so: wait_for() or finish() it.
  std::optional<PoolHandle> take_ready();
  const WaitingAnswer& operator[](PoolHandle answer) const { return rows_[answer].answer; }
  void finish(PoolHandle answer);

  bool has_ready() const { return ready_.first != none; }
  // When advance() is next needed; empty when nothing waits.
  std::optional<Instant> next_wakeup() const;
  uint32_t count() const { return rows_.taken_count(); }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  enum class State : uint8_t { taken, waiting, ready };
  struct Links {
    uint32_t before = none;
    uint32_t after = none;
  };
  struct List {
    uint32_t first = none;
    uint32_t last = none;
  };
  struct Row {
    WaitingAnswer answer;
    uint64_t contact = 0;
    State state = State::taken;
    Links by_age;  // All rows, the oldest first.
    Links beside;  // Those of one bucket of contacts, or those that are ready.
  };

  Row& row(uint32_t index) { return rows_[*rows_.taken_at(index)]; }
  List& bucket_of(uint64_t contact) { return buckets_[contact & (buckets_.size() - 1)]; }
  void append(List& list, uint32_t index, Links Row::*links);
  void remove(List& list, uint32_t index, Links Row::*links);
  void make_ready(Instant now, uint32_t index);

  FixedPool<Row> rows_;
  List by_age_;
  List ready_;
  Instant ready_since_;
  std::vector<List> buckets_;  // Those that wait, by their contact; a power of two of them.
};

}  // namespace xord
