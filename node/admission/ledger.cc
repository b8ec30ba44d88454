#include "node/admission/ledger.h"

#include <algorithm>
#include <bit>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr int64_t ticks_a_second = 16;
constexpr int64_t ticks_a_memory = ledger_memory.whole_seconds() * ticks_a_second;
static_assert(ticks_a_memory == 128, "seven bits of a number of ticks are less than a memory");
constexpr int64_t memories_max = 22;  // Then 2^-31 is left, of 32 bits: nothing.
constexpr int64_t ticks_max = memories_max * ticks_a_memory;

// Units: bytes, and 1/256 of what is counted one by one, so that rounding does not consume it.
constexpr std::array<uint32_t, charges_count> units_each = {1, 256, 256, 256, 256};
// Charges that have no limit weigh as if they had this one, a second: what a busy honest source may
// cause. Only decides which row makes room.
constexpr std::array<uint64_t, charges_count> usual_a_second = {0, 0, 16, 4, 1000};
static_assert(excess_a_second_max * 8 * level_factors.back() <= UINT32_MAX);
static_assert(reads_a_second_max * 8 * level_factors.back() * 256 <= UINT32_MAX);

constexpr int share_bits = 20;            // Of 1 / factor.
constexpr uint32_t amount_max = 1 << 24;  // Of one charge; more counts as this much.
static_assert(double{1 << share_bits} / limit_factor_max >= 1, "a share is never nothing");

constexpr uint8_t used_bit = 0x80;
constexpr uint8_t ipv6_bit = 0x04;
constexpr uint8_t level_bits = 0x03;
constexpr std::array<uint8_t, prefix_levels> ipv4_dropped_bits = {0, 8, 12, 16};
constexpr std::array<uint8_t, prefix_levels> ipv6_dropped_bits = {0, 8, 16,
                                                                  32};  // Of the first 64.
constexpr uint64_t every_mark = 0x0001'0001'0001'0001;

// exp(-x), evaluated by the compiler.
constexpr double exp_minus(double x) {
  if (x > 0.5) return exp_minus(x / 2) * exp_minus(x / 2);
  double sum = 1;
  double term = 1;
  for (int i = 1; i < 20; ++i) {
    term *= -x / i;
    sum += term;
  }
  return sum;
}

// What is left after i steps, in 2^-32.
template <size_t size>
constexpr std::array<uint64_t, size> left_after(double memories_a_step) {
  std::array<uint64_t, size> left{};
  for (size_t i = 0; i < size; ++i) {
    left[i] =
        static_cast<uint64_t>(exp_minus(static_cast<double>(i) * memories_a_step) * 4294967296.0);
  }
  return left;
}
constexpr auto left_after_ticks = left_after<ticks_a_memory>(1.0 / ticks_a_memory);
constexpr auto left_after_memories = left_after<memories_max>(1.0);
static_assert(left_after_ticks[0] == uint64_t{1} << 32 && left_after_ticks[1] == 4'261'543'595);
static_assert(left_after_memories[1] == 1'580'030'168);  // 2^32 / e

uint64_t left_after(int64_t ticks) {
  DCHECK(ticks > 0);
  if (ticks >= ticks_max) return 0;
  const uint64_t within = left_after_ticks[static_cast<size_t>(ticks % ticks_a_memory)];
  if (ticks < ticks_a_memory) return within;
  return within * left_after_memories[static_cast<size_t>(ticks / ticks_a_memory)] >> 32;
}

uint32_t decayed(uint32_t charged, int64_t ticks) {
  if (ticks <= 0) return charged;
  return static_cast<uint32_t>(charged * left_after(ticks) >> 32);
}

constexpr Duration tick_length = seconds(1) / ticks_a_second;
static_assert(tick_length * ticks_a_second == seconds(1));
int64_t tick_of(Instant at) {
  return at.nanoseconds / tick_length.nanoseconds;
}
uint32_t seconds_of(Instant at) {
  return static_cast<uint32_t>(at.nanoseconds / seconds(1).nanoseconds);
}

constexpr std::array<uint64_t, prefix_levels> masks_without(
    const std::array<uint8_t, prefix_levels>& dropped_bits, uint64_t all) {
  std::array<uint64_t, prefix_levels> masks{};
  for (size_t level = 0; level < prefix_levels; ++level) {
    masks[level] = all >> dropped_bits[level] << dropped_bits[level];
  }
  return masks;
}
constexpr auto ipv4_masks = masks_without(ipv4_dropped_bits, UINT32_MAX);
constexpr auto ipv6_masks = masks_without(ipv6_dropped_bits, UINT64_MAX);

// Both halves of the product of two numbers that depend on the seed: unpredictable without it, and
// a few nanoseconds for all four levels.
uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

Ledger::Source::Source(const IpAddress& address) {
  if (address.is_ipv4()) {
    bits = load_be32(&address.bytes[12]);
    masks = ipv4_masks.data();
    tag = used_bit;
  } else {
    bits = load_be64(address.bytes.data());
    masks = ipv6_masks.data();
    tag = used_bit | ipv6_bit;
  }
}

Prefix Prefix::of(const IpAddress& address, PrefixLevel level) {
  const auto index = static_cast<size_t>(level);
  CHECK(index < prefix_levels);
  Prefix prefix{address, level};
  if (address.is_ipv4()) {
    const auto bits = load_be32(&address.bytes[12]) & static_cast<uint32_t>(ipv4_masks[index]);
    store_be32(&prefix.address.bytes[12], bits);
  } else {
    const uint64_t bits = load_be64(address.bytes.data()) & ipv6_masks[index];
    store_be64(prefix.address.bytes.data(), bits);
    store_be64(&prefix.address.bytes[8], 0);
  }
  return prefix;
}

Subnet Prefix::subnet() const {
  const auto index = static_cast<size_t>(level);
  CHECK(index < prefix_levels);
  const int bits =
      address.is_ipv4() ? 128 - ipv4_dropped_bits[index] : 64 - ipv6_dropped_bits[index];
  return {address, static_cast<uint8_t>(bits)};
}

Ledger::Rules::Rules(const LimitsConfig& config, uint32_t shards, std::span<const Subnet> exempt)
    : is_off(config.mode == LimitsMode::off),
      exempts_loopback(!config.limits_loopback),
      is_dry_run(config.mode == LimitsMode::dry_run),
      trusted(exempt.begin(), exempt.end()) {
  CHECK(shards > 0);
  CHECK(config.excess_a_second <= excess_a_second_max);
  CHECK(config.reads_a_second <= reads_a_second_max);
  std::array<uint64_t, charges_count> a_second = usual_a_second;
  a_second[static_cast<size_t>(Charge::excess)] = config.excess_a_second;
  a_second[static_cast<size_t>(Charge::reads)] = config.reads_a_second;
  for (size_t i = 0; i < charges_count; ++i) {
    const auto memory = static_cast<uint64_t>(ledger_memory.whole_seconds());
    const uint64_t limit = memory * a_second[i] * units_each[i] / shards;
    for (size_t level = 0; level < prefix_levels; ++level) {
      limits[i][level] = limit * level_factors[level];
    }
    weights[i] = (uint64_t{1} << 32) / std::max<uint64_t>(limit, 1);
  }
  for (const LimitFactor& factor : config.factors) {
    CHECK(factor.factor >= 1 && factor.factor <= limit_factor_max);
    const double share = (1 << share_bits) / static_cast<double>(factor.factor);
    const auto whole = static_cast<uint64_t>(share);
    nets.push_back({factor.net, whole + (static_cast<double>(whole) < share), {}});
  }
  std::stable_sort(nets.begin(), nets.end(), [](const Net& a, const Net& b) {
    return a.net.prefix_bits > b.net.prefix_bits;
  });
}

Ledger::Ledger(const LimitsConfig& config, uint32_t rows_max, uint32_t shards, uint64_t seed,
               std::span<const Subnet> trusted)
    : rules_(config, shards, trusted),
      seed_(seed),
      set_mask_(std::bit_ceil(std::max(rows_max, 2 * ways)) / ways - 1),
      marks_(set_mask_ + 1),
      rows_((uint64_t{set_mask_} + 1) * ways),
      hints_(rows_.size()),
      hint_shift_(64 - static_cast<uint32_t>(std::countr_zero(rows_.size()))) {
  CHECK(set_mask_ < 1 << 20);
}

// The rest is kept for the next charge of the net: rounding each would make a small one many times
// too large or nothing.
Ledger::Units Ledger::units_of(const IpAddress& source, Charge charge, uint32_t amount) {
  DCHECK(charge < Charge::count);
  const auto index = static_cast<size_t>(charge);
  const uint64_t units = uint64_t{std::min(amount, amount_max)} * units_each[index];
  for (Rules::Net& net : rules_.nets) {
    if (!net.net.contains(source)) continue;
    const uint64_t total = units * net.share + net.rest[index];
    return {total >> share_bits, &net.rest[index],
            static_cast<uint32_t>(total & ((1 << share_bits) - 1))};
  }
  return {units, nullptr, 0};
}

Ledger::Place Ledger::place_of(const Key& key) const {
  const uint64_t hash =
      mix(mix(key.prefix ^ seed_, golden_ratio ^ key.tag) ^ seed_, golden_ratio + seed_);
  Place place;
  place.sets = {static_cast<uint32_t>(hash) & set_mask_,
                static_cast<uint32_t>(hash >> 20) & set_mask_};
  place.mark = static_cast<uint16_t>(std::max<uint64_t>(hash >> 48, 1));
  return place;
}

const Ledger::Row* Ledger::find(const Key& key) const {
  uint32_t& hint = hints_[hint_of(key)];
  const Row* row = &rows_[hint];
  if (is_of(*row, key)) return row;
  row = search(key, place_of(key));
  if (row != nullptr) hint = static_cast<uint32_t>(row - rows_.data());
  return row;
}

const Ledger::Row* Ledger::search(const Key& key, const Place& place) const {
  for (const uint32_t set : place.sets) {
    const uint64_t differ = marks_[set] ^ (place.mark * every_mark);
    // The top bit of each mark that is equal, and perhaps of one above it.
    uint64_t equal = (differ - every_mark) & ~differ & (every_mark << 15);
    for (; equal != 0; equal &= equal - 1) {
      const Row& row =
          rows_[uint64_t{set} * ways + static_cast<uint32_t>(std::countr_zero(equal)) / 16];
      if (is_of(row, key)) return &row;
    }
  }
  return nullptr;
}

void Ledger::decay(Row& row, int64_t tick) {
  const int64_t ticks = tick - row.tick;
  if (ticks <= 0) return;
  const uint64_t left = left_after(ticks);
  for (uint32_t& charged : row.charged) charged = static_cast<uint32_t>(charged * left >> 32);
  row.tick = tick;
}

Ledger::Found Ledger::find_all(const Source& source, int64_t tick) {
  Found found{};
  for (size_t level = 0; level < prefix_levels; ++level) {
    found[level] = const_cast<Row*>(find(source.key(level)));
    if (found[level] != nullptr) decay(*found[level], tick);
  }
  return found;
}

bool Ledger::check(Instant now, const Source& source, const Found& found, Charge charge,
                   uint64_t units) {
  DCHECK(is_limited(charge));
  bool fits = true;
  for (size_t level = 0; level < prefix_levels; ++level) {
    if (!exceeds(found[level], level, charge, units)) continue;
    fits = false;
    // Without a row it is more than the whole limit at once.
    refuse(now, row_of(tick_of(now), source.key(level), found[level]), charge);
  }
  return fits;
}

void Ledger::refuse(Instant now, Row& row, Charge charge) {
  const uint32_t second = seconds_of(now);
  const bool had_spell = row.refused != decltype(row.refused){};
  if (!had_spell || second - row.limited_last >= limited_spell_gap.whole_seconds()) {
    row.refused = {};
    row.limited_since = second;
    if (begun_count_ < begun_.size()) {
      begun_[begun_count_++] = {prefix_of(row), charge};
    } else {
      ++begun_missed_;
    }
  }
  row.limited_last = second;
  uint32_t& refused = row.refused[static_cast<size_t>(charge)];
  refused += refused < UINT32_MAX;
  DCHECK(row.limited_since <= row.limited_last);
}

bool Ledger::try_charge(Instant now, const IpAddress& source, Charge charge, uint32_t amount,
                        bool* is_beyond) {
  if (is_exempt(source)) return true;
  const Units units = units_of(source, charge, amount);
  const Source from(source);
  const Found found = find_all(from, tick_of(now));
  if (!check(now, from, found, charge, units.units)) {
    if (is_beyond != nullptr) *is_beyond = true;
    return rules_.is_dry_run;
  }
  add(tick_of(now), from, found, charge, units);
  return true;
}

bool Ledger::admits(Instant now, const IpAddress& source, Charge charge, uint32_t amount,
                    bool* is_beyond) {
  if (is_exempt(source)) return true;
  const Source from(source);
  const Found found = find_all(from, tick_of(now));
  if (check(now, from, found, charge, units_of(source, charge, amount).units)) return true;
  if (is_beyond != nullptr) *is_beyond = true;
  return rules_.is_dry_run;
}

void Ledger::charge(Instant now, const IpAddress& source, Charge charge, uint32_t amount) {
  if (is_exempt(source)) return;
  const Units units = units_of(source, charge, amount);
  const Source from(source);
  const Found found = find_all(from, tick_of(now));
  if (rules_.is_dry_run && is_limited(charge)) {
    for (size_t level = 0; level < prefix_levels; ++level) {
      if (exceeds(found[level], level, charge, units.units)) return;
    }
  }
  add(tick_of(now), from, found, charge, units);
}

// From the widest prefix to the address: what is made later is charged no more, and so does not
// push out what was charged before it.
void Ledger::add(int64_t tick, const Source& source, const Found& found, Charge charge,
                 const Units& units) {
  for (size_t level = prefix_levels; level-- > 0;) {
    Row& row = row_of(tick, source.key(level), found[level]);
    DCHECK(row.tick >= tick);
    uint32_t& charged = row.charged[static_cast<size_t>(charge)];
    charged = static_cast<uint32_t>(std::min<uint64_t>(charged + units.units, UINT32_MAX));
  }
  if (units.rest != nullptr) *units.rest = units.rest_then;
}

uint64_t Ledger::weight_of(const Row& row, int64_t tick) const {
  uint64_t most = 0;
  for (size_t i = 0; i < charges_count; ++i) {
    most = std::max(most, row.charged[i] * rules_.weights[i]);
  }
  const int64_t ticks = tick - row.tick;
  if (ticks <= 0) return most;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(most) * left_after(ticks) >> 32);
}

std::optional<uint32_t> Ledger::empty_way(uint32_t set) const {
  for (uint32_t way = 0; way < ways; ++way) {
    if (rows_[uint64_t{set} * ways + way].tag == 0) return way;
  }
  return std::nullopt;
}

uint32_t Ledger::way_for(int64_t tick, const Place& place) {
  const std::array<std::optional<uint32_t>, 2> empty = {empty_way(place.sets[0]),
                                                        empty_way(place.sets[1])};
  // Rows are never emptied, so the first empty one says how many are used: the emptier set.
  const size_t emptier = !empty[0] || (empty[1] && *empty[1] < *empty[0]);
  if (empty[emptier]) return place.sets[emptier] * ways + *empty[emptier];
  uint32_t least = 0;
  uint64_t least_weight = UINT64_MAX;
  uint32_t least_level = 0;
  for (uint32_t i = 0; i < 2 * ways; ++i) {
    const uint32_t at = place.sets[i / ways] * ways + i % ways;
    const Row& row = rows_[at];
    const uint64_t weight = weight_of(row, tick);
    const uint32_t level = row.tag & level_bits;
    if (weight > least_weight || (weight == least_weight && level >= least_level)) continue;
    least = at;
    least_weight = weight;
    least_level = level;
  }
  evicted_count_ += least_weight > 0;
  return least;
}

Ledger::Row& Ledger::make(int64_t tick, const Key& key) {
  const Place place = place_of(key);
  DCHECK(search(key, place) == nullptr && place.mark != 0);
  const uint32_t at = way_for(tick, place);
  uint64_t& marks = marks_[at / ways];
  const uint32_t shift = at % ways * 16;
  marks = (marks & ~(uint64_t{0xffff} << shift)) | uint64_t{place.mark} << shift;
  Row& row = rows_[at];
  row = {};
  row.prefix = key.prefix;
  row.tag = key.tag;
  row.tick = tick;
  hints_[hint_of(key)] = at;
  return row;
}

uint32_t Ledger::load(Instant now, const IpAddress& source, Charge charge) const {
  DCHECK(charge < Charge::count);
  if (is_exempt(source)) return 0;
  const Source from(source);
  uint32_t greatest = 0;
  for (size_t level = 0; level < prefix_levels; ++level) {
    const Row* row = find(from.key(level));
    if (row == nullptr) continue;
    const uint32_t charged = row->charged[static_cast<size_t>(charge)];
    greatest =
        std::max(greatest, decayed(charged, tick_of(now) - row->tick) / level_factors[level]);
  }
  return greatest;
}

// The rows of regions and blocks are few, and in use all the time.
void Ledger::fetch_ahead(const IpAddress& source) const {
  if (is_exempt(source)) return;
  const Source from(source);
  for (const PrefixLevel level : {PrefixLevel::address, PrefixLevel::site}) {
    const Key key = from.key(static_cast<size_t>(level));
    __builtin_prefetch(&rows_[hints_[hint_of(key)]], 1);
  }
}

Prefix Ledger::prefix_of(const Row& row) {
  DCHECK((row.tag & used_bit) != 0);
  Prefix result;
  result.level = static_cast<PrefixLevel>(row.tag & level_bits);
  if ((row.tag & ipv6_bit) == 0) {
    result.address = IpAddress::ipv4(static_cast<uint32_t>(row.prefix));
  } else {
    store_be64(result.address.bytes.data(), row.prefix);
  }
  return result;
}

Ledger::Account Ledger::account_of(Instant now, const Row& row) const {
  Account account;
  account.prefix = prefix_of(row);
  for (size_t i = 0; i < charges_count; ++i) {
    const uint64_t units = decayed(row.charged[i], tick_of(now) - row.tick);
    account.charged[i] = static_cast<uint32_t>((units + units_each[i] - 1) / units_each[i]);
  }
  const bool was_limited = row.refused != decltype(row.refused){};
  const Instant last = Instant{} + seconds(row.limited_last);
  if (was_limited && now < last + limited_spell_gap) {
    account.refused = row.refused;
    account.limited_since = Instant{} + seconds(row.limited_since);
    account.limited_last = last;
  }
  return account;
}

Ledger::Account Ledger::account(Instant now, const Prefix& prefix) const {
  const auto level = static_cast<size_t>(prefix.level);
  CHECK(level < prefix_levels);
  const Row* row = find(Source(prefix.address).key(level));
  if (row != nullptr) return account_of(now, *row);
  Account none;
  none.prefix = Prefix::of(prefix.address, prefix.level);
  return none;
}

size_t Ledger::top(Instant now, Charge charge, std::span<Account> out) const {
  DCHECK(charge < Charge::count);
  const auto index = static_cast<size_t>(charge);
  const int64_t tick = tick_of(now);
  std::array<std::pair<uint32_t, const Row*>, top_max> found;  // By load, the greatest first.
  const size_t wanted = std::min(out.size(), found.size());
  size_t count = 0;
  for (const Row& row : rows_) {
    if (row.charged[index] == 0) continue;
    const uint32_t load =
        decayed(row.charged[index], tick - row.tick) / level_factors[row.tag & level_bits];
    size_t at = count;
    while (at > 0 && found[at - 1].first < load) --at;
    if (load == 0 || at == wanted) continue;
    if (count < wanted) ++count;
    std::move_backward(found.begin() + at, found.begin() + count - 1, found.begin() + count);
    found[at] = {load, &row};
  }
  for (size_t i = 0; i < count; ++i) out[i] = account_of(now, *found[i].second);
  return count;
}

uint32_t Ledger::most(PrefixLevel level, Charge charge) const {
  CHECK(is_limited(charge) && level < PrefixLevel::count);
  const uint64_t units = limit_of(static_cast<size_t>(level), charge);
  DCHECK(units <= UINT32_MAX);
  return static_cast<uint32_t>(units / units_each[static_cast<size_t>(charge)]);
}

Instant Ledger::limited_until(Instant now, const Account& account, Charge charge) const {
  CHECK(is_limited(charge));
  constexpr std::array<uint64_t, limited_charges> usual = {1024, 256};
  const auto index = static_cast<size_t>(charge);
  const uint64_t limit = limit_of(static_cast<size_t>(account.prefix.level), charge);
  const uint64_t amount = std::min(usual[index], limit);
  const auto units = static_cast<uint32_t>(
      std::min<uint64_t>(uint64_t{account.charged[index]} * units_each[index], UINT32_MAX));
  int64_t too_few = -1;
  int64_t enough = ticks_max;
  while (enough - too_few > 1) {
    const int64_t ticks = too_few + (enough - too_few) / 2;
    (decayed(units, ticks) + amount <= limit ? enough : too_few) = ticks;
  }
  return enough == 0 ? now : Instant{} + tick_length * (tick_of(now) + enough);
}

void Ledger::check_invariants() const {
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const auto mark = static_cast<uint16_t>(marks_[i / ways] >> (i % ways * 16));
    CHECK((row.tag == 0) == (mark == 0));
    if (row.tag == 0) continue;
    const Key key{row.prefix, row.tag};
    const Place place = place_of(key);
    CHECK(place.mark == mark && search(key, place) == &row);  // So no prefix has two.
    CHECK(place.sets[0] == i / ways || place.sets[1] == i / ways);
    CHECK(row.limited_since <= row.limited_last);
  }
}

}  // namespace xord
