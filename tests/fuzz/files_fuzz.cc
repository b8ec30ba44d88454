// Any bytes in place of the files that a person or a previous run hands us: the config file and
// environment of `xord run`, an export to import, the small files of a data directory at start,
// and the cache of named ids. Each is read, or refused with a sentence; what is thrown is a
// Failure, with the code that is documented. What was read reads the same once it is written.
//
// The first byte chooses the file. Lines of an export, and small files, are tried as they are and
// with matching checksums.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/server/admin/start_files.h"
#include "node/server/config/config_check.h"
#include "node/server/config/value_rules.h"
#include "reactor/base/check.h"
#include "storage/files/small_file.h"
#include "storage/files/snapshot_files.h"
#include "storage/rocks/rocks_format.h"
#include "tests/fuzz/target.h"
#include "tests/temporary_directory.h"
#include "tools/cli/failure.h"
#include "tools/client/named_ids.h"
#include "tools/run/configuration.h"
#include "tools/store/record_import.h"

namespace xord {
namespace {

enum class Kind : uint8_t {
  config,
  environment,
  import,
  import_checked,
  identity,
  contacts,
  clock,
  format,
  identity_checked,
  contacts_checked,
  clock_checked,
  format_checked,
  named_ids,
  count
};

// Its place in the data directory.
struct SmallFileName {
  const char* name;
  FileKind kind;
};
constexpr SmallFileName small_files[] = {{"identity", FileKind::identity},
                                         {"contacts", FileKind::contacts},
                                         {"clock", FileKind::clock},
                                         {"format", FileKind::format}};

const Environment home = {{"HOME", "/home/ada"}};

void put(const std::string& path, const std::string& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr);
  CHECK(bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs `act`; a Failure is an answer, if it has a sentence and one of these codes.
template <class Act>
bool is_done(const std::set<ExitCode>& codes, Act&& act) {
  try {
    act();
    return true;
  } catch (const Failure& failure) {
    CHECK(failure.what()[0] != '\0' && codes.contains(failure.code()));
    return false;
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// ---- Settings.

void try_config(const std::string& path, const std::string& text) {
  put(path, text);
  is_done({ExitCode::usage}, [&] {
    const Configuration read = build_configuration(read_config_file(path), home);
    check_config(read.server);
    put(path, print_configuration(read));
    Configuration again;
    CHECK(is_done({}, [&] { again = build_configuration(read_config_file(path), home); }));
    CHECK(again.server == read.server);
  });
}

// NAME=TEXT in each line.
void try_environment(const std::string& text) {
  Environment environment = home;
  for (const std::string& line : lines_of(text)) {
    const size_t equals = std::min(line.find('='), line.size());
    const std::string name = line.substr(0, equals);
    if (equals < line.size() && name != "XORD_CONFIG") environment[name] = line.substr(equals + 1);
  }
  is_done({ExitCode::usage}, [&] {
    const auto given = read_file_and_environment("", environment);
    check_config(build_configuration(given, environment).server);
  });
}

// ---- An import.

class Importer {
 public:
  explicit Importer(const std::string& directory) : target_(directory) {
    target_.begin({instant_of(first_node_seconds + 1'000'000), seconds(1'764'057'600)});
    // Opened now, so that RocksDB's own objects outlive this one.
    CHECK(target_.network("rpcudp") && target_.network("mainline"));
    target_.database();
  }

  void try_import(const std::string& text) {
    const auto first = import(text);
    const auto second = import(text);  // Changes nothing.
    CHECK(first.has_value() == second.has_value());
    if (first) {
      CHECK(first->imported + first->kept == second->imported + second->kept);
      CHECK(first->damaged == second->damaged && first->is_whole == second->is_whole);
    }
    erase(text);
  }

 private:
  std::optional<ImportReport> import(const std::string& text) {
    std::istringstream in(text);
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err, {}};
    ImportReport report;
    const bool is_read = is_done({ExitCode::usage}, [&] {
      report = RecordImport(in, "the input", target_, terminal).run();
    });
    CHECK(report.damages.size() <= damaged_lines_max);
    return is_read ? std::optional(report) : std::nullopt;
  }

  // What the import wrote is what a node would load; then it goes.
  void erase(const std::string& text) {
    std::vector<RocksDatabase::RowName> names;
    for (const std::string& line : lines_of(text)) {
      const ExportLine parsed = parse_export_line(line);
      const auto* record = std::get_if<ExportRecord>(&parsed);
      const auto network = record ? target_.network(record->network) : std::nullopt;
      if (network) names.push_back({*network, row_key_of(record->key)});
    }
    if (names.empty()) return;
    std::vector<rocksdb::Status> statuses;
    std::vector<std::string> rows;
    target_.database().read(names, statuses, rows);
    std::vector<RocksDatabase::Change> changes;
    for (size_t i = 0; i < names.size(); ++i) {
      changes.push_back({names[i].store, names[i].key, std::nullopt});
      if (statuses[i].IsNotFound()) continue;
      const auto row = parse_row(names[i].key, bytes_of(rows[i]));
      CHECK(row && fault_of(*row, value_rules) == nullptr);
    }
    CHECK(target_.database().write(changes, nullptr).ok());
  }

  ImportTarget target_;
};

std::string with_checksums(const std::string& text) {
  std::string checked;
  for (const std::string& line : lines_of(text)) {
    checked += line + ' ' + export_checksum(line) + '\n';
  }
  return checked;
}

// ---- A data directory at start.

class StartedDirectory {
 public:
  explicit StartedDirectory(const std::string& path) : path_(path) {
    config_.data_dir = path;
    std::optional<NetworkIdentity> made = start();
    CHECK(made);
    identity_ = contents(at("identity"));
  }

  void try_start(const SmallFileName& file, const std::string& bytes, bool is_checked) {
    for (const SmallFileName& each : small_files) unlink(at(each.name).c_str());
    put(at("identity"), identity_);
    put(at(file.name), bytes);
    if (is_checked) CHECK(!write_small_file(at(file.name), file.kind, 1, bytes_of(bytes)));
    read_format(path_);
    if (!begin_snapshot(path_ + "-copy")) {
      finish_snapshot(path_, path_ + "-copy");
      abandon_snapshot(path_ + "-copy");
    }
    const auto first = start();
    const auto second = start();
    CHECK(first == second);
  }

 private:
  std::string at(const char* name) const { return path_ + "/" + name; }

  // Our identity; empty if the start was refused.
  std::optional<NetworkIdentity> start() const {
    const auto started = start_files(config_, {DialectName::rpcudp});
    if (const auto* error = std::get_if<ServerError>(&started)) {
      CHECK(error->kind == ServerErrorKind::environment && !error->sentence.empty());
      return std::nullopt;
    }
    const auto& files = std::get<StartFiles>(started);
    CHECK(files.identities.size() == 1 && files.identities[0].network == "rpcudp");
    CHECK(is_possible_node_time(files.clock.now));
    for (const SavedContacts& saved : files.contacts) {
      for (const SavedContact& contact : saved.contacts) CHECK(contact.endpoint.is_askable());
    }
    return files.identities[0];
  }

  const std::string path_;
  ServerConfig config_;
  std::string identity_;  // The bytes of the file.
};

// ---- The cache of `xord get`.

void try_named_ids(const std::string& path, const std::string& text) {
  put(path, text);
  CHECK(NamedIds(path).save());
  const std::string saved = contents(path);
  CHECK(NamedIds(path).save());
  CHECK(contents(path) == saved);
}

// Created once, and removed when the process ends cleanly.
struct Scratch {
  TemporaryDirectory place;
  Importer importer{place.at("import")};
  StartedDirectory started{place.at("start")};
};

void try_file(Kind kind, const std::string& bytes) {
  static Scratch scratch;
  if (kind == Kind::config) return try_config(scratch.place.at("xord.toml"), bytes);
  if (kind == Kind::environment) return try_environment(bytes);
  if (kind == Kind::import) return scratch.importer.try_import(bytes);
  if (kind == Kind::import_checked) return scratch.importer.try_import(with_checksums(bytes));
  if (kind == Kind::named_ids) return try_named_ids(scratch.place.at("named"), bytes);
  const auto index = static_cast<size_t>(kind) - static_cast<size_t>(Kind::identity);
  const size_t count = std::size(small_files);
  CHECK(index < 2 * count);
  scratch.started.try_start(small_files[index % count], bytes, index >= count);
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto kinds = static_cast<uint8_t>(xord::Kind::count);
  xord::try_file(static_cast<xord::Kind>(data[0] % kinds),
                 {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
