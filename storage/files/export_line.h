// The lines of an export (docs/STORAGE.md, "Export"): a header, a line for each record, an end.
// Text, with one space between fields, in canonical form only: a line parses only if it would be
// written that way. Every line carries a checksum; the end carries the number of records. Nothing
// here reads or writes a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reactor/base/id.h"
#include "reactor/base/instant.h"
#include "storage/operation.h"

namespace xord {

// The longest value, the other fields, and room to spare.
constexpr size_t export_line_max = 2 * 65'535 + 256;

struct ExportHeader {
  // The node time that the records' times refer to, and the wall clock at the same moment. Together
  // they translate the times to another node's.
  Instant node_time;
  Duration wall_time;

  bool operator==(const ExportHeader&) const = default;
};

struct ExportRecord {
  std::string network;
  Id key;
  RecordTimes times;
  uint16_t source_prefix = 0;
  std::vector<uint8_t> value;  // At most 65,535 bytes.

  bool operator==(const ExportRecord&) const = default;
};

struct ExportEnd {
  uint64_t records = 0;

  bool operator==(const ExportEnd&) const = default;
};

// Each appends one line and its newline.
void append_export_line(std::string& out, const ExportHeader& header);
void append_export_line(std::string& out, const ExportRecord& record);
void append_export_line(std::string& out, const ExportEnd& end);

// The last field of a line: 8 hexadecimal digits over everything before its space.
std::string export_checksum(std::string_view text);

struct ExportDamage {
  std::string what;  // "its checksum is wrong"
};
using ExportLine = std::variant<ExportHeader, ExportRecord, ExportEnd, ExportDamage>;
// `line` is without its newline; it may hold any bytes at all.
ExportLine parse_export_line(std::string_view line);

}  // namespace xord
