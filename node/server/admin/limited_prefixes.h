// Which prefixes the shards of one network limit now, for the log: each shard reports its own
// (node/admission/limit_watch.h), and an operator reads of a prefix once. At most
// limited_prefixes_max are kept; a further one is logged, but not its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"
#include "reactor/base/shard.h"

namespace xord {

constexpr size_t limited_prefixes_max = 512;  // Eight a shard, with 64 shards.

class LimitedPrefixes {
 public:
  // What all shards did to a prefix.
  struct Ended {
    uint64_t refused = 0;
    Duration lasted;  // On the shard where it lasted longest.
  };

  // A shard begins to limit a prefix, which takes the place of those within it. False if another
  // shard limits the prefix, or one that holds it, already.
  bool began(ShardIndex shard, const Subnet& prefix);
  // A shard ends it. Empty as long as another one limits it.
  std::optional<Ended> ended(ShardIndex shard, const Subnet& prefix, uint64_t refused,
                             Duration lasted);
  size_t count() const { return limited_.size(); }

 private:
  struct Limited {
    Subnet prefix;
    uint64_t shards = 0;  // A bit for each that limits it.
    Ended ended;          // Of those that did.
  };

  std::vector<Limited> limited_;
};

}  // namespace xord
