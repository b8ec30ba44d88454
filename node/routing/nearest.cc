#include "node/routing/nearest.h"

#include <algorithm>
#include <cstring>

namespace xord {
namespace {

// Eight bytes of an id or an address, only for comparison.
uint64_t word_at(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

TrieBranches::TrieBranches(uint32_t contacts_max) : branches_(contacts_max) {
  CHECK(contacts_max <= ContactBook::contacts_limit);  // An index has no mark of a leaf.
  for (uint32_t i = contacts_max; i > 0; --i) give_back(i - 1);
}

uint32_t TrieBranches::take() {
  CHECK(!is_full());
  const uint32_t index = free_;
  DCHECK(index < branches_.size());
  free_ = branches_[index].sides[0];
  return index;
}

void TrieBranches::give_back(uint32_t index) {
  CHECK(index < branches_.size());
  branches_[index].sides[0] = free_;
  free_ = index;
}

NearestIndex::Reference NearestIndex::leaf_of(ContactHandle handle, Standing standing) {
  DCHECK(handle <= handle_mask && standing != Standing::silent);
  const Reference mark = standing == Standing::awaited   ? awaited_mark
                         : standing == Standing::doubted ? doubted_mark
                                                         : 0;
  return handle | leaf_mark | mark;
}

// Follows the bits of `id`: the leaf reached shares at least as long a prefix as any other.
NearestIndex::Reference NearestIndex::closest_leaf(const Id& id) const {
  DCHECK(root_ != nothing);
  Reference at = root_;
  while (!is_leaf(at)) at = branches_[at].sides[id.bit(branches_[at].bit)];
  return at;
}

bool NearestIndex::add(ContactHandle handle, Standing standing) {
  const Id& id = book_.id(handle);
  if (root_ == nothing) {
    root_ = leaf_of(handle, standing);
    ++count_;
    return true;
  }
  const uint32_t differs_at = shared_prefix(id, book_.id(handle_of(closest_leaf(id))));
  if (differs_at == id_bits || branches_.is_full()) return false;
  Reference* at = &root_;
  while (!is_leaf(*at) && branches_[*at].bit < differs_at) {
    at = &branches_[*at].sides[id.bit(branches_[*at].bit)];
  }
  DCHECK(is_leaf(*at) || branches_[*at].bit > differs_at);  // Else the leaf would have that bit.
  const uint32_t index = branches_.take();
  const bool side = id.bit(differs_at);
  branches_[index].bit = differs_at;
  branches_[index].sides[side] = leaf_of(handle, standing);
  branches_[index].sides[!side] = *at;
  *at = index;
  ++count_;
  return true;
}

bool NearestIndex::remove(ContactHandle handle) {
  if (root_ == nothing) return false;
  const Id& id = book_.id(handle);
  Reference* parent = nullptr;
  Reference* at = &root_;
  bool side = false;
  while (!is_leaf(*at)) {
    parent = at;
    side = id.bit(branches_[*at].bit);
    at = &branches_[*at].sides[side];
  }
  if (handle_of(*at) != handle) return false;
  if (parent == nullptr) {
    root_ = nothing;
  } else {  // Removes the branch; its other side takes its place.
    const Reference branch = *parent;
    *parent = branches_[branch].sides[!side];
    branches_.give_back(branch);
  }
  --count_;
  DCHECK((root_ == nothing) == (count_ == 0));
  return true;
}

ContactHandle NearestIndex::find(const Id& id) const {
  if (root_ == nothing) return no_contact;
  const ContactHandle leaf = handle_of(closest_leaf(id));
  return book_.id(leaf) == id ? leaf : no_contact;
}

bool NearestIndex::set_standing(ContactHandle handle, Standing standing) {
  if (root_ == nothing) return false;
  const Id& id = book_.id(handle);
  Reference* at = &root_;
  while (!is_leaf(*at)) at = &branches_[*at].sides[id.bit(branches_[*at].bit)];
  if (handle_of(*at) != handle) return false;
  *at = leaf_of(handle, standing);
  return true;
}

Standing NearestIndex::standing(ContactHandle handle) const {
  const Reference leaf = root_ == nothing ? nothing : closest_leaf(book_.id(handle));
  if (leaf == nothing || handle_of(leaf) != handle) return Standing::silent;
  if ((leaf & awaited_mark) != 0) return Standing::awaited;
  return (leaf & doubted_mark) != 0 ? Standing::doubted : Standing::trusted;
}

size_t NearestIndex::without(const Contact& asker, std::span<ContactHandle> handles) const {
  // An asker is hardly ever among those named to it. Comparing one word of each id and one of each
  // address is enough to tell, and cheaper than comparing them whole.
  const uint64_t id_word = word_at(asker.id.bytes.data());
  const uint64_t address_word = word_at(asker.endpoint.address.bytes.data() + 8);
  size_t kept = 0;
  while (kept < handles.size() && word_at(book_.id(handles[kept]).bytes.data()) != id_word &&
         word_at(book_.endpoint(handles[kept]).address.bytes.data() + 8) != address_word) {
    ++kept;
  }
  if (kept == handles.size()) return kept;
  const auto end = std::remove_if(handles.begin(), handles.end(), [&](ContactHandle handle) {
    const Contact& contact = book_.contact(handle);
    return contact.endpoint == asker.endpoint || contact.id == asker.id;
  });
  return static_cast<size_t>(end - handles.begin());
}

Nearest NearestIndex::nearest(const Id& target, const Contact& asker, Awaited awaited,
                              std::span<const ContactHandle> arrived,
                              std::span<ContactHandle> out) const {
  return awaited == Awaited::included ? walk<Awaited::included>(target, asker, arrived, out)
                                      : walk<Awaited::left_out>(target, asker, arrived, out);
}

template <Awaited awaited>
Nearest NearestIndex::walk(const Id& target, const Contact& asker,
                           std::span<const ContactHandle> arrived,
                           std::span<ContactHandle> out) const {
  if (root_ == nothing || out.empty()) return {};
  Reference marks = 0;
  const uint64_t leading = target.leading_word();
  std::array<Reference, id_bits> farther;  // The sides not taken, nearest on top.
  size_t depth = 0;
  size_t count = 0;
  Reference at = root_;
  while (true) {
    while (!is_leaf(at)) {
      const TrieBranches::Branch branch = branches_[at];
      DCHECK(depth < farther.size());
      // Few branches lie deeper than a word. Sides are chosen by masks, as no branch predictor
      // could.
      const bool side = branch.bit < 64 ? leading << branch.bit >> 63 : target.bit(branch.bit);
      const Reference other = (branch.sides[0] ^ branch.sides[1]) & -Reference{side};
      farther[depth++] = branch.sides[1] ^ other;
      at = branch.sides[0] ^ other;
    }
    if (awaited == Awaited::included || (at & awaited_mark) == 0 ||
        std::find(arrived.begin(), arrived.end(), handle_of(at)) != arrived.end()) {
      DCHECK(count < out.size());
      out[count++] = handle_of(at);
      marks |= at;
      book_.fetch_ahead(handle_of(at));
    }
    if (count == out.size() || depth == 0) {
      count = without(asker, out.first(count));
      if (count == out.size() || depth == 0) {
        return {count, (marks & (awaited_mark | doubted_mark)) == 0};
      }
    }
    at = farther[--depth];
  }
}

void NearestIndex::check_invariants() const {
  if (root_ == nothing) {
    CHECK(count_ == 0);
    return;
  }
  struct Step {
    Reference at;
    uint32_t above;  // The bit of the branch above, plus one.
    const Id* some;  // The id of any leaf on that side: all of them share the bits before `above`.
  };
  std::vector<Step> steps = {{root_, 0, nullptr}};
  uint32_t leaves = 0;
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    if (is_leaf(step.at)) {
      ++leaves;
      const Id& id = book_.id(handle_of(step.at));
      CHECK(step.some == nullptr || shared_prefix(id, *step.some) >= step.above);
      CHECK(find(id) == handle_of(step.at));
      continue;
    }
    const TrieBranches::Branch& branch = branches_[step.at];
    CHECK(branch.bit >= step.above && branch.bit < id_bits);
    for (const bool side : {false, true}) {
      Reference leaf = branch.sides[side];
      while (!is_leaf(leaf)) leaf = branches_[leaf].sides[0];
      const Id& id = book_.id(handle_of(leaf));
      CHECK(id.bit(branch.bit) == side);
      steps.push_back({branch.sides[side], branch.bit + 1, &id});
    }
  }
  CHECK(leaves == count_);
}

}  // namespace xord
