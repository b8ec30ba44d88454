// The ledger: what each source has taken of this shard lately, by address and by prefix, so that no
// party can take the node from the others. A source is charged at four levels at once: /32, /24,
// /20 and /16 of IPv4; /64, /56, /48 and /32 of IPv6. Charges decay exponentially, with a time
// constant of eight seconds: a limit of L a second admits a burst of 8 L and L a second
// afterwards, at any times and spread over any addresses of the prefix. (The idea is Knot DNS's
// rate limiting: knot-dns.cz, mod-rrl.) What is refused is not charged, in a dry run neither, so
// that a dry run counts what `on` would refuse.
//
// The bound holds for the whole node, because each shard enforces its share of it: the limit
// divided by the number of shards. Requests are spread over the shards by their keys, and so are
// the charges: who asks for one key only gets one share.
//
// Fixed size, no allocation after construction: 70 bytes a row. A row is in one of two sets of
// four; when both are full, the row that is charged least makes room, an address before its
// prefixes. Its charges are forgotten, those of its prefixes are not. The seed is a secret: who
// knew it could choose addresses that push each other out. Where a row was found is remembered, so
// that a prefix in use is found without a search.
//
// Integers only, so that equal calls give equal decisions on every host. Time counts in ticks of
// 1/16 s. A charge is within 0.8 % of what exact decay of exact times would leave (a tick), and at
// most 300 units below that (rounding, which is always down): 300 bytes, or 1.2 requests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "node/charge.h"
#include "node/limits_config.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

// A prefix of a source: the first bits of its address, the rest zero.
struct Prefix {
  IpAddress address;
  PrefixLevel level{};

  bool operator==(const Prefix&) const = default;
  // The prefix of `address` at `level`.
  static Prefix of(const IpAddress& address, PrefixLevel level);
  Subnet subnet() const;
};
// How many times the limit of one address a prefix of this level may take.
constexpr std::array<uint32_t, prefix_levels> level_factors = {1, 4, 8, 16};

// The time constant of the decay.
constexpr Duration ledger_memory = seconds(8);
// A spell ends when a prefix was not refused anything for this long.
constexpr Duration limited_spell_gap = minutes(1);

class Ledger {
 public:
  // The operator's choices, ready for use: who is exempt, and what the others may take.
  class Rules {
   public:
    // As the ledger's constructor takes them.
    Rules(const LimitsConfig& config, uint32_t shards, std::span<const Subnet> trusted);

   private:
    friend class Ledger;
    // A net with a factor, and what was left of its divided charges.
    struct Net {
      Subnet net;
      uint64_t share = 0;  // 1 / factor, in 2^-20.
      std::array<uint32_t, charges_count> rest{};
    };

    bool is_off;
    bool exempts_loopback;
    bool is_dry_run;
    std::vector<Subnet> trusted;
    std::vector<Net> nets;  // Longest first.
    // Units that a prefix of each level may be charged.
    std::array<std::array<uint64_t, prefix_levels>, charges_count> limits{};
    std::array<uint64_t, charges_count> weights{};  // 2^32 / limit of an address.
  };

  // `trusted` sources are exempt. `rows_max` is rounded up to a power of two, at least 8. The
  // limits are at most those of node/limits_config.h.
  Ledger(const LimitsConfig& config, uint32_t rows_max, uint32_t shards, uint64_t seed,
         std::span<const Subnet> trusted);
  // Goes on by the other rules; what was charged stays. `other` gets those that held before, so
  // nothing is allocated or freed here.
  void swap_rules(Rules& other) { std::swap(rules_, other); }

  // Whether `source` is not charged at all.
  bool is_exempt(const IpAddress& source) const {
    if (rules_.is_off) return true;
    if (rules_.exempts_loopback && source.is_loopback()) return true;
    return !rules_.trusted.empty() && is_in_any(rules_.trusted, source);
  }
  // Charges `amount` unless a limit of the source or of one of its prefixes would be exceeded: then
  // false, and nothing is charged. In a dry run true. `is_beyond`, if not null, becomes true
  // where a limit is exceeded, for callers that count it. Limited charges only. `now` never
  // decreases from call to call.
  [[nodiscard]] bool try_charge(Instant now, const IpAddress& source, Charge charge,
                                uint32_t amount, bool* is_beyond = nullptr);
  // Whether try_charge() would charge `amount`, for what may yet come to nothing: charge() it once
  // it is done. A refusal is one, as that of try_charge().
  [[nodiscard]] bool admits(Instant now, const IpAddress& source, Charge charge, uint32_t amount,
                            bool* is_beyond = nullptr);
  // Charges `amount`, whatever the limits; in a dry run only what they would admit.
  void charge(Instant now, const IpAddress& source, Charge charge, uint32_t amount);
  // What `source` has taken, relative to others: the greatest of its levels' charges, each divided
  // by its factor, in bytes or in 1/256 of a request. 0 for an exempt source.
  uint32_t load(Instant now, const IpAddress& source, Charge charge) const;
  // A hint that `source` will be charged soon.
  void fetch_ahead(const IpAddress& source) const;

  // For reports. What is charged to one prefix, in bytes or requests, rounded up, and how it was
  // limited in its present spell: no refusal and Instant::min() when there is none.
  struct Account {
    Prefix prefix;
    std::array<uint32_t, charges_count> charged{};
    std::array<uint32_t, limited_charges> refused{};
    Instant limited_since = Instant::min();  // The first refusal of the spell, to a second.
    Instant limited_last = Instant::min();   // The last one.
  };
  // All zero for a prefix that has no row.
  Account account(Instant now, const Prefix& prefix) const;
  // The accounts with the greatest load, greatest first, at most top_max; returns how many. Visits
  // every row.
  static constexpr size_t top_max = 64;
  size_t top(Instant now, Charge charge, std::span<Account> out) const;
  // When a usual amount (1 KiB, or one read) will be admitted at the level of this account, if it
  // is charged nothing meanwhile; `now` if it would be at once.
  Instant limited_until(Instant now, const Account& account, Charge charge) const;

  // What a prefix of this level may be charged at most, in bytes or requests. Limited charges only.
  uint32_t most(PrefixLevel level, Charge charge) const;

  // A spell that began, by its first refusal, which was of `charge`.
  struct Spell {
    Prefix prefix;
    Charge charge{};
  };
  // Spells that may begin before they are taken; more are counted and forgotten. Two refusals of
  // one source begin at most one at each level.
  static constexpr uint32_t begun_spells_max = 16;
  bool has_begun_spells() const { return begun_count_ + begun_missed_ > 0; }
  // Calls visit(const Spell&) for each that began since the last call, oldest first, and returns
  // how many more there were.
  template <class Visit>
  uint32_t take_begun_spells(Visit&& visit) {
    for (uint32_t i = 0; i < begun_count_; ++i) visit(begun_[i]);
    begun_count_ = 0;
    return std::exchange(begun_missed_, 0);
  }

  // Rows that made room while they were charged.
  uint64_t evicted_count() const { return evicted_count_; }
  // For tests and the simulator: aborts if an invariant is broken. Visits every row.
  void check_invariants() const;

 private:
  static constexpr uint32_t ways = 4;
  static constexpr uint64_t golden_ratio = 0x9e37'79b9'7f4a'7c15;  // 2^64 divided by it.
  struct alignas(64) Row {
    uint64_t prefix = 0;  // The 32 bits of an IPv4 prefix; the first 64 of an IPv6 prefix.
    int64_t tick = 0;     // To which the charges have decayed.
    std::array<uint32_t, charges_count> charged{};  // In units: bytes, or 1/256 of a request.
    std::array<uint32_t, limited_charges> refused{};
    uint32_t limited_since = 0;  // Seconds of node time.
    uint32_t limited_last = 0;
    uint8_t tag = 0;  // Level and family; 0: an empty row.
  };
  static_assert(sizeof(Row) == 64, "a cache line");
  // What identifies a row.
  struct Key {
    uint64_t prefix = 0;
    uint8_t tag = 0;
  };
  // An address, of which a key for each level is made.
  struct Source {
    explicit Source(const IpAddress& address);
    Key key(size_t level) const { return {bits & masks[level], static_cast<uint8_t>(tag + level)}; }
    uint64_t bits;
    const uint64_t* masks;  // By level.
    uint8_t tag;            // Of level 0.
  };
  // Where its row is, or would be.
  struct Place {
    std::array<uint32_t, 2> sets{};
    uint16_t mark = 0;
  };
  // The rows of a source by level; null: it has none.
  using Found = std::array<Row*, prefix_levels>;
  // An amount in units, after the factor of its source.
  struct Units {
    uint64_t units = 0;
    uint32_t* rest = nullptr;
    uint32_t rest_then = 0;  // Of *rest, once it is charged.
  };

  static Prefix prefix_of(const Row& row);
  Units units_of(const IpAddress& source, Charge charge, uint32_t amount);
  Place place_of(const Key& key) const;
  // The one of hints_ that may say where the row of `key` is.
  uint32_t hint_of(const Key& key) const {
    return static_cast<uint32_t>((key.prefix ^ key.tag) * golden_ratio >> hint_shift_);
  }
  static bool is_of(const Row& row, const Key& key) {
    return row.prefix == key.prefix && row.tag == key.tag;
  }
  const Row* find(const Key& key) const;  // Keeps the hint of `key` true.
  const Row* search(const Key& key, const Place& place) const;
  // The rows that `source` has, decayed to `tick`.
  Found find_all(const Source& source, int64_t tick);
  bool exceeds(const Row* row, size_t level, Charge charge, uint64_t units) const {
    const uint64_t charged = row == nullptr ? 0 : row->charged[static_cast<size_t>(charge)];
    return charged + units > limit_of(level, charge);
  }
  // Whether all levels admit it; if not, says so in the rows of those that do not.
  bool check(Instant now, const Source& source, const Found& found, Charge charge, uint64_t units);
  void refuse(Instant now, Row& row, Charge charge);
  void add(int64_t tick, const Source& source, const Found& found, Charge charge,
           const Units& units);
  // `found`, if it is still the row of `key`, else a new one.
  Row& row_of(int64_t tick, const Key& key, Row* found) {
    return found != nullptr && is_of(*found, key) ? *found : make(tick, key);
  }
  // Makes a row for `key`, which has none.
  Row& make(int64_t tick, const Key& key);
  std::optional<uint32_t> empty_way(uint32_t set) const;
  uint32_t way_for(int64_t tick, const Place& place);  // The row to use: set x ways + way.
  static void decay(Row& row, int64_t tick);
  // What the row is charged, as a fraction of an address's limit: comparable between charges.
  uint64_t weight_of(const Row& row, int64_t tick) const;
  uint64_t limit_of(size_t level, Charge charge) const {
    return rules_.limits[static_cast<size_t>(charge)][level];
  }
  Account account_of(Instant now, const Row& row) const;

  Rules rules_;
  uint64_t seed_;
  uint32_t set_mask_;
  uint64_t evicted_count_ = 0;
  std::array<Spell, begun_spells_max> begun_;
  uint32_t begun_count_ = 0;
  uint32_t begun_missed_ = 0;
  std::vector<uint64_t> marks_;  // Of each set: 16 bits of the hash of each row, 0: empty.
  std::vector<Row> rows_;
  // Indices of rows: where a prefix was found last, or another prefix whose hint is the same. Not
  // secret: who makes hints collide causes a search, as a new prefix does.
  mutable std::vector<uint32_t> hints_;
  uint32_t hint_shift_;
};

}  // namespace xord
