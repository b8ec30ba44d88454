// One iterative lookup (paper 2.3, checklist 15 to 20): its paths, usually one, and the values it
// found. With several paths (S/Kademlia 4.4), each starts with its own contacts and follows only
// the answers it got itself; a node is asked by one path only, and its answer is used in that one.
// So a node that lies leads one path astray, not the others. Sends nothing, reads no clock: the
// caller makes the calls. Bounded by the rows of its paths.
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
#include "reactor/base/check.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

class Lookup {
 public:
  using Row = uint16_t;  // Identifies one contact of this lookup from its start to its end.
  static constexpr Row no_row = UINT16_MAX;
  static constexpr uint32_t row_bits = 11;  // A path and a row in it.

  // `rows_max` is per path.
  explicit Lookup(uint32_t rows_max = lookup_rows_max, uint32_t paths_max = 1);

  // Restarts with the contacts known so far, in any order, dealt to the paths by nearness; with
  // none it is finished at once. The last lookup's values must have been released.
  // width < rows_max, paths <= paths_max.
  void start(const LookupPlan& plan, std::span<const Contact> known);

  // Whom to ask now; the row counts as asked. Call it until it returns empty, at the start and
  // after each event. At most `parallelism` calls per path are in flight, not counting slow ones
  // (so each slow call opens one more slot); all of the `width` nearest are asked at once after
  // `parallelism` answers in a row that named nothing nearer than the nearest seen (checklist 18).
  std::optional<Row> next();
  // The call to `row` could not be made for lack of room here: it may be asked again later.
  void postponed(Row row) { path_of(row).postponed(in_path(row)); }

  // `row`, asked and not failed, answered with contacts.
  void answered(Row row, std::span<const Contact> named) {
    path_of(row).answered(in_path(row), named);
  }
  // `row` answered with a value. A copy is kept in `pool`, only one for equal values.
  void answered_value(Row row, Bytes value, ValuePool& pool);
  // `row` passed its adaptive timeout: out of the running unless it answers.
  void slow(Row row);
  // `row` did not answer within 5 s, or its answer was malformed: out for good.
  void failed(Row row);

  // Whether nothing more can come. On each path either the `width` nearest that are neither slow
  // nor failed have answered; or there is a value and every call in flight has answered, failed or
  // become slow, which takes one adaptive timeout after the first value at most. Until someone has
  // answered, slow calls are waited for too.
  bool is_finished() const;

  // The nearest that answered on any path, nearest first: at most `width`, and at most out.size().
  size_t results(std::span<Contact> out) const;
  // The value that most paths found; on a tie the one that most nodes returned, then the one that
  // came first. The span points into `pool` and is valid until release(). Empty when there is none.
  std::optional<Bytes> value(const ValuePool& pool) const;
  // Whether a value came that could not be kept: reporting "none found" would then be wrong.
  bool lost_a_value() const { return lost_a_value_; }
  // The nearest node that answered without a value: where the path copy goes (checklist 23).
  std::optional<Contact> nearest_without_value() const;
  // Returns the values to the pool. Call it once the lookup's results were taken.
  void release(ValuePool& pool);

  const LookupPlan& plan() const { return plan_; }
  const Contact& contact(Row row) const { return path_of(row).contact(in_path(row)); }
  // The row that first named `row`; empty for contacts known at the start.
  std::optional<Row> named_by(Row row) const;
  // For statistics: calls made, and how many answers deep the nearest result was found.
  uint32_t asked_count() const;
  uint32_t hops() const;
  // Values held in the pool.
  uint32_t values_count() const { return candidates_count_; }
  // For tests and the simulator: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  struct Candidate {
    PoolHandle value;
    uint32_t votes = 0;
    uint8_t paths = 0;    // One bit for each path that found it.
    uint8_t brought = 0;  // The path that found it first.
  };

  static uint32_t path_index(Row row) { return row >> 8; }
  static LookupPath::Row in_path(Row row) { return static_cast<LookupPath::Row>(row & 0xff); }
  static Row row_of(uint32_t path, LookupPath::Row row) {
    DCHECK(path < lookup_paths_max && row != LookupPath::no_row);
    return static_cast<Row>(path << 8 | row);
  }
  std::span<const LookupPath> paths() const { return std::span(paths_).first(plan_.paths); }
  // The path to which a contact known at the start is dealt, by its rank among them.
  LookupPath& path_for(const Contact& contact, std::span<const Contact> known);
  const LookupPath& path_of(Row row) const;
  LookupPath& path_of(Row row);
  LookupPath::Asked asked_on_another(uint32_t path, const Endpoint& endpoint) const;
  bool has_its_share(const IpAddress& address, std::span<const Contact> before) const;
  // Calls visit(Row) for each row that answered, nearest first, until it returns false.
  template <class Visit>
  void for_each_answered(Visit&& visit) const;

  LookupPlan plan_;
  std::vector<LookupPath> paths_;  // Created at construction; the first plan_.paths are in use.
  uint32_t candidates_count_ = 0;
  bool lost_a_value_ = false;
  std::array<Candidate, value_candidates_max * lookup_paths_max> candidates_;  // By arrival.
};

}  // namespace xord
