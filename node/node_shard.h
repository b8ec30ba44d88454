// One network's part of a shard: a Node and the stores that it borrows, in the order in which they
// are made. The server, the simulator, the tests and the benchmarks all run this.
#pragma once

#include <memory>

#include "node/contact_book.h"
#include "node/node.h"
#include "reactor/base/rng.h"
#include "storage/store.h"

namespace xord {

struct NodeShardConfig {
  NodeConfig node;
  StoreConfig store;  // Of the records that other nodes store here.
  // Of what this node publishes again each day (published_list_config). records_max 0: no list.
  StoreConfig published;
  Id self;
  NodeSecrets secrets;
};

struct NodeShard {
  // `book` is borrowed: shards in one thread may share it.
  NodeShard(const NodeShardConfig& config, Rng rng, ContactBook& book, Instant start)
      : store(store_config(config)),
        published(config.published.records_max > 0 ? std::make_unique<Store>(config.published)
                                                   : nullptr),
        node(config.node, config.self, config.secrets, rng, book, store, start, published.get()) {}

  // Whose store it is, and which of its limits hold.
  static StoreConfig store_config(const NodeShardConfig& config) {
    CHECK(config.store.id.network == config.node.network);
    CHECK(config.published.records_max == 0 || config.published.id.is_published());
    StoreConfig store = config.store;
    store.self = config.self;
    store.shares = shares_of(config.node.limits.mode);
    return store;
  }
  static Shares shares_of(LimitsMode mode) {
    switch (mode) {
      case LimitsMode::off:
        return Shares::unlimited;
      case LimitsMode::dry_run:
        return Shares::counted;
      case LimitsMode::on:
        break;
    }
    return Shares::enforced;
  }

  Store store;
  std::unique_ptr<Store> published;  // Null: no list.
  Node node;
};

}  // namespace xord
