// One path of a lookup (paper 2.3, checklist 15 to 19) as a state machine over rows: asked "whom
// next?", told "answered", "slow" or "failed". Owns nothing but its rows; sends nothing, reads no
// clock, knows neither transactions nor the routing table. A slot is refilled as it frees: there
// are no rounds. Of other paths it is told what concerns it: whom it would ask was asked there.
// Bounded: a fixed number of rows, each asked at most once, so every path ends once each call was
// answered or failed.
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
  Id self;  // Never asked, whoever names it.
  Id target;
  uint32_t width = bucket_size;               // How many nearest to find.
  uint32_t parallelism = lookup_parallelism;  // alpha.
  uint32_t paths = 1;                         // Disjoint ones, each with `width` and `parallelism`.
  SubnetLimits subnets;
};

class LookupPath {
 public:
  using Row = uint8_t;  // Names one contact of this path from its start to its end.
  static constexpr Row no_row = UINT8_MAX;

  explicit LookupPath(uint32_t rows_max = lookup_rows_max);

  // Begins anew, knowing nobody. width < rows_max.
  void start(const LookupPlan& plan);
  // A contact known at the start.
  void add_known(const Contact& contact) { add(contact, no_row); }

  // Whom to ask now; the row counts as asked. Call it until it is empty, at the start and after
  // each event: at most `parallelism` calls are in flight, not counting slow ones (which so open
  // one more slot each); all of the `width` nearest at once after parallelism answers in a row
  // that named nothing nearer than the nearest seen (checklist 18).
  std::optional<Row> next();
  // The call to `row` could not be made for want of room here: it may be asked again later.
  void postponed(Row row);
  // What became of an endpoint here; `lost` when it is slow or failed.
  enum class Asked : uint8_t { never, once, lost };
  Asked asked_at(const Endpoint& endpoint) const;
  // `row`, which next() just named, was asked by another path, and `how` it is there: not lost, it
  // stays in the running here without being asked; its answer is the other path's.
  void asked_elsewhere(Row row, Asked how);
  // Another path that asked `endpoint` lost it: out of the running here, too.
  void lost_elsewhere(const Endpoint& endpoint);

  // `row`, asked and not failed, answered, by naming contacts. Contacts that are us, or already in
  // a row by id or endpoint (failed ones too), are ignored; with no room the farthest unasked go.
  // So they do when their subnet has its share of the rows; one that was asked keeps its part of
  // it.
  void answered(Row row, std::span<const Contact> named);
  // `row` answered with a value: the path asks nobody any more.
  void answered_value(Row row);
  // `row` is past its adaptive timeout: out of the running unless it answers.
  void slow(Row row);
  // `row` did not answer within 5 s, or with nonsense: out for good.
  void failed(Row row);

  // Whether the `width` nearest that are neither slow nor failed have answered, here or to another
  // path. With a value: every call in flight has answered, failed or become slow.
  bool is_settled() const;
  // The first row from `position` in the order of nearness on that answered, and no_row behind the
  // last; moves `position` behind it.
  Row next_answered(uint32_t& position) const;

  const Contact& contact(Row row) const { return cell(row).contact; }
  // Who named `row` first; empty for those known at the start.
  std::optional<Row> named_by(Row row) const;
  bool had_value(Row row) const { return cell(row).had_value; }
  uint8_t hops(Row row) const { return cell(row).hops; }  // How many answers deep it was found.
  uint32_t answered_count() const { return answered_count_; }
  uint32_t slow_count() const { return slow_count_; }
  uint32_t asked_count() const { return asked_count_; }

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
  bool has_found_ = false;
};

}  // namespace xord
