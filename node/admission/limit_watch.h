// Which prefixes a shard limits now, for the log: a notice when that begins and one when it ends,
// whatever number of requests is refused in between (node/notice.h). Never looks through the
// ledger: the ledger reports each spell that begins, and the watch asks for its accounts alone.
//
// One flood may reach the limits of an address and of the prefixes around it. Of those only the
// widest is watched: a prefix within a watched one is left out, and a wider one takes the places of
// those within it. At most limits_watched are watched at a time, each for limited_spell_gap at
// least; what finds no place is counted (limits_unwatched).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "node/admission/ledger.h"
#include "node/node_context.h"
#include "node/notice.h"
#include "reactor/base/instant.h"

namespace xord {

// With those that end, a turn's notices (NodeNotices) have room for all of them.
constexpr uint32_t limits_watched = 8;

class LimitWatch {
 public:
  // All but `node` are borrowed. Watches nothing unless the limits are on: a dry run limits nobody.
  LimitWatch(const NodeContext& node, NodeNotices& notices);

  // Watches the spells that began. At the end of each call of the node.
  void end_turn(Instant now) {
    if (node_.ledger.has_begun_spells()) [[unlikely]]
      take_begun(now);
  }
  // Ends what is over.
  void advance(Instant now);
  // When advance() is next needed.
  std::optional<Instant> next_wakeup() const;

  uint32_t count() const { return count_; }

 private:
  struct Watched {
    Subnet subnet;
    Prefix prefix;
    Charge charge{};
    bool is_reported = false;
    Instant since;         // As in the account when it was last asked for,
    Instant last;          // likewise,
    uint64_t refused = 0;  // likewise: of all limits.
    Instant check_at;
  };

  bool is_on() const { return node_.config.limits.mode == LimitsMode::on; }
  void take_begun(Instant now);
  void watch(Instant now, const Ledger::Spell& spell);
  void drop(uint32_t index);
  // Reads the account; false if the spell is over.
  bool follow(Instant now, Watched& watched) const;
  NodeNotice notice_of(NoticeKind kind, const Watched& watched) const;
  void report_end(const Watched& watched);

  const NodeContext node_;
  NodeNotices& notices_;
  std::array<Watched, limits_watched> watched_;  // The first count_.
  uint32_t count_ = 0;
};

}  // namespace xord
