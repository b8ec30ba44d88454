#include "tools/store/stored_records.h"

#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "storage/files/clock_file.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/store/open_directory.h"

namespace xord {
namespace {

[[noreturn]] void fail(const IoError& error) {
  throw Failure(ExitCode::environment, error.sentence);
}

}  // namespace

StoredRecords::StoredRecords(const std::string& data_dir)
    : directory_(open_stopped(data_dir)), wall_now_(wall_time()) {
  open();
}

StoredRecords::StoredRecords(std::unique_ptr<DataDirectory> directory)
    : directory_(std::move(directory)), wall_now_(wall_time()) {
  open();
}

void StoredRecords::open() {
  CHECK(directory_ != nullptr);
  auto clock = read_clock(*directory_);
  if (const auto* error = std::get_if<IoError>(&clock)) fail(*error);
  // Whether the node's absence is doubtful depends on the ttl that the node will be given; that
  // does not matter here.
  node_now_ =
      resume_clock(std::get<std::optional<SavedClock>>(clock), wall_now_, seconds(ttl_max)).now;
  auto opened = RocksReader::open(directory_->path());
  if (const auto* error = std::get_if<IoError>(&opened)) fail(*error);
  reader_ = std::move(std::get<std::unique_ptr<RocksReader>>(opened));
}

UnreadableRows StoredRecords::walk(const std::string& verb, Terminal& terminal,
                                   const Visit& visit) const {
  UnreadableRows all;
  uint64_t total = 0;
  for (NetworkIndex network = 0; network < reader_->networks().size(); ++network) {
    total += reader_->rows_estimate(network);
  }
  Progress progress(terminal, verb, "records", total);
  uint64_t count = 0;
  for (NetworkIndex network = 0; network < reader_->networks().size(); ++network) {
    const UnreadableRows unreadable =
        reader_->walk(network, row_range_of(0, 1), [&](const RowKey& row_key, Bytes bytes) {
          stop_if_interrupted();
          const std::optional<Row> row = parse_row(row_key, bytes);
          visit({network, row_key, bytes, row});
          progress.reached(++count);
          return true;
        });
    all.ranges += unreadable.ranges;
    if (!unreadable.cause.empty()) all.cause = unreadable.cause;
  }
  return all;
}

}  // namespace xord
