// One page of what all shards of a network list in one order (PageHead in
// node/operation_result.h): each is asked for rows when those it sent are used up, and the rows are
// merged. A query asks at most shard_asks_max times, so a page may have fewer rows than wanted and
// still not be the last. It keeps only its own state and needs no lock: each answer triggers the
// next question. Bounded by page_rows of each shard and the rows of the page.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "node/server/admin/admin.h"
#include "reactor/base/check.h"

namespace xord {

constexpr uint32_t shard_asks_max = 256;
static_assert(shard_asks_max >= 2 * shards_max, "each shard is asked, and there is an answer");

template <class Row>
struct RowsWanted {
  ShardCommand command;  // Its key is where the page begins.
  std::vector<uint8_t> tail;
  Id near;                          // Rows come in the order of distance from it.
  uint32_t limit = 0;               // The most rows; at least 1.
  std::optional<ShardIndex> shard;  // The only one that is asked; empty: all.
  std::function<bool(const Row&)> is_wanted = [](const Row&) { return true; };
};

template <class Row>
struct RowsPage {
  ServerStatus status{};
  std::vector<Row> rows;
  std::optional<Id> next;  // Where the next page begins; empty: there is none.
};

// Where a row stands in its list.
inline const Id& position_of(const ContactRow& row) {
  return row.contact.id;
}
inline const Id& position_of(const BucketRow& row) {
  return row.first;
}
inline const Id& position_of(const RecordRow& row) {
  return row.key;
}

template <class Row>
class RowsQuery {
 public:
  using Finish = std::function<void(const RowsPage<Row>&)>;

  // `finish` is called exactly once, as described at Admin::call(). `admin` is borrowed until then:
  // it does not end before its calls.
  static void run(Admin& admin, RowsWanted<Row> wanted, Finish finish) {
    CHECK(wanted.limit > 0 && finish != nullptr);
    go_on(std::make_shared<RowsQuery>(admin, std::move(wanted), std::move(finish)));
  }

  RowsQuery(Admin& admin, RowsWanted<Row> wanted, Finish finish)
      : admin_(admin), wanted_(std::move(wanted)), finish_(std::move(finish)) {
    CHECK(!wanted_.shard || *wanted_.shard < admin.shards_count());
    shards_.resize(admin.shards_count());
    for (ShardIndex shard = 0; shard < shards_.size(); ++shard) {
      if (!wanted_.shard || *wanted_.shard == shard) shards_[shard].next = wanted_.command.key;
    }
  }

 private:
  using Self = std::shared_ptr<RowsQuery>;
  struct OfShard {
    std::deque<Row> rows;    // Not yet taken.
    std::optional<Id> next;  // Empty: the shard has no more.

    bool must_be_asked() const { return rows.empty() && next; }
    // Its first row that was not taken, known or not.
    std::optional<Id> position() const {
      return rows.empty() ? next : std::optional(position_of(rows.front()));
    }
  };

  static void go_on(const Self& self) {
    self->take_rows();
    const auto shard = std::find_if(self->shards_.begin(), self->shards_.end(),
                                    [](const OfShard& each) { return each.must_be_asked(); });
    const bool is_full = self->page_.rows.size() == self->wanted_.limit;
    if (!is_full && shard != self->shards_.end() && self->asks_ < shard_asks_max) {
      return ask(self, static_cast<ShardIndex>(shard - self->shards_.begin()));
    }
    self->page_.next = self->first_position();
    self->finish_(self->page_);
  }

  static void ask(const Self& self, ShardIndex shard) {
    CHECK(self->shards_[shard].must_be_asked() && self->asks_ < shard_asks_max);
    ShardCommand command = self->wanted_.command;
    command.key = *self->shards_[shard].next;
    ++self->asks_;
    self->admin_.call_on(shard, command, self->wanted_.tail, [self, shard](const CallResult& call) {
      if (call.status != ServerStatus::done) {
        self->page_ = {call.status, {}, {}};
        return self->finish_(self->page_);
      }
      self->add(self->shards_[shard], call.value);
      go_on(self);
    });
  }

  void add(OfShard& shard, Bytes page) {
    PageHead head;
    CHECK(page.size() >= sizeof head && (page.size() - sizeof head) % sizeof(Row) == 0);
    std::memcpy(&head, page.data(), sizeof head);
    for (Bytes rest = page.subspan(sizeof head); !rest.empty(); rest = rest.subspan(sizeof(Row))) {
      Row row;
      std::memcpy(&row, rest.data(), sizeof row);
      shard.rows.push_back(row);
    }
    CHECK(shard.rows.size() <= page_rows);
    const std::optional<Id> next = head.is_last != 0 ? std::nullopt : std::optional(head.next);
    CHECK(!next || nearer(wanted_.near, *shard.next, *next));  // It goes on, and ends.
    shard.next = next;
  }

  // Takes rows in order, as long as the first one is known.
  void take_rows() {
    while (page_.rows.size() < wanted_.limit) {
      OfShard* first = nullptr;
      for (OfShard& shard : shards_) {
        if (shard.must_be_asked()) return;
        if (shard.rows.empty()) continue;
        if (first == nullptr || nearer(wanted_.near, *shard.position(), *first->position())) {
          first = &shard;
        }
      }
      if (first == nullptr) return;
      CHECK(!first->rows.empty());
      if (wanted_.is_wanted(first->rows.front())) page_.rows.push_back(first->rows.front());
      first->rows.pop_front();
    }
  }

  std::optional<Id> first_position() const {
    std::optional<Id> first;
    for (const OfShard& shard : shards_) {
      const auto position = shard.position();
      if (!position) continue;
      if (!first || nearer(wanted_.near, *position, *first)) first = position;
    }
    return first;
  }

  Admin& admin_;
  const RowsWanted<Row> wanted_;
  const Finish finish_;
  std::vector<OfShard> shards_;
  uint32_t asks_ = 0;
  RowsPage<Row> page_;
};

}  // namespace xord
