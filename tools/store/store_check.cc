#include "tools/store/store_check.h"

#include <algorithm>
#include <memory>

#include "node/server/config/value_rules.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"
#include "reactor/monotonic.h"
#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/identity_file.h"
#include "storage/rocks/rocks_reader.h"
#include "storage/store.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

// The index is built and compared for one part of the keys at a time, as this many shards would
// build it, so memory is needed for one part of the records only.
constexpr uint32_t parts = 64;
constexpr uint32_t part_records_max = 16 << 20;  // Only reserved; memory is used as records arrive.
constexpr uint64_t check_seed = 0x5ca1ab1e;      // For fingerprints. Nobody attacks a check.

// Returns the time up to which records count as expired: the clock's, if the clock file is intact.
NodeSeconds check_files(const DataDirectory& directory, CheckReport& report) {
  const auto check = [&](const auto& read) {
    if (const auto* error = std::get_if<IoError>(&read)) {
      report.found(error->sentence);
    } else {
      ++report.files;
    }
  };
  check(read_identity(directory));
  check(read_contacts(directory));
  const auto clock = read_clock(directory);
  check(clock);
  const auto* saved = std::get_if<std::optional<SavedClock>>(&clock);
  if (saved == nullptr) return first_node_seconds;
  return node_seconds(resume_clock(*saved, wall_time(), seconds(ttl_max)).now);
}

// One part of the keys of one of the node's stores: reads the rows, builds a store from them, and
// compares back.
class PartCheck {
 public:
  PartCheck(const RocksReader& reader, StoreId id, NodeSeconds now, CheckReport& report)
      : reader_(reader), id_(id), now_(now), report_(report), store_(config()) {}

  void run(RowRange range, Progress& progress, uint64_t& done) {
    const UnreadableRows unreadable =
        reader_.walk(id_, range, [&](const RowKey& row_key, Bytes bytes) {
          stop_if_interrupted();
          take_row(row_key, bytes);
          progress.reached(++done);
          return true;
        });
    if (unreadable.ranges > 0) {
      report_.found(std::to_string(unreadable.ranges) + " key ranges from " + hex_of(range.first) +
                    " to " + hex_of(range.end - 1) + " (last two bytes of the key) of " + name() +
                    " cannot be read: " + unreadable.cause);
    }
    compare_back();
  }

 private:
  static StoreConfig config() {
    StoreConfig config;
    config.hash_seed = check_seed;
    config.ttl = ttl_max;
    config.records_max = part_records_max;
    config.bytes_max = UINT64_MAX;
    config.memory_max = 0;
    config.value_size_max = UINT16_MAX;
    return config;
  }
  std::string name() const {
    const std::string& network = reader_.networks()[id_.network];
    return id_.is_published() ? "the published list of " + network : network;
  }
  static std::string hex_of(uint32_t two_bytes) {
    uint8_t bytes[2];
    store_be16(bytes, static_cast<uint16_t>(two_bytes));
    return to_hex(bytes);
  }
  std::string record_of(const Id& key) const { return "record " + key.hex() + " of " + name(); }

  void take_row(const RowKey& row_key, Bytes bytes) {
    const Id key = key_of_row(row_key);
    const std::optional<Row> row = parse_row(row_key, bytes);
    if (!row) return report_.found(record_of(key) + " is damaged: " + damage_of(row_key, bytes));
    if (const char* fault = fault_of(*row, value_rules)) {
      ++report_.faulty;
      return report_.found(record_of(key) + " is not one that a peer can have stored: " + fault);
    }
    ++report_.records;
    // A node holds one only until it has erased it.
    if (now_ >= row->times.expiry) return static_cast<void>(++report_.expired);
    ++expected_;
    Completion loaded;
    loaded.kind = CompletionKind::record_loaded;
    loaded.source_prefix = row->source_prefix;
    loaded.value_size = static_cast<uint32_t>(row->value.size());
    loaded.key = key;
    loaded.times = row->times;
    loaded.fingerprint = value_fingerprint(check_seed, row->value);
    store_.complete(instant_of(now_), loaded, {});
  }

  // Compares every record of the index, in key order, with its row as a node would read it.
  void compare_back() {
    uint64_t held = 0;
    Id from;
    while (const auto scanned = store_.first_from(instant_of(now_), from)) {
      stop_if_interrupted();
      ++held;
      compare(scanned->key);
      from = scanned->key;
      if (!advance(from)) break;
    }
    report_.indexed += held;
    if (held != expected_) {
      report_.found("the index of " + name() + " holds " + std::to_string(held) + " of " +
                    std::to_string(expected_) + " records that are on disk");
    }
  }
  void compare(const Id& key) {
    const RowKey row_key = row_key_of(key);
    auto read = reader_.read(id_, row_key);
    if (const auto* error = std::get_if<IoError>(&read)) {
      return report_.found(record_of(key) + " cannot be read by its key: " + error->sentence);
    }
    const auto* bytes = std::get_if<std::string>(&read);
    if (bytes == nullptr) return report_.found(record_of(key) + " is not found by its key");
    const std::optional<Row> row = parse_row(row_key, bytes_of(*bytes));
    const Found found = store_.find(instant_of(now_), key);
    const bool is_equal = row && found.presence == Presence::cold &&
                          found.times.expiry == std::min(row->times.expiry, now_ + ttl_max) &&
                          found.times.published == std::min(row->times.published, now_);
    if (!is_equal) report_.found(record_of(key) + " read by its key differs from the table");
  }
  // Moves to the next key; false at the end.
  static bool advance(Id& key) {
    for (size_t i = id_size; i-- > 0;) {
      if (++key.bytes[i] != 0) return true;
    }
    return false;
  }

  const RocksReader& reader_;
  const StoreId id_;
  const NodeSeconds now_;
  CheckReport& report_;
  Store store_;
  uint64_t expected_ = 0;
};

void check_rows(const RocksReader& reader, NodeSeconds now, CheckReport& report,
                Terminal& terminal) {
  uint64_t total = 0;
  for (NetworkIndex i = 0; i < reader.networks().size(); ++i) total += reader.rows_estimate(i);
  Progress progress(terminal, "checked", "records", total);
  uint64_t done = 0;
  const auto check = [&](StoreId id, uint32_t part, uint32_t of_parts) {
    PartCheck(reader, id, now, report).run(row_range_of(part, of_parts), progress, done);
  };
  for (NetworkIndex network = 0; network < reader.networks().size(); ++network) {
    for (uint32_t part = 0; part < parts; ++part) check(network, part, parts);
    if (reader.has_published_list(network)) check({network, StoreList::published}, 0, 1);
  }
}

void check_tables(const RocksReader& reader, CheckReport& report, Terminal& terminal) {
  Progress progress(terminal, "read", "bytes of tables", 0);
  uint64_t done = 0;
  reader.verify_tables(
      [&](const std::string& path, uint64_t bytes, const std::optional<std::string>& damage) {
        stop_if_interrupted();
        ++report.tables;
        if (damage) report.found("the table " + path + " is damaged: " + *damage);
        progress.reached(done += bytes);
        return true;
      });
}

}  // namespace

void CheckReport::found(const std::string& sentence) {
  ++findings_count;
  if (findings.size() < findings_max) findings.push_back(sentence);
}

nlohmann::ordered_json CheckReport::json() const {
  return {{"sound", is_intact()}, {"findings", findings}, {"findings_count", findings_count},
          {"files", files},       {"tables", tables},     {"records", records},
          {"expired", expired},   {"indexed", indexed},   {"faulty", faulty}};
}

CheckReport check_store(const DataDirectory& directory, Terminal& terminal) {
  CheckReport report;
  const NodeSeconds now = check_files(directory, report);
  auto opened = RocksReader::open(directory.path());
  if (const auto* error = std::get_if<IoError>(&opened)) {
    report.found(error->sentence);
    return report;
  }
  ++report.files;  // This one is `format`.
  const RocksReader& reader = *std::get<std::unique_ptr<RocksReader>>(opened);
  if (reader.log_bytes_dropped() > 0) {
    report.found("the write-ahead log in " + directory.path() +
                 "/db is damaged: " + std::to_string(reader.log_bytes_dropped()) +
                 " bytes of it, and all after them, cannot be used");
  }
  check_tables(reader, report, terminal);
  check_rows(reader, now, report, terminal);
  CHECK(report.expired <= report.records && report.findings.size() <= report.findings_count);
  return report;
}

}  // namespace xord
