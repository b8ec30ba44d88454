// One page of the list of what a server publishes, for its API and its control socket: asked of one
// shard after another, merged in order of keys; at most published_keys_max keys of each shard. It
// has no state but its own and needs no lock: each answer asks the next shard.
#pragma once

#include <functional>
#include <memory>

#include "node/server/admin.h"

namespace xord {

// `finished` is called exactly once, as Admin::call() says. `admin` is borrowed until then: it ends
// no earlier than its calls.
void list_published(Admin& admin, const Id& from,
                    std::function<void(const PublishedResult&)> finished);

}  // namespace xord
