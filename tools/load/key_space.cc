#include "tools/load/key_space.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "reactor/base/check.h"

namespace xord {
namespace {

// SplitMix64's finalizer: every bit of the input flips half of the output bits on average.
uint64_t mixed(uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
  return word ^ (word >> 31);
}

uint64_t stream_of(uint64_t seed, IdDomain domain, uint64_t number) {
  return mixed(mixed(seed + static_cast<uint64_t>(domain) * 0x9e3779b97f4a7c15u) + number);
}

// Word number `at` of a stream.
uint64_t word_of(uint64_t stream, uint64_t at) {
  return mixed(stream + at * 0x9e3779b97f4a7c15u);
}

constexpr size_t value_head_max = 3;
static_assert(value_head_max + sizeof(uint64_t) <= 16, "the room that write_value() asks for");

}  // namespace

KeySpace::KeySpace(uint64_t seed, const ValueSizes& sizes, const Id& near, uint32_t near_bits)
    : seed_(seed), sizes_(sizes), near_(near), near_bits_(near_bits) {
  CHECK(sizes.least <= sizes.most && near_bits <= id_bits);
  CHECK(sizes.most < UINT16_MAX);  // A head of a value has no more than 16 bits for it.
}

Id KeySpace::id(IdDomain domain, uint64_t number) const {
  const uint64_t stream = stream_of(seed_, domain, number);
  std::array<uint8_t, 24> bytes;
  for (uint64_t i = 0; i < 3; ++i) store_be64(&bytes[i * 8], word_of(stream, i + 1));
  Id id = Id::from(Bytes(bytes).first(id_size));
  if (domain == IdDomain::sources) return id;
  const uint32_t whole = near_bits_ / 8;
  for (uint32_t i = 0; i < whole; ++i) id.bytes[i] = near_.bytes[i];
  if (near_bits_ % 8 != 0) {
    const uint32_t own = 0xffu >> (near_bits_ % 8);
    id.bytes[whole] = static_cast<uint8_t>((id.bytes[whole] & own) | (near_.bytes[whole] & ~own));
  }
  return id;
}

uint32_t KeySpace::value_size(uint64_t hash) const {
  const double unit = static_cast<double>(hash >> 11) * 0x1.0p-53;
  const double least = sizes_.least;
  const double range = static_cast<double>(sizes_.most) + 1;
  if (sizes_.spread == Spread::uniform) {
    // A sum near the end may be rounded up to it.
    return std::min(static_cast<uint32_t>(least + unit * (range - least)), sizes_.most);
  }
  // The density falls as 1/size: there are as many values of 64 to 128 bytes as of 128 to 256.
  const double size = (least + 1) * std::pow((range + 1) / (least + 1), unit) - 1;
  return std::min(static_cast<uint32_t>(size), sizes_.most);
}

size_t KeySpace::write_value(IdDomain domain, uint64_t number, MutableBytes out) const {
  const uint64_t stream = ~stream_of(seed_, domain, number);
  const uint32_t size = value_size(word_of(stream, 0));
  const size_t head_size = size < 256 ? 2 : value_head_max;
  CHECK(out.size() >= head_size + size + sizeof(uint64_t));
  if (size < 256) {
    out[0] = 0xc4;
    out[1] = static_cast<uint8_t>(size);
  } else {
    out[0] = 0xc5;
    store_be16(&out[1], static_cast<uint16_t>(size));
  }
  for (uint32_t at = 0; at < size; at += 8) {
    store_be64(&out[head_size + at], word_of(stream, 1 + at / 8));
  }
  return head_size + size;
}

bool KeySpace::is_value(IdDomain domain, uint64_t number, Bytes packed) const {
  std::array<uint8_t, 8'192 + 64> expected;
  const size_t size = write_value(domain, number, expected);
  return equal(packed, Bytes(expected).first(size));
}

NumberDraw NumberDraw::uniform(uint64_t bound) {
  CHECK(bound > 0);
  NumberDraw draw;
  draw.bound_ = bound;
  return draw;
}

NumberDraw NumberDraw::zipf(uint32_t bound, double exponent) {
  NumberDraw draw = uniform(bound);
  std::vector<double> weight(bound);
  double sum = 0;
  for (uint32_t i = 0; i < bound; ++i) sum += weight[i] = std::pow(i + 1.0, -exponent);
  for (double& each : weight) each *= bound / sum;  // 1 on average.
  // Each cell with too little weight is topped up by one with too much.
  draw.cells_.resize(bound);
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < bound; ++i) (weight[i] < 1 ? small : large).push_back(i);
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back();
    const uint32_t rich = large.back();
    small.pop_back();
    draw.cells_[poor] = {static_cast<float>(weight[poor]), rich};
    weight[rich] -= 1 - weight[poor];
    if (weight[rich] >= 1) continue;
    large.pop_back();
    small.push_back(rich);
  }
  return draw;  // Cells left in either list weigh 1, except for rounding.
}

uint64_t NumberDraw::draw(Rng& rng) const {
  DCHECK(cells_.empty() || cells_.size() == bound_);
  const uint64_t number = rng.bounded(bound_);
  if (cells_.empty()) return number;
  const Cell& cell = cells_[number];
  DCHECK(cell.other < bound_);
  return rng.unit() < cell.keep ? number : cell.other;
}

}  // namespace xord
