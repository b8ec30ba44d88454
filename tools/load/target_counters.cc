#include "tools/load/target_counters.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/interrupt.h"
#include "tools/control/control_client.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

LimitedCounts counts_in(const Json& stats) {
  const Json& node = stats.at("total").at("node");
  LimitedCounts counts;
  counts.contacts = node.at("limited_contacts").get<uint64_t>();
  counts.values = node.at("limited_values").get<uint64_t>();
  counts.reads = node.at("limited_reads").get<uint64_t>();
  counts.prefixes_thinned = node.at("sources_thinned").get<uint64_t>();
  return counts;
}

// 0 for a node that was started again.
uint64_t since(uint64_t before, uint64_t after) {
  return after < before ? 0 : after - before;
}

}  // namespace

TargetCounters::TargetCounters(const std::string& data_dir, const Id& target)
    : data_dir_(data_dir) {
  ControlClient client(data_dir);
  const Json stats = client.ask({{"command", "stats"}});
  const auto id = stats.at("id").get<std::string>();
  if (id != target.hex()) {
    refuse("--data-dir \"" + data_dir + "\" belongs to the node " + id + ", and the target is " +
           target.hex() + "; name the directory of the target");
  }
  before_ = counts_in(stats);
  before_.limits = client.ask({{"command", "limits"}}).at("limits").get<std::string>();
  after_ = before_;
}

void TargetCounters::read() {
  if (Interrupt::requested()) return;
  try {
    const uint64_t thinned = after_ ? after_->prefixes_thinned : 0;
    after_ = counts_in(ask_control(data_dir_, {{"command", "stats"}}));
    after_->prefixes_thinned = std::max(after_->prefixes_thinned, thinned);
  } catch (const Failure&) {
    after_.reset();
  }
}

std::optional<LimitedCounts> TargetCounters::limited() const {
  if (!after_) return std::nullopt;
  return LimitedCounts{before_.limits, since(before_.contacts, after_->contacts),
                       since(before_.values, after_->values), since(before_.reads, after_->reads),
                       after_->prefixes_thinned};
}

}  // namespace xord
