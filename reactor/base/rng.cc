#include "reactor/base/rng.h"

#include <bit>

#include "reactor/base/check.h"

namespace xord {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over the state, which must not be all zero.
uint64_t split_mix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  for (uint64_t& word : state_) word = split_mix(seed);
  CHECK((state_[0] | state_[1] | state_[2] | state_[3]) != 0);
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Rng::bounded(uint64_t bound) {
  CHECK(bound > 0);
  // Lemire 2019: multiply, and reject the few draws that would favour low results.
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(next()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < threshold) product = static_cast<Wide>(next()) * bound;
  }
  const auto drawn = static_cast<uint64_t>(product >> 64);
  DCHECK(drawn < bound);
  return drawn;
}

double Rng::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

void Rng::fill(MutableBytes out) {
  while (!out.empty()) {
    const uint64_t word = next();
    const size_t size = out.size() < sizeof word ? out.size() : sizeof word;
    std::memcpy(out.data(), &word, size);
    out = out.subspan(size);
  }
}

Rng Rng::split(std::string_view name) const {
  uint64_t hash = seed_ ^ 0xcbf29ce484222325u;  // FNV-1a over the name, then SplitMix64.
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return Rng(split_mix(hash));
}

}  // namespace xord
