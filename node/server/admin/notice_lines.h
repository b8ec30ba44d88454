// The log's lines about sources that the kernel thins out (docs/LOG.md): all that they say is in
// the notice of the shard. Pure.
#pragma once

#include <string>
#include <string_view>

#include "node/notice.h"
#include "node/server/log/log.h"

namespace xord {

struct NoticeLine {
  LogLevel level{};
  std::string_view message;
  Log::Fields fields;
};

// For a notice of kind source_thinned or source_restored.
NoticeLine line_of_source(const std::string& network, uint32_t shard, const NodeNotice& notice);

}  // namespace xord
