// Finds out what a load run leaves behind: which ids of its sources the node still names. Each id
// is looked up by another source, because a node does not name the asker.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "node/wire/message.h"
#include "reactor/base/check.h"
#include "tools/load/load_exchange.h"

namespace xord {

class LeftContacts : public ExchangeListener {
 public:
  // Looks up the ids of sources 0..ids-1. All `sources`, at least two, take turns in asking.
  LeftContacts(LoadExchange& exchange, uint32_t ids, uint32_t sources)
      : exchange_(exchange), ids_(ids), sources_(sources), was_answered_(ids, false) {
    CHECK(sources >= 2 && ids <= sources);
  }

  // Returns the number of ids found; empty if the node does not answer, or on a timeout or Ctrl-C.
  std::optional<uint32_t> count(Waiting waiting);

  void answered(const Question& question, Bytes datagram) override;
  void ended(const Question&, Ending, Verdict, Duration) override {}

 private:
  static constexpr uint32_t window = 64;
  static constexpr uint32_t attempts_max = 3;
  static constexpr Duration most = seconds(20);

  // Asks for each id that has not been answered for; false if time ran out.
  bool ask_for_all(Waiting waiting, Instant until);

  LoadExchange& exchange_;
  uint32_t ids_;
  uint32_t sources_;
  uint32_t attempt_ = 0;
  std::vector<bool> was_answered_;
  uint32_t answered_count_ = 0;
  uint32_t left_count_ = 0;
  Reply reply_;  // A member because it is large.
};

}  // namespace xord
