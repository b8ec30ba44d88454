// Who gives way while the shard is behind, and how far. While every turn leaves datagrams in
// the kernel, the work done for each prefix is measured, and those that take most are thinned out
// until what is left can be done: max-min fairness, with the ledger's prefixes and factors. The
// part that may pass is enforced by the kernel (reactor/source_filter.h), by chance for each
// datagram. So what passes still shows how much a prefix sends: each datagram that got through
// stands for those that did not. Nobody is shut out, and nobody has to be let in on trial.
//
// The level: how much of a second's work one address may take; a /24 (/56) 4 times as much, and so
// on. It is the highest at which all demands, cut to it, fit into what the shard was able to do; so
// as long as it keeps up, nothing is thinned, however much a source sends. What a prefix sent
// is forgotten slowly, so that short floods do not get in whenever they come.
//
// Fixed size. Measures, and charges the ledger, only while the shard is behind or sources are
// thinned: otherwise it costs a comparison a datagram. One datagram in eight is charged, for all of
// them: enough to find those that send most, whose every datagram is then counted here. Exempt
// sources count as work that cannot be shed. With limits off it does nothing; a dry run only
// counts.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "node/admission/ledger.h"
#include "node/counters.h"
#include "node/limits_config.h"
#include "node/notice.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"
#include "reactor/base/source_share.h"

namespace xord {

// Work of a datagram, relative to others: with the kernel's part, a find_node is about 4 us of a
// core, a value from memory hardly more, and a store with its part of a commit three times as much.
constexpr uint32_t work_of_datagram = 1;
constexpr uint32_t work_of_store = 2;  // In addition.

class WorkShares {
 public:
  static constexpr Duration step = milliseconds(50);
  // The level is never below this, a second, whatever that costs.
  static constexpr double level_least = 2048;
  // Of what the shard was able to do, how much it is given: the rest works off what has piled up.
  static constexpr double load_wanted = 0.8;

  // The operator's choices, ready for use. `trusted` sources are never thinned.
  struct Rules {
    Rules(const LimitsConfig& config, std::span<const Subnet> trusted);

    LimitsMode mode;
    std::vector<LimitFactor> factors;  // The longest net first.
    std::vector<Subnet> exempt;
  };

  // `ledger`, `counters` and `notices` are borrowed.
  WorkShares(NetworkIndex network, const LimitsConfig& config, std::span<const Subnet> trusted,
             Ledger& ledger, NodeCounters& counters, NodeNotices& notices);

  // Goes on by the other rules: whoever is thinned no longer is, and if the shard is still behind,
  // all is measured again. `other` gets the rules that held before, so nothing is allocated or
  // freed here.
  void swap_rules(Instant now, Rules& other);

  // Since when each turn of the shard has left datagrams in the kernel; empty: the last one did
  // not.
  void set_backlog(Instant now, std::optional<Instant> since);
  // A datagram of `source` made `work`.
  void charge(Instant now, const IpAddress& source, uint32_t work) {
    if (step_at_) [[unlikely]]
      measure(now, source, work);
  }
  // Measures and decides, when it is time.
  void advance(Instant now);
  std::optional<Instant> next_wakeup() const { return step_at_; }

  // What the kernel is to enforce. The version changes with it.
  std::span<const SourceShare> shares() const { return {shares_.data(), shares_count_}; }
  // Sources within those prefixes that pass all the same.
  std::span<const Subnet> kept() const { return {kept_.data(), kept_count_}; }
  uint64_t version() const { return version_; }
  // The part of the datagrams of `source` that passes: 1 but for those thinned out.
  double passing_of(const IpAddress& source) const;

  void check_invariants() const;

 private:
  static constexpr uint32_t rows_max = source_shares_max;
  // Work a second: as it is, and divided by its sources' factors (--limit-for).
  struct Amount {
    double work = 0;
    double load = 0;
  };
  // A prefix that is measured.
  struct Row {
    Subnet net;
    double factor = 1;      // Of the level.
    Amount served;          // In this step.
    Amount sent;            // With what the kernel dropped of it.
    Amount held;            // What it is taken to send. Once thinned out, that is forgotten slowly.
    Amount judged;          // One of these: by which it is cut.
    uint32_t within = 0;    // One bit for each other row whose prefix lies in this one.
    double passing = 1;     // The part that the kernel lets pass...
    double stands_for = 1;  // ...so for how many a datagram stands: itself and those dropped.
    Instant thinned_since;  // If passing < 1.
    bool is_announced = false;
  };
  std::span<Row> rows() { return {rows_.data(), rows_count_}; }
  // The rows whose prefixes hold a source, one bit each.
  struct Holding {
    IpAddress source;
    uint32_t rows = 0;
  };
  static constexpr size_t holdings_max = 256;

  void measure(Instant now, const IpAddress& source, uint32_t work);
  void sample(Instant now, const IpAddress& source, uint32_t work);
  uint32_t holding(const IpAddress& source);
  double factor_of(const IpAddress& source) const;
  void begin_step(Instant now);
  void end_measuring();
  void judge(Row& row, double seconds);
  double held_demand() const;
  double level_for(double excess, double most);
  double cut_to(double level);
  void update(Row& row, Instant now, bool is_behind);
  void note(const Row& row, Instant now, NoticeKind kind);
  void choose_rows(Instant now);
  void find_nested();
  void publish();
  bool keep_exempt_of(const Subnet& net);

  const NetworkIndex network_;
  Rules rules_;
  Ledger& ledger_;
  NodeCounters& counters_;
  NodeNotices& notices_;

  std::optional<Instant> backlog_since_;
  std::optional<Instant> step_at_;  // Empty: not measuring.
  Instant step_began_;
  // In this step the shard was behind for a while, so it was not what is sent now that was served.
  bool is_disturbed_ = false;
  // A second's work that is to be let in: known once the shard was behind.
  double target_ = std::numeric_limits<double>::infinity();
  double capable_ = 0;  // What the shard was able to do lately, a second.
  double done_ = 0;     // Work in this step...
  double demand_ = 0;   // ...and that of the datagrams it stands for.
  uint32_t notices_left_ = 0;
  std::array<Row, rows_max> rows_;
  uint32_t rows_count_ = 0;
  std::array<Holding, holdings_max> holdings_;  // Of sources seen lately, until the rows change.
  uint32_t sampled_ = 0;                        // Equidistributed: below 2^29 one time in eight.
  std::array<double, rows_max> parts_{};        // cut_to(): what may pass of each row.
  std::array<SourceShare, source_shares_max> shares_;
  uint32_t shares_count_ = 0;
  std::array<Subnet, sources_kept_max> kept_;
  uint32_t kept_count_ = 0;
  uint64_t version_ = 0;
};

}  // namespace xord
