// NearestIndex: contacts as a crit-bit trie over their ids, which yields them in XOR order: at each
// branch the side of the target's bit comes first, so the first k leaves are exactly the k nearest
// and nothing is sorted. A leaf carries its contact's standing, so that the walk knows at no cost
// whether anything found needs a closer look. Fixed size, 12 bytes a contact; one entry an id.
// Paper 2.2; crit-bit: Morrison 1968 (PATRICIA).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/contact_book.h"
#include "node/routing/standing.h"
#include "reactor/base/id.h"

namespace xord {

// Branches for the tries of one owner: a contact stands in one of them, so they share their room.
class TrieBranches {
 public:
  // A branch's index, or a handle with the highest bit set.
  using Reference = uint32_t;
  struct Branch {
    std::array<Reference, 2> sides;
    uint32_t bit;  // The first bit in which the two sides differ.
  };

  explicit TrieBranches(uint32_t contacts_max);
  bool is_full() const { return free_ == none; }
  uint32_t take();  // Not full.
  void give_back(uint32_t index);
  Branch& operator[](uint32_t index) { return branches_[index]; }
  const Branch& operator[](uint32_t index) const { return branches_[index]; }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  uint32_t free_ = none;          // Free ones are linked by their first side.
  std::vector<Branch> branches_;  // Sized at construction.
};

// Whether awaited contacts are among those found.
enum class Awaited : uint8_t { included, left_out };

struct Nearest {
  size_t count = 0;
  bool all_trusted = true;  // False may be about a contact that was left out.
};

class NearestIndex {
 public:
  // Both are borrowed; handles in the index are held by whoever added them.
  NearestIndex(TrieBranches& branches, const ContactBook& book)
      : branches_(branches), book_(book) {}

  // `standing` is not silent. False, and nothing done, when there is no room or an entry of that
  // id.
  [[nodiscard]] bool add(ContactHandle handle, Standing standing);
  // False when this handle is not in the index.
  bool remove(ContactHandle handle);
  // The entry of `id`, or no_contact.
  ContactHandle find(const Id& id) const;
  // Not silent. False when this handle is not in the index.
  bool set_standing(ContactHandle handle, Standing standing);
  // Silent when this handle is not in the index.
  Standing standing(ContactHandle handle) const;

  // Fills `out` with the contacts nearest to `target`, nearest first, without those at the endpoint
  // of `asker` or with its id; fewer than out.size() only when there are no more.
  Nearest nearest(const Id& target, const Contact& asker, Awaited awaited,
                  std::span<ContactHandle> out) const;

  uint32_t count() const { return count_; }
  // For tests: aborts when the trie is not one.
  void check_invariants() const;

 private:
  using Reference = TrieBranches::Reference;
  // A leaf: the mark, the standing's own mark if it is one of two, and the handle.
  static constexpr Reference leaf_mark = 1u << 31;
  static constexpr Reference awaited_mark = 1u << 30;
  static constexpr Reference doubted_mark = 1u << 29;
  static constexpr Reference handle_mask = doubted_mark - 1;
  static_assert(ContactBook::contacts_limit <= handle_mask);
  static constexpr Reference nothing = UINT32_MAX;

  static bool is_leaf(Reference reference) { return (reference & leaf_mark) != 0; }
  static ContactHandle handle_of(Reference reference) { return reference & handle_mask; }
  static Reference leaf_of(ContactHandle handle, Standing standing);
  Reference closest_leaf(const Id& id) const;
  template <Awaited awaited>
  Nearest walk(const Id& target, const Contact& asker, std::span<ContactHandle> out) const;
  // Takes `asker` out of `handles`, keeping the order; returns how many stay.
  size_t without(const Contact& asker, std::span<ContactHandle> handles) const;

  TrieBranches& branches_;
  const ContactBook& book_;
  Reference root_ = nothing;
  uint32_t count_ = 0;
};

}  // namespace xord
