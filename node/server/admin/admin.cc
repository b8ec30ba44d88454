#include "node/server/admin/admin.h"

#include <algorithm>
#include <cstring>

#include "node/server/stats/collect_stats.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "storage/files/clock_file.h"
#include "storage/files/snapshot_files.h"

namespace xord {
namespace {

constexpr size_t notices_max = 256;
constexpr Duration reclaim_interval = seconds(1);
constexpr Duration tell_progress_interval = seconds(2);
constexpr Duration save_clock_interval = minutes(1);
// Lists come every 4 s at the soonest, one from each shard; two writes are at least this far apart.
constexpr Duration save_contacts_interval = seconds(3);

constexpr Duration wait_for_records_max = seconds(10);

}  // namespace

ServerStatus status_of(OperationStatus status) {
  switch (status) {
    case OperationStatus::done:
      return ServerStatus::done;
    case OperationStatus::not_found:
      return ServerStatus::not_found;
    case OperationStatus::not_stored:
      return ServerStatus::not_stored;
    case OperationStatus::no_contacts:
      return ServerStatus::no_contacts;
    case OperationStatus::refused:
      break;
  }
  return ServerStatus::refused;
}

Admin::Admin(const ServerConfig& config, const Doors& doors, ServerHooks hooks)
    : config_(config),
      given_(config),
      doors_(doors),
      hooks_(std::move(hooks)),
      log_(config.log_level, config.log_format, config.log_color) {
  CHECK(doors_.answer != nullptr && doors_.refusal != nullptr && doors_.make_api != nullptr);
}

Admin::~Admin() {
  stop();
}

std::optional<ServerError> Admin::start() {
  if (const auto error = bell_.error()) {
    return ServerError{ServerErrorKind::environment, error->sentence};
  }
  // Shared with the admin thread, which may still be inside set_value() when this thread has the
  // outcome.
  const auto started = std::make_shared<std::promise<std::optional<ServerError>>>();
  std::future<std::optional<ServerError>> outcome = started->get_future();
  if (const auto refused = thread_.start("", [this, started] { run(*started); })) {
    return ServerError{ServerErrorKind::environment,
                       refused->sentence + ": a node needs at least 10; raise the limit"};
  }
  std::optional<ServerError> error = outcome.get();
  if (error) thread_.join();
  return error;
}

void Admin::stop() {
  if (!thread_.is_joinable()) return;
  {
    const std::lock_guard lock(requests_mutex_);
    requests_.stop = true;
  }
  bell_.ring();
  thread_.join();
}

void Admin::call(ShardCommand command, Bytes tail, FinishCall finish) {
  call_on(shard_of(command.key, config_.shards), command, tail, std::move(finish));
}

void Admin::call_on(ShardIndex shard, ShardCommand command, Bytes tail, FinishCall finish) {
  CHECK(shard < config_.shards);
  calls_.call(shard, command, tail, std::move(finish));
}

void Admin::bootstrap(std::vector<std::string> names, FinishCall finish) {
  const auto admitted = calls_.admit(finish, CommandKind::join);
  if (const auto* why = std::get_if<ServerStatus>(&admitted)) {
    CallResult result;
    result.status = *why;
    return finish(result);
  }
  const std::lock_guard lock(requests_mutex_);
  CHECK(requests_.joins.size() < program_calls_max);
  requests_.joins.push_back({std::move(names), {}, std::get<OperationId>(admitted)});
  bell_.ring();
}

ServerStats Admin::stats() {
  const std::lock_guard lock(mutex_);
  if (!live_) return final_stats_;
  CHECK(shards_ != nullptr && database_ != nullptr && port_ != nullptr);
  ServerStats stats = collect_stats(*shards_, *database_, port_->counters(), id());
  stats.operations = calls_.count();
  add_calls(calls_.counters(), &stats);
  stats.uptime_seconds = (monotonic_time() - started_at_).seconds();
  return stats;
}

HealthReport Admin::health() const {
  CHECK(health_ != nullptr);
  HealthReport report = health_->report();
  return as_read(std::move(report), monotonic_time());  // Read after it was made.
}

std::optional<IoError> Admin::snapshot(const std::string& to) {
  const std::unique_lock one_at_a_time(snapshot_mutex_, std::try_to_lock);
  if (!one_at_a_time.owns_lock()) {
    return IoError{"another snapshot is being made: try again when it is done", 0};
  }
  if (auto error = begin_snapshot(to)) return error;
  CHECK(database_ != nullptr && files_.directory != nullptr);  // Commands end before them.
  auto error = database_->checkpoint(to + "/db");
  if (!error) error = finish_snapshot(files_.directory->path(), to);
  if (error) abandon_snapshot(to);
  return error;
}

void Admin::log_stats() {
  const std::lock_guard lock(requests_mutex_);
  requests_.log_stats = true;
  bell_.ring();
}

void Admin::cut_calls() {
  const std::lock_guard lock(requests_mutex_);
  requests_.cut_calls = true;
  bell_.ring();
}

void Admin::notice(LogLevel level, std::string_view message, Log::Fields fields) {
  const std::lock_guard lock(requests_mutex_);
  if (requests_.notices.size() == notices_max) return;
  requests_.notices.push_back({level, std::string(message), std::move(fields)});
  bell_.ring();
}

// ---- The loop.

void Admin::run(std::promise<std::optional<ServerError>>& started) {
  std::optional<ServerError> error = start_up();
  if (error) {
    port_.reset();
    shards_.reset();
    database_.reset();
    files_.directory.reset();
    started.set_value(std::move(error));
    return;
  }
  started.set_value(std::nullopt);
  while (!must_stop()) turn();
  shut_down();
}

// From the request for a stop on, the node says that it is draining, and goes on for drain_delay.
bool Admin::must_stop() {
  bool is_cut = false;
  {
    const std::lock_guard lock(requests_mutex_);
    if (!requests_.stop) return false;
    is_cut = requests_.cut_calls;
  }
  const MonotonicTime now = monotonic_time();
  if (!stop_at_) {
    stop_at_ = now + config_.drain_delay;
    watch_health();
    if (!is_cut && now < *stop_at_) {
      log_.write_each(LogLevel::info, "draining", {{"for_s", config_.drain_delay.seconds()}});
    }
  }
  return is_cut || now >= *stop_at_;
}

void Admin::turn() {
  const bool had_frames = consume_frames();
  const bool had_requests = take_requests();
  do_what_is_due();
  if (had_frames || had_requests) return;
  bell_.announce_sleep();
  if (shards_->has_frames_before_sleep()) {
    bell_.awake();
    return;
  }
  bell_.wait(next_due());
}

bool Admin::consume_frames() {
  return shards_->consume([this](Bytes frame) { finish(frame); },
                          [this](ShardIndex shard, Bytes frame) { take_report(shard, frame); });
}

bool Admin::take_requests() {
  Requests taken;
  {
    const std::lock_guard lock(requests_mutex_);
    taken.joins.swap(requests_.joins);
    taken.notices.swap(requests_.notices);
    std::swap(taken.log_stats, requests_.log_stats);
  }
  for (const Notice& each : taken.notices) log_.write(each.level, each.message, each.fields);
  for (BootstrapKeeper::Join& join : taken.joins) {
    networks_[program_network].keeper->join(std::move(join));
  }
  if (taken.log_stats) write_stats(LogLevel::info, stats());
  const bool had_reload = advance_reload();
  for (Network& network : networks_) network.keeper->advance();
  return !taken.joins.empty() || !taken.notices.empty() || taken.log_stats || had_reload;
}

void Admin::do_what_is_due() {
  const MonotonicTime now = monotonic_time();
  if (now >= reclaim_at_) {
    reclaim_at_ = now + reclaim_interval;
    end_doubt();
    if (!clock_is_doubted()) database_->set_reclaim_time(node_seconds(shards_->now()));
    database_->tell_if_settled();
    tell_progress();
    for (Network& network : networks_) network.keeper->retry_if_alone();
    watch_limits();
    log_table();
    log_.report_omitted();
  }
  watch_health();
  release_waiting_calls();
  if (now >= save_clock_at_) {
    save_clock_at_ = now + save_clock_interval;
    save_clock();
  }
  if (saver_->is_changed() && now >= save_contacts_at_) {
    save_contacts_at_ = now + save_contacts_interval;
    save_contacts();
  }
}

Duration Admin::next_due() const {
  MonotonicTime soonest = std::min(reclaim_at_, save_clock_at_);
  // Nothing rings for these: gauges of shards, and room in their mailboxes.
  const bool is_settling = std::any_of(networks_.begin(), networks_.end(), [](const auto& network) {
    return network.keeper->is_settling();
  });
  if (is_settling || calls_.is_holding() || reload_) {
    soonest = std::min(soonest, monotonic_time() + milliseconds(is_settling ? 1 : 10));
  }
  if (saver_->is_changed()) soonest = std::min(soonest, save_contacts_at_);
  if (stop_at_) soonest = std::min(soonest, *stop_at_);
  return std::max(soonest - monotonic_time(), Duration{});
}

void Admin::finish(Bytes frame) {
  const OperationResult* header = frame_header<OperationResult>(frame);
  CHECK(header != nullptr);
  Calls::Call call = calls_.take(header->operation, status_of(header->status), header->stored);
  CHECK(call.finish);
  log_call(call, *header);
  // The mailbox of results is sized for this.
  CHECK(header->value_size <= value_size_max && header->contacts_count <= bucket_size);
  const Bytes tail = frame_tail<OperationResult>(frame);
  CHECK(tail.size() == header->value_size + header->contacts_count * sizeof(Contact));
  CallResult result;
  result.status = status_of(header->status);
  result.stored = header->stored;
  result.erased = header->erased;
  result.value = tail.first(header->value_size);
  result.contacts.resize(header->contacts_count);
  if (!result.contacts.empty()) {
    std::memcpy(result.contacts.data(), tail.data() + header->value_size,
                tail.size() - header->value_size);
  }
  for (Network& network : networks_) {
    if (network.keeper->finish(header->operation, call.finish, result)) return;
  }
  call.finish(result);
}

void Admin::release_waiting_calls() {
  if (!calls_.is_holding()) return;
  const StorageState state = storage_state(*shards_);
  const bool waits = state == StorageState::opening || state == StorageState::loading;
  if (waits && monotonic_time() < started_at_ + wait_for_records_max) return;
  calls_.release();
}

// ---- The small files.

void Admin::save_contacts() {
  const std::vector<SavedContacts> contacts = saver_->contacts();
  if (contacts.empty()) return;
  size_t count = 0;
  for (const SavedContacts& each : contacts) count += each.contacts.size();
  CHECK(contacts.size() == files_.identities.size() && count <= saved_contacts_max);
  const auto error = write_contacts(*files_.directory, contacts);
  log_save_result(error, contacts_fail_, "contacts");
  if (!error) log_.write_each(LogLevel::debug, "contacts saved", {{"count", count}});
}

void Admin::save_clock() {
  if (clock_is_doubted()) return;
  const SavedClock clock = files_.wall->at(shards_->now(), wall_time());
  log_save_result(write_clock(*files_.directory, clock), clock_fails_, "clock");
}

// Logs one line when saving begins to fail, and one when it works again.
void Admin::log_save_result(const std::optional<IoError>& error, bool& is_failing,
                            const std::string& what) {
  if (error && !is_failing) {
    log_.write(LogLevel::warning, "file not saved", {{"file", what}, {"error", error->sentence}});
  } else if (!error && is_failing) {
    log_.write(LogLevel::info, "file saved again", {{"file", what}});
  }
  is_failing = error.has_value();
}

void Admin::tell_progress() {
  const MonotonicTime now = monotonic_time();
  if (now < tell_progress_at_) return;
  tell_progress_at_ = now + tell_progress_interval;
  if (storage_state(*shards_) != StorageState::loading) return;
  uint64_t loaded = 0;
  for (uint32_t shard = 0; shard < shards_->count(); ++shard) {
    loaded += shards_->commits(shard).counters().read(CommitCount::records_loaded);
  }
  const DatabaseCounts counts = database_->counts();
  const uint64_t expected = counts[static_cast<size_t>(DatabaseCount::records_expected)];
  log_.write_each(LogLevel::info, "loading records",
                  {{"loaded", loaded}, {"of_about", std::max(expected, loaded)}});
}

void Admin::watch_health() {
  CHECK(health_ != nullptr && !networks_.empty());
  const bool has_names =
      !config_.bootstrap.empty() || !networks_[program_network].keeper->names().empty();
  health_->advance(monotonic_time(),
                   {has_names || has_saved_contacts_, clock_is_doubted(), stop_at_.has_value()});
}

bool Admin::clock_is_doubted() const {
  return files_.clock.is_doubtful && shards_->now() < started_node_time_ + clock_doubt;
}

void Admin::end_doubt() {
  if (!files_.clock.is_doubtful || clock_is_doubted()) return;
  files_.clock.is_doubtful = false;
  log_.write(LogLevel::warning, "clock accepted",
             {{"hint",
               "it was not corrected within a day, so it is assumed to be right: the records "
               "loaded at start are now being erased"}});
}

}  // namespace xord
