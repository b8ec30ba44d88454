// Regions of keys that one lookup serves (DESIGN section 7): a Region is all ids that begin with
// one prefix, with every node in it, so that the k nearest nodes of any key of it are known without
// asking again. A RegionSurvey finds one: from the k nearest to a key it asks each node of the
// smallest range that holds them for its own neighbours, until the answers prove that no node of
// the range is missing. State machines over rows, like Lookup: they send nothing and know neither
// tables nor transactions. Fixed size.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"

namespace xord {

struct Region {
  Id prefix;          // The bits behind `depth` are 0.
  uint8_t depth = 0;  // 160: one key alone.
  uint8_t contacts_count = 0;
  std::array<Contact, region_contacts_max> contacts;  // All nodes of the region, in any order.

  bool contains(const Id& key) const { return shared_prefix(prefix, key) >= depth; }
  // The contacts nearest to `key`, nearest first; returns how many.
  size_t nearest(const Id& key, std::span<Contact> out) const;
};

class RegionSurvey {
 public:
  using Row = uint8_t;

  // At most region_contacts_max rows.
  explicit RegionSurvey(uint32_t rows_max);

  // The key it is for, before the lookup that finds its nearest has ended.
  void expect(const Id& target) { target_ = target; }
  const Id& target() const { return target_; }
  // Begins with what a lookup of the target found: all of the k nearest that answer, nearest first.
  void start(const Id& self, std::span<const Contact> nearest);

  // Whom to ask now, for the contacts nearest to its own id; the row counts as asked. At most
  // alpha are in flight, not counting slow ones. Call it until it is empty.
  std::optional<Row> next();
  // The call could not be made: it may be asked again later.
  void postponed(Row row);
  // `row`, asked, answered with `said_count` contacts, of which `named` can be used.
  void answered(Row row, std::span<const Contact> named, size_t said_count);
  void slow(Row row);
  void failed(Row row);
  bool is_finished() const;
  const Contact& contact(Row row) const { return rows_[row].contact; }

  // The region, when the answers prove it; otherwise the target alone, with its k nearest.
  Region region() const;

 private:
  enum class State : uint8_t { unasked, asked, slow, answered, failed };
  struct Cell {
    Contact contact;
    State state = State::unasked;
    Id radius;  // Answered: it named every node up to this distance from itself.
  };

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
