#include "storage/rocks/rocks_format.h"

#include <unistd.h>

#include "storage/files/small_file.h"

namespace xord {

std::string records_family(const std::string& network) {
  return std::string(records_prefix) + network;
}
std::string published_family(const std::string& network) {
  return std::string(published_prefix) + network;
}

uint32_t format_in(Bytes payload) {
  return payload.size() == 4 ? load_le<uint32_t>(payload.data()) : UINT32_MAX;
}

IoError format_refusal(const std::string& where, uint32_t format) {
  return {where + " has disk format " + std::to_string(format) +
              ", and this xord reads none newer than " + std::to_string(disk_format) +
              ": run the xord that wrote it, or choose another --data-dir",
          0};
}

std::variant<std::optional<uint32_t>, IoError> read_format(const std::string& directory) {
  const std::string path = directory + "/format";
  const std::string database = directory + "/db";
  auto read = read_small_file(path, FileKind::format, 1);
  if (auto* error = std::get_if<IoError>(&read)) return *error;
  if (auto* file = std::get_if<SmallFile>(&read)) {
    const uint32_t format = format_in(file->second);
    if (format != disk_format) return format_refusal(directory, format);
    return std::optional(format);
  }
  if (access(database.c_str(), F_OK) == 0) {
    return IoError{database + " exists without the file " + path +
                       ", so its format is unknown: put the file back, or move the directory away",
                   0};
  }
  return std::optional<uint32_t>();
}

}  // namespace xord
