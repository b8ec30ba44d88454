// The version of db/ and the names in it (docs/STORAGE.md): read before RocksDB is called, so that
// a database of a newer version is refused untouched.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "reactor/base/bytes.h"
#include "reactor/io_error.h"

namespace xord {

constexpr uint32_t disk_format = 1;  // In the file `format` and in family `meta`.
// The column families of a network.
constexpr std::string_view records_prefix = "records-";
constexpr std::string_view published_prefix = "published-";
std::string records_family(const std::string& network);
std::string published_family(const std::string& network);

// The version in `payload`; no version when it is malformed.
uint32_t format_in(Bytes payload);
IoError format_refusal(const std::string& where, uint32_t format);

// The version that the file `format` of the data directory names. Empty when neither the file nor a
// database exists. An error: a newer version, a damaged file, or a database without the file.
std::variant<std::optional<uint32_t>, IoError> read_format(const std::string& directory);

}  // namespace xord
