// Shards whose loops do not turn: their mailboxes keep what they are sent, until they are full. For
// tests of what the admin thread does without an answer.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "node/server/calls/calls.h"
#include "node/server/shards/shards.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/node/server/server_fixture.h"

namespace xord {

class StillShards {
 public:
  StillShards() {
    NetworkSetup network;
    network.dialect = &rpcudp::dialect();
    network.listens = {0};
    shards_.emplace(loopback_config(directory_.path()), std::vector<NetworkSetup>{network},
                    NodeClock(Instant{}), bell_);
    EXPECT_FALSE(shards_->open());
    EXPECT_FALSE(shards_->make_nodes(database_, 1));
  }
  Shards& shards() { return *shards_; }
  Doorbell& bell() { return bell_; }
  // Until the mailbox of shard 0 takes no more; how many it took.
  static uint32_t fill(Calls& calls) {
    uint32_t sent = 0;
    while (calls.send(0, command_of(CommandKind::heartbeat, Id{}), {})) ++sent;
    return sent;
  }

 private:
  TemporaryDirectory directory_;
  RocksStore database_{RocksConfig{.directory = directory_.path(), .networks = {"rpcudp"}},
                       [](ReportLevel, std::string_view, const std::vector<ReportField>&) {}};
  Doorbell bell_;
  std::optional<Shards> shards_;
};

}  // namespace xord
