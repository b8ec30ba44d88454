// One page of the list of what a server publishes: asked of one shard after another, merged in
// order of keys. It has no state but its own and needs no lock: each answer asks the next shard.
#pragma once

#include <functional>
#include <memory>

#include "node/server/admin.h"

namespace xord {

// `finished` is called exactly once, as Admin::call() says.
void list_published(std::shared_ptr<Admin> admin, const Id& from,
                    std::function<void(const PublishedResult&)> finished);

}  // namespace xord
