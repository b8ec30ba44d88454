// Regions of keys that one lookup serves: a Region is all ids with a common prefix, together with
// every node in it, so that the k nearest nodes of any key in it are known without another lookup.
// A RegionSurvey finds one: starting from the k nearest to a key, it asks each node of the smallest
// range that holds them for its own neighbours, until the answers prove that no node of the range
// is missing (docs/ARCHITECTURE.md, "What is stored elsewhere"). State machines over rows, like
// Lookup: they send nothing and know neither tables nor transactions. Fixed size.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"
#include "reactor/base/check.h"

namespace xord {

static_assert(id_bits <= UINT8_MAX && region_contacts_max <= UINT8_MAX);

struct Region {
  Id prefix;          // The bits after `depth` are 0.
  uint8_t depth = 0;  // 160: a single key.
  uint8_t contacts_count = 0;
  std::array<Contact, region_contacts_max> contacts;  // All nodes of the region, in any order.

  bool contains(const Id& key) const {
    DCHECK(depth <= id_bits);
    return shared_prefix(prefix, key) >= depth;
  }
  // The contacts nearest to `key`, nearest first; returns how many.
  size_t nearest(const Id& key, std::span<Contact> out) const;
};

class RegionSurvey {
 public:
  using Row = uint8_t;

  // `rows_max` is at most region_contacts_max.
  explicit RegionSurvey(uint32_t rows_max);

  // Sets the key it is for, before the lookup that finds the nearest nodes has ended.
  void expect(const Id& target) { target_ = target; }
  const Id& target() const { return target_; }
  // Starts from the result of a lookup of the target: all of the k nearest that answer, nearest
  // first.
  void start(const Id& self, std::span<const Contact> nearest);

  // The next node to ask for the contacts nearest to its own id; the row counts as asked. At most
  // alpha calls are in flight, not counting slow ones. Call it until it returns empty.
  std::optional<Row> next();
  // The call could not be made: it may be asked again later.
  void postponed(Row row);
  // `row`, which was asked, named `named_count` contacts, of which `named` are usable.
  void answered(Row row, std::span<const Contact> named, size_t named_count);
  void slow(Row row);
  void failed(Row row);
  bool is_finished() const;
  const Contact& contact(Row row) const {
    CHECK(row < rows_.size());
    return rows_[row].contact;
  }

  // The region, if the answers prove it; otherwise only the target, with its k nearest.
  Region region() const;
  // For tests: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  enum class State : uint8_t { unasked, asked, slow, answered, failed };
  struct Cell {
    Contact contact;
    State state = State::unasked;
    Id radius;  // Answered: it named every node up to this distance from itself.
  };

  Cell& cell_of(Row row);
  void add(const Contact& contact);
  bool is_proven(const Id& self) const;
  bool is_covered(const Id& block, uint32_t depth) const;
  bool is_within(const Id& center, const Id& radius, const Id& block, uint32_t depth) const;

  uint32_t rows_max_;
  Id self_;
  Id target_;
  Id target_radius_;  // The lookup found every node up to this distance from the target.
  uint32_t depth_ = 0;
  uint32_t running_count_ = 0;
  bool is_crowded_ = false;  // More nodes than rows.
  std::vector<Cell> rows_;   // Reserved at construction.
};

}  // namespace xord
