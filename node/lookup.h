// One iterative lookup (paper 2.3, checklist 15 to 20) as a state machine over rows: asked "whom
// next?", told "answered", "slow" or "failed". Owns nothing but its rows; sends nothing, reads no
// clock, knows neither transactions nor the routing table: whoever calls it does the calls.
// A slot is refilled as it frees: there are no rounds. Bounded: a fixed number of rows, each asked
// at most once, so every lookup ends once each call was answered or failed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"
#include "node/subnet_limits.h"
#include "node/value_pool.h"
#include "reactor/base/bytes.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

enum class LookupKind : uint8_t { find_node, find_value };

struct LookupPlan {
  LookupKind kind = LookupKind::find_node;
  Id self;  // Never asked, whoever names it.
  Id target;
  uint32_t width = bucket_size;               // How many nearest to find: k, or more for a region.
  uint32_t parallelism = lookup_parallelism;  // alpha.
  SubnetLimits subnets;
};

class Lookup {
 public:
  using Row = uint8_t;  // Names one contact of this lookup from its start to its end.
  static constexpr Row no_row = UINT8_MAX;

  explicit Lookup(uint32_t rows_max = lookup_rows_max);

  // Begins anew with the contacts known so far, in any order; at least one, or it is finished at
  // once. The last lookup's values must have been released. width < rows_max.
  void start(const LookupPlan& plan, std::span<const Contact> known);

  // Whom to ask now; the row counts as asked. Call it until it is empty, at the start and after
  // each event: at most `parallelism` calls are in flight, not counting slow ones (which so open
  // one more slot each); all of the `width` nearest at once after parallelism answers in a row
  // that named nothing nearer than the nearest seen (checklist 18).
  std::optional<Row> next();
  // The call to `row` could not be made for want of room here: it may be asked again later.
  void postponed(Row row);

  // `row`, asked and not failed, answered, by naming contacts. Contacts that are us, or already in
  // a row by id or endpoint (failed ones too), are ignored; with no room the farthest unasked go.
  // So they do when their subnet has its share of the rows; one that was asked keeps its part of
  // it.
  void answered(Row row, std::span<const Contact> named);
  // `row` answered with a value. A copy is kept in `pool`, once for equal bytes.
  void answered_value(Row row, Bytes value, ValuePool& pool);
  // `row` is past its adaptive timeout: out of the running unless it answers.
  void slow(Row row);
  // `row` did not answer within 5 s, or with nonsense: out for good.
  void failed(Row row);

  // Nothing more to come: the `width` nearest that are neither slow nor failed have answered. With
  // a value: every call in flight has answered, failed or become slow, that is within one adaptive
  // timeout of the first value. While nobody at all has answered, slow calls are awaited.
  bool is_finished() const;

  // The nearest that answered, nearest first: at most `width`, and as many as `out` has room for.
  size_t results(std::span<Contact> out) const;
  // The value that most nodes gave, of equals the one that came first; a span into `pool`, valid
  // until release(). Empty when there is none.
  std::optional<Bytes> value(const ValuePool& pool) const;
  // Whether a value came that could not be kept: "none found" would then be a lie.
  bool lost_a_value() const { return lost_a_value_; }
  // The nearest node that answered without a value: where the path copy goes (checklist 23).
  std::optional<Contact> nearest_without_value() const;
  // Gives the values back. Call it when the lookup's results were taken.
  void release(ValuePool& pool);

  const LookupPlan& plan() const { return plan_; }
  const Contact& contact(Row row) const { return cell(row).contact; }
  // Who named `row` first; empty for those known at the start.
  std::optional<Row> named_by(Row row) const;
  // For statistics: calls made, and how many answers deep the nearest result was found.
  uint32_t asked_count() const { return asked_count_; }
  uint32_t hops() const;

 private:
  enum class State : uint8_t { unasked, asked, slow, answered, failed };
  struct Cell {
    Contact contact;
    Row named_by = no_row;
    State state = State::unasked;
    bool had_value = false;
    uint8_t hops = 0;
  };
  struct Candidate {
    PoolHandle value;
    uint32_t votes = 0;
  };

  const Cell& cell(Row row) const;
  Cell& cell(Row row);
  bool has_found() const { return candidates_count_ > 0 || lost_a_value_; }
  uint32_t slots() const;
  std::optional<Row> first_unasked() const;
  void leave_flight(Row row, State state);
  void add(const Contact& contact, Row named_by);
  uint32_t position_of(const Id& id) const;
  bool is_known(const Contact& contact, uint32_t position) const;
  bool has_its_share(const IpAddress& address) const;
  Row row_for(const Contact& contact, uint32_t position, Row named_by);
  template <class MayGo>
  Row take_farthest_unasked(uint32_t position, MayGo&& may_go);

  LookupPlan plan_;
  uint32_t rows_max_ = 0;
  // Cells stay where they are, as rows name them; what is sorted is an order of rows.
  std::vector<Cell> cells_;            // All four reserved at construction, never grown.
  std::vector<Row> order_;             // Nearest to the target first.
  std::vector<uint32_t> tags_;         // Of each row's endpoint: one pass over a few cache lines.
  std::vector<uint32_t> subnet_tags_;  // Likewise of its subnet.
  uint32_t running_count_ = 0;         // In state asked.
  uint32_t slow_count_ = 0;
  uint32_t answered_count_ = 0;
  uint32_t asked_count_ = 0;
  uint32_t barren_count_ = 0;  // Answers in a row that named nothing nearer.
  uint32_t candidates_count_ = 0;
  bool lost_a_value_ = false;
  std::array<Candidate, value_candidates_max> candidates_;  // In order of arrival.
};

}  // namespace xord
