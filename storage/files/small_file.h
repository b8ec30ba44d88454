// A small file of ours: replaced as a whole or not at all, and checked when read. Layout
// (docs/STORAGE.md): "XORD", kind, version, payload size, payload, checksum. It blocks: called at
// start-up and by the thread that saves, never on a shard.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/io_error.h"

namespace xord {

enum class FileKind : uint16_t { identity = 1, contacts = 2, clock = 3, format = 4 };
constexpr uint32_t small_file_size_max = 64 << 20;

// Writes to a temporary in the same directory, syncs it, renames it over `path`, and syncs the
// directory: after a crash at any moment, the file has either the old or the new content.
std::optional<IoError> write_small_file(const std::string& path, FileKind kind, uint16_t version,
                                        Bytes payload);

// Syncs the names in this directory: a file or directory made in it survives a power loss. It is
// not an error if this user may not read the directory or its file system does not sync it.
std::optional<IoError> sync_directory(const std::string& path);

struct Missing {};  // No such file: the first start.

// The version and payload of a file of this kind, of `version_max` or older; or a message that says
// what is wrong and what to do. Changes nothing.
using SmallFile = std::pair<uint16_t, std::vector<uint8_t>>;
std::variant<SmallFile, Missing, IoError> read_small_file(const std::string& path, FileKind kind,
                                                          uint16_t version_max);

}  // namespace xord
