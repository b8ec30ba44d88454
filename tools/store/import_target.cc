#include "tools/store/import_target.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "node/server/admin/start_files.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "storage/files/clock_file.h"
#include "storage/rocks/rocks_reader.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

// Two clocks of one node, read at different moments, differ a little. That does not make it another
// node's time.
constexpr int64_t drift_seconds_max = 60;

[[noreturn]] void fail(const std::string& sentence) {
  throw Failure(ExitCode::environment, sentence);
}

}  // namespace

ImportTarget::ImportTarget(const std::string& data_dir) : data_dir_(data_dir) {
  std::error_code ignored;
  is_new_ = !std::filesystem::exists(data_dir + "/identity", ignored);
}

void ImportTarget::begin(const ExportHeader& header) {
  const SavedClock exported{header.node_time, header.wall_time};
  const Instant exported_now = resume_clock(exported, wall_time(), seconds(ttl_max)).now;
  if (directory_ == nullptr) open_directory(exported_now);
  shift_ = (node_now_ - exported_now).whole_seconds();
  if (std::abs(shift_) < drift_seconds_max) shift_ = 0;
}

void ImportTarget::open_directory(Instant exported_now) {
  ServerConfig config;
  config.data_dir = data_dir_;
  auto started = start_files(config, {DialectName::rpcudp});  // Locks it; makes an identity.
  if (const auto* error = std::get_if<ServerError>(&started)) fail(error->sentence);
  auto& files = std::get<StartFiles>(started);
  directory_ = std::move(files.directory);
  node_now_ = is_new_ ? exported_now : files.clock.now;
  if (is_new_) {
    if (const auto error = write_clock(*directory_, {exported_now, wall_time()})) {
      fail(error->sentence);
    }
  }
  auto opened = RocksReader::open(data_dir_);
  if (const auto* error = std::get_if<IoError>(&opened)) fail(error->sentence);
  networks_ = std::get<std::unique_ptr<RocksReader>>(opened)->networks();
}

// A time in the future was made by a clock that was ahead: it becomes now, as at a node's start.
RecordTimes ImportTarget::shifted(const RecordTimes& times) const {
  const auto move = [this](NodeSeconds time) {
    return static_cast<NodeSeconds>(
        std::clamp<int64_t>(int64_t{time} + shift_, 0, int64_t{UINT32_MAX}));
  };
  const NodeSeconds now = node_seconds(node_now_);
  return {std::min(move(times.first_seen), now), std::min(move(times.published), now),
          std::min(move(times.last_store), now), std::min(move(times.expiry), now + ttl_max)};
}

std::optional<NetworkIndex> ImportTarget::network(const std::string& name) {
  CHECK(directory_ != nullptr);  // begin()
  const auto at = std::find(networks_.begin(), networks_.end(), name);
  if (at != networks_.end()) return static_cast<NetworkIndex>(at - networks_.begin());
  if (name != name_of(DialectName::rpcudp) && name != name_of(DialectName::mainline))
    return std::nullopt;
  networks_.push_back(name);
  database_.reset();  // It is reopened with this network added.
  return static_cast<NetworkIndex>(networks_.size() - 1);
}

RocksDatabase& ImportTarget::database() {
  if (database_ == nullptr) open_database();
  return *database_;
}

void ImportTarget::open_database() {
  CHECK(directory_ != nullptr && database_ == nullptr);
  RocksConfig config;
  config.directory = data_dir_;
  config.networks = networks_;
  database_ = std::make_unique<RocksDatabase>(config, nullptr);
  if (const auto error = database_->open(0)) fail(error->sentence);
}

}  // namespace xord
