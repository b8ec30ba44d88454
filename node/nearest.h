// NearestIndex: contacts as a crit-bit trie over their ids, which yields them in XOR order: at each
// branch the side of the target's bit comes first, so the first k leaves are exactly the k nearest
// and nothing is sorted. Fixed size, 12 bytes a contact; one entry an id. Paper 2.2; crit-bit:
// Morrison 1968 (PATRICIA).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/contact_book.h"
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

class NearestIndex {
 public:
  // Both are borrowed; handles in the index are held by whoever added them.
  NearestIndex(TrieBranches& branches, const ContactBook& book)
      : branches_(branches), book_(book) {}

  // False, and nothing done, when there is no room or an entry of that id.
  [[nodiscard]] bool add(ContactHandle handle);
  // False when this handle is not in the index.
  bool remove(ContactHandle handle);
  // The entry of `id`, or no_contact.
  ContactHandle find(const Id& id) const;

  // Fills `out` with the contacts nearest to `target`, nearest first, without those at `excluded`;
  // returns how many: fewer than out.size() only when there are no more.
  size_t nearest(const Id& target, const Endpoint& excluded, std::span<ContactHandle> out) const;

  uint32_t count() const { return count_; }
  // For tests: aborts when the trie is not one.
  void check_invariants() const;

 private:
  using Reference = TrieBranches::Reference;
  static constexpr Reference leaf_mark = 1u << 31;
  static constexpr Reference nothing = UINT32_MAX;

  static bool is_leaf(Reference reference) { return (reference & leaf_mark) != 0; }
  static ContactHandle handle_of(Reference reference) { return reference & ~leaf_mark; }
  ContactHandle closest_leaf(const Id& id) const;
  // Takes the contacts at `excluded` out of `handles`, keeping the order; returns how many stay.
  size_t without(const Endpoint& excluded, std::span<ContactHandle> handles) const;

  TrieBranches& branches_;
  const ContactBook& book_;
  Reference root_ = nothing;
  uint32_t count_ = 0;
};

}  // namespace xord
