// One path of a lookup (paper 2.3, checklist 15 to 19) as a state machine over rows: asked "whom
// next?", told "answered", "slow" or "failed". Owns nothing but its rows; sends nothing, reads no
// clock, knows neither transactions nor the routing table. A slot is refilled as soon as it is
// free: there are no rounds. Of other paths it learns only whether they have asked a contact that
// it would ask, and with what result. Bounded: a fixed number of rows, each asked at most once, so
// every path ends once each call has been answered or has failed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"
#include "node/subnet_limits.h"

namespace xord {

enum class LookupKind : uint8_t { find_node, find_value };

struct LookupPlan {
  LookupKind kind = LookupKind::find_node;
  Id self;  // Never asked, even if named.
  Id target;
  uint32_t width = bucket_size;               // How many of the nearest to find.
  uint32_t parallelism = lookup_parallelism;  // alpha.
  uint32_t paths = 1;                         // Disjoint paths, each as wide and parallel.
  SubnetLimits subnets;
};

class LookupPath {
 public:
  using Row = uint8_t;  // Identifies one contact of this path from its start to its end.
  static constexpr Row no_row = UINT8_MAX;

  explicit LookupPath(uint32_t rows_max = lookup_rows_max);

  // Restarts with no contacts. width < rows_max.
  void start(const LookupPlan& plan);
  // Adds a contact known at the start.
  void add_known(const Contact& contact) { add(contact, no_row); }

  // Whom to ask now; the row counts as asked. Call it until it returns empty, at the start and
  // after each event. At most `parallelism` calls are in flight, not counting slow ones (so each
  // slow call opens one more slot); all of the `width` nearest are asked at once after
  // `parallelism` answers in a row that named nothing nearer than the nearest seen (checklist 18).
  std::optional<Row> next();
  // The call to `row` could not be made for lack of room here: it may be asked again later.
  void postponed(Row row);
  // Whether this path has asked an endpoint; `lost` if it is slow or failed.
  enum class Asked : uint8_t { never, once, lost };
  Asked asked_at(const Endpoint& endpoint) const;
  // `row`, which next() just returned, was asked by another path, with the result `how` there:
  // unless lost, it stays in the running here without being asked; its answer goes to the other
  // path.
  void asked_elsewhere(Row row, Asked how);
  // Another path asked `endpoint` and lost it: it is out of the running here, too.
  void lost_elsewhere(const Endpoint& endpoint);

  // `row`, asked and not failed, answered with contacts. Contacts that are us, or whose id or
  // endpoint already has a row (even a failed one), are ignored. When there is no room the farthest
  // unasked contacts go; likewise within a subnet that has its full share of the rows, of which
  // contacts already asked keep their part.
  void answered(Row row, std::span<const Contact> named);
  // `row` answered with a value: the path makes no more calls.
  void answered_value(Row row);
  // `row` passed its adaptive timeout: out of the running unless it answers.
  void slow(Row row);
  // `row` did not answer within 5 s, or its answer was malformed: out for good.
  void failed(Row row);

  // Whether the `width` nearest that are neither slow nor failed have answered, here or to another
  // path. Once there is a value: whether every call in flight has answered, failed or become slow.
  bool is_settled() const;
  // The first row that answered, in order of nearness from `position`; no_row after the last. Moves
  // `position` past it.
  Row next_answered(uint32_t& position) const;

  const Contact& contact(Row row) const { return cell(row).contact; }
  // The row that first named `row`; empty for contacts known at the start.
  std::optional<Row> named_by(Row row) const;
  bool had_value(Row row) const { return cell(row).had_value; }
  uint8_t hops(Row row) const { return cell(row).hops; }  // How many answers deep it was found.
  uint32_t answered_count() const { return answered_count_; }
  uint32_t slow_count() const { return slow_count_; }
  uint32_t asked_count() const { return asked_count_; }
  // For tests and the simulator: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  enum class State : uint8_t { unasked, asked, elsewhere, slow, answered, failed };
  struct Cell {
    Contact contact;
    Row named_by = no_row;
    State state = State::unasked;
    bool had_value = false;
    uint8_t hops = 0;
  };
  const Cell& cell(Row row) const;
  Cell& cell(Row row);
  uint32_t slots() const;
  std::optional<Row> first_unasked() const;
  void leave_flight(Row row, State state);
  void add(const Contact& contact, Row named_by);
  uint32_t position_of(const Id& id) const;
  std::optional<Row> row_at(const Endpoint& endpoint) const;
  bool is_known(const Contact& contact, uint32_t position) const;
  bool has_its_share(const IpAddress& address) const;
  void note_wide(Row row, Row named_by);
  bool is_spread() const;
  bool is_crowded_out(size_t position) const;
  Row row_for(const Contact& contact, uint32_t position, Row named_by);
  template <class MayGo>
  Row take_farthest_unasked(uint32_t position, MayGo&& may_go);

  LookupPlan plan_;
  uint32_t rows_max_ = 0;
  // Cells do not move, because rows name them; what is sorted is the order of rows.
  std::vector<Cell> cells_;            // All five are reserved at construction and never grow.
  std::vector<Row> order_;             // Nearest to the target first.
  std::vector<uint32_t> tags_;         // For each row's endpoint: one pass over a few cache lines.
  std::vector<uint32_t> subnet_tags_;  // Likewise for its subnet.
  std::vector<uint32_t> wide_tags_;    // Likewise for its widest prefix.
  uint32_t running_count_ = 0;         // In state asked.
  uint32_t slow_count_ = 0;
  uint32_t answered_count_ = 0;
  uint32_t asked_count_ = 0;
  uint32_t barren_count_ = 0;  // Consecutive answers that named nothing nearer.
  bool has_found_ = false;
  bool is_crowded_ = false;  // A wide prefix has more than its share, whether that matters or not.
};

}  // namespace xord
