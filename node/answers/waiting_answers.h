// Answers that wait for contacts they would name (Standing::awaited): until each has answered or
// turned out silent, at most naming_wait. An answer waits for one contact at a time and is examined
// again when that one is decided. Knows no table and sends nothing. A fixed pool; nothing allocates
// after construction, and each call but take_ready() costs at most the answers it makes ready.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/wire/message.h"
#include "reactor/base/check.h"
#include "reactor/base/datagram.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

struct WaitingAnswer {
  Path path;
  WireTransaction transaction;
  uint16_t request_size = 0;  // Of the datagram.
  Id target;
  Id asker;
  Instant came;   // When it was asked.
  Instant until;  // When it stops waiting.
};

class WaitingAnswers {
 public:
  explicit WaitingAnswers(uint32_t answers_max);

  // Adds an answer, which must then wait_for() a contact; empty when answers_max wait. `until` must
  // not decrease between calls: all waits are equally long.
  [[nodiscard]] std::optional<PoolHandle> add(const WaitingAnswer& answer);
  // `answer`, new or taken as ready, waits for the contact with this key (RoutingTable::key_of).
  void wait_for(PoolHandle answer, uint64_t contact);
  // The contact was decided: answers that wait for it are ready.
  void decided(Instant now, uint64_t contact);
  // Answers that waited until `now` are ready.
  void advance(Instant now);
  // The next ready answer, in the order they became ready: call wait_for() or finish() on it.
  std::optional<PoolHandle> take_ready();
  const WaitingAnswer& operator[](PoolHandle answer) const { return rows_[answer].answer; }
  void finish(PoolHandle answer);

  bool has_ready() const { return ready_.first != none; }
  // When advance() is next needed; empty when nothing waits.
  std::optional<Instant> next_wakeup() const;
  uint32_t count() const { return rows_.taken_count(); }
  // For tests and the simulator: aborts if an invariant is broken. Visits every answer.
  void check_invariants() const;

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
    Links by_age;  // All rows, oldest first.
    Links beside;  // The rows of one bucket of contacts, or the ready ones.
  };

  Row& row(uint32_t index) {
    const auto handle = rows_.taken_at(index);
    DCHECK(handle.has_value());  // Only rows in use are in a list.
    return rows_[*handle];
  }
  const Row& row(uint32_t index) const {
    const auto handle = rows_.taken_at(index);
    DCHECK(handle.has_value());
    return rows_[*handle];
  }
  List& bucket_of(uint64_t contact) { return buckets_[contact & (buckets_.size() - 1)]; }
  void append(List& list, uint32_t index, Links Row::*links);
  void remove(List& list, uint32_t index, Links Row::*links);
  void make_ready(Instant now, uint32_t index);
  // Calls visit(const Row&) for each row of `list`, and returns how many there are.
  template <class Visit>
  uint32_t check_list(const List& list, Links Row::*links, Visit&& visit) const;

  FixedPool<Row> rows_;
  List by_age_;
  List ready_;
  Instant ready_since_;
  std::vector<List> buckets_;  // Waiting answers by their contact; a power of two buckets.
};

}  // namespace xord
