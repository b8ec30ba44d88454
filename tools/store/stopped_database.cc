#include "tools/store/stopped_database.h"

#include "tools/cli/failure.h"
#include "tools/store/stored_records.h"

namespace xord {

StoppedDatabase::StoppedDatabase(const std::string& data_dir) {
  {
    // Read it first as it is on disk, so that what cannot be read is refused before anything is
    // written.
    const StoredRecords stored(data_dir);
    node_now_ = stored.node_now();
    networks_ = stored.reader().networks();
    for (NetworkIndex i = 0; i < networks_.size(); ++i)
      rows_estimate_ += stored.reader().rows_estimate(i);
  }
  auto opened = DataDirectory::open(data_dir, NetworkFileSystem::forced);
  if (const auto* error = std::get_if<IoError>(&opened)) {
    throw Failure(ExitCode::environment, error->sentence);
  }
  directory_ = std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
  RocksConfig config;
  config.directory = data_dir;
  config.networks = networks_;
  database_ = std::make_unique<RocksDatabase>(config, nullptr);
  if (const auto error = database_->open(0)) {
    throw Failure(ExitCode::environment, error->sentence);
  }
}

}  // namespace xord
