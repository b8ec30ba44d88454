// NearestIndex: contacts as a crit-bit trie over their ids, which yields them in XOR order: at each
// branch the side of the target's bit comes first, so the first k leaves are exactly the k nearest
// and nothing is sorted. A leaf carries its contact's standing, so the walk knows at no cost
// whether anything found needs a closer look. Fixed size, 12 bytes per contact; one entry per id.
// Paper 2.2; crit-bit: Morrison 1968 (PATRICIA).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/contact_book.h"
#include "node/routing/standing.h"
#include "reactor/base/check.h"
#include "reactor/base/id.h"

namespace xord {

// Branches for the tries of one owner. Each contact is in only one of the tries, so they share
// room.
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
  uint32_t take();  // Must not be full.
  void give_back(uint32_t index);
  Branch& operator[](uint32_t index) {
    DCHECK(index < branches_.size());
    return branches_[index];
  }
  const Branch& operator[](uint32_t index) const {
    DCHECK(index < branches_.size());
    return branches_[index];
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  uint32_t free_ = none;          // Free branches are linked through their first side.
  std::vector<Branch> branches_;  // Sized at construction.
};

// Whether awaited contacts are among those found.
enum class Awaited : uint8_t { included, left_out };

struct Nearest {
  size_t count = 0;
  bool all_trusted = true;  // May be false because of a contact that was left out.
};

class NearestIndex {
 public:
  // Both are borrowed; the caller of add() keeps the handle held in the book.
  NearestIndex(TrieBranches& branches, const ContactBook& book)
      : branches_(branches), book_(book) {}

  // `standing` must not be silent. Returns false, and does nothing, if there is no room or the id
  // already has an entry.
  [[nodiscard]] bool add(ContactHandle handle, Standing standing);
  // False when this handle is not in the index.
  bool remove(ContactHandle handle);
  // The entry of `id`, or no_contact.
  ContactHandle find(const Id& id) const;
  // `standing` must not be silent. False when this handle is not in the index.
  bool set_standing(ContactHandle handle, Standing standing);
  // Standing::silent when this handle is not in the index.
  Standing standing(ContactHandle handle) const;

  // Fills `out` with the contacts nearest to `target`, nearest first, without those at the endpoint
  // of `asker` or with its id; fewer than out.size() only when there are no more. Contacts in
  // `arrived` are not left out.
  Nearest nearest(const Id& target, const Contact& asker, Awaited awaited,
                  std::span<const ContactHandle> arrived, std::span<ContactHandle> out) const;

  uint32_t count() const { return count_; }
  // For tests: aborts if the trie is malformed.
  void check_invariants() const;

 private:
  using Reference = TrieBranches::Reference;
  // A leaf: the leaf mark, a mark for its standing if that is awaited or doubted, and the handle.
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
  Nearest walk(const Id& target, const Contact& asker, std::span<const ContactHandle> arrived,
               std::span<ContactHandle> out) const;
  // Removes `asker` from `handles`, keeping the order; returns how many remain.
  size_t without(const Contact& asker, std::span<ContactHandle> handles) const;

  TrieBranches& branches_;
  const ContactBook& book_;
  Reference root_ = nothing;
  uint32_t count_ = 0;
};

}  // namespace xord
