// One page of the list of what a server publishes, for its API and its control socket: each shard
// is asked in turn, and the answers are merged in order of keys; at most published_keys_max keys
// per shard. It keeps only its own state and needs no lock: each answer triggers the question to
// the next shard.
#pragma once

#include <functional>
#include <memory>

#include "node/server/admin/admin.h"

namespace xord {

// `finished` is called exactly once, as described at Admin::call(). `admin` is borrowed until then:
// it does not end before its calls.
void list_published(Admin& admin, const Id& from,
                    std::function<void(const PublishedResult&)> finished);

}  // namespace xord
