// One iterative lookup (paper 2.3, checklist 15 to 20): the paths it takes, usually one, and the
// values that came. With more (S/Kademlia 4.4) each path starts with contacts of its own and goes
// on by what it was told itself; a node is asked by one path only, and what it says is used in that
// one. So a node that lies leads one path astray, not the others. Sends nothing, reads no clock:
// whoever calls it does the calls. Bounded by the rows of its paths.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"
#include "node/lookup/lookup_path.h"
#include "node/lookup/value_pool.h"
#include "reactor/base/bytes.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

class Lookup {
 public:
  using Row = uint16_t;  // Names one contact of this lookup from its start to its end.
  static constexpr Row no_row = UINT16_MAX;
  static constexpr uint32_t row_bits = 11;  // A path and a row of it.

  // `rows_max` a path.
  explicit Lookup(uint32_t rows_max = lookup_rows_max, uint32_t paths_max = 1);

  // Begins anew with the contacts known so far, in any order, dealt over the paths by nearness; at
  // least one, or it is finished at once. The last lookup's values must have been released.
  // width < rows_max, paths <= paths_max.
  void start(const LookupPlan& plan, std::span<const Contact> known);

  // Whom to ask now; the row counts as asked. Call it until it is empty, at the start and after
  // each event: at most `parallelism` calls a path are in flight, not counting slow ones (which so
  // open one more slot each); all of the `width` nearest at once after parallelism answers in a
  // row that named nothing nearer than the nearest seen (checklist 18).
  std::optional<Row> next();
  // The call to `row` could not be made for want of room here: it may be asked again later.
  void postponed(Row row) { path_of(row).postponed(in_path(row)); }

  // `row`, asked and not failed, answered, by naming contacts.
  void answered(Row row, std::span<const Contact> named) {
    path_of(row).answered(in_path(row), named);
  }
  // `row` answered with a value. A copy is kept in `pool`, once for equal bytes.
  void answered_value(Row row, Bytes value, ValuePool& pool);
  // `row` is past its adaptive timeout: out of the running unless it answers.
  void slow(Row row);
  // `row` did not answer within 5 s, or with nonsense: out for good.
  void failed(Row row);

  // Nothing more to come: on each path the `width` nearest that are neither slow nor failed have
  // answered, or there is a value, and every call in flight has answered, failed or become slow,
  // that is within one adaptive timeout of its first value. While nobody at all has answered, slow
  // calls are awaited.
  bool is_finished() const;

  // The nearest that answered on any path, nearest first: at most `width`, and as many as `out` has
  // room for.
  size_t results(std::span<Contact> out) const;
  // The value that most paths came to, of equals the one that most nodes gave, then the one that
  // came first; a span into `pool`, valid until release(). Empty when there is none.
  std::optional<Bytes> value(const ValuePool& pool) const;
  // Whether a value came that could not be kept: "none found" would then be a lie.
  bool lost_a_value() const { return lost_a_value_; }
  // The nearest node that answered without a value: where the path copy goes (checklist 23).
  std::optional<Contact> nearest_without_value() const;
  // Gives the values back. Call it when the lookup's results were taken.
  void release(ValuePool& pool);

  const LookupPlan& plan() const { return plan_; }
  const Contact& contact(Row row) const { return path_of(row).contact(in_path(row)); }
  // Who named `row` first; empty for those known at the start.
  std::optional<Row> named_by(Row row) const;
  // For statistics: calls made, and how many answers deep the nearest result was found.
  uint32_t asked_count() const;
  uint32_t hops() const;

 private:
  struct Candidate {
    PoolHandle value;
    uint32_t votes = 0;
    uint8_t paths = 0;    // A bit each that came to it.
    uint8_t brought = 0;  // The path that came first.
  };

  static uint32_t path_index(Row row) { return row >> 8; }
  static LookupPath::Row in_path(Row row) { return static_cast<LookupPath::Row>(row & 0xff); }
  static Row row_of(uint32_t path, LookupPath::Row row) {
    return static_cast<Row>(path << 8 | row);
  }
  std::span<const LookupPath> paths() const { return std::span(paths_).first(plan_.paths); }
  // The path that a contact known at the start is dealt to: by its rank among them.
  LookupPath& path_for(const Contact& contact, std::span<const Contact> known);
  const LookupPath& path_of(Row row) const;
  LookupPath& path_of(Row row);
  LookupPath::Asked asked_on_another(uint32_t path, const Endpoint& endpoint) const;
  // Calls visit(Row) for those that answered, nearest first, until it returns false.
  template <class Visit>
  void for_each_answered(Visit&& visit) const;

  LookupPlan plan_;
  std::vector<LookupPath> paths_;  // Made at construction; the first plan_.paths are in use.
  uint32_t candidates_count_ = 0;
  bool lost_a_value_ = false;
  std::array<Candidate, value_candidates_max * lookup_paths_max> candidates_;  // As they came.
};

}  // namespace xord
