#include "storage/files/export_line.h"

#include <xxhash.h>

#include <charconv>

#include "reactor/base/hex.h"
#include "storage/files/payload.h"

namespace xord {
namespace {

constexpr std::string_view header_word = "xord-export";
constexpr std::string_view header_columns =
    "columns=record,network,key,first_seen,published,last_store,expiry,source_prefix,value,"
    "checksum";
constexpr std::string_view record_word = "record";
constexpr std::string_view end_word = "end";
constexpr std::string_view no_value = "-";
constexpr uint16_t export_version = 1;
// A record's line: nine spaces, four times of ten digits, a prefix, a value and a checksum.
static_assert(record_word.size() + 9 + network_name_max + 2 * id_size + 4 * 10 + 4 +
                  2 * size_t{UINT16_MAX} + 8 <=
              export_line_max);

// Ends the line that begins at `begin` with its checksum.
void close_line(std::string& out, size_t begin) {
  out += ' ' + export_checksum(std::string_view(out).substr(begin));
  out += '\n';
}

// Whether the line that begins at `begin`, the last one, is read as it was meant.
template <class Line>
[[maybe_unused]] bool is_line_of(const std::string& out, size_t begin, const Line& meant) {
  const ExportLine parsed =
      parse_export_line(std::string_view(out).substr(begin, out.size() - 1 - begin));
  const auto* read = std::get_if<Line>(&parsed);
  return read != nullptr && *read == meant;
}

std::string prefix_text(uint16_t prefix) {
  uint8_t bytes[2];
  store_be16(bytes, prefix);
  return to_hex(bytes);
}

// Splits off one field after another. Reading past the last one, or a field not in canonical form,
// makes it failed for good.
class FieldReader {
 public:
  explicit FieldReader(std::string_view line) : left_(line) {}

  std::string_view word() {
    const size_t end = left_.find(' ');
    const std::string_view field = left_.substr(0, end);
    left_ = end == std::string_view::npos ? std::string_view() : left_.substr(end + 1);
    const bool has_idle_space = end != std::string_view::npos && left_.empty();
    failed_ |= field.empty() || has_idle_space;
    return field;
  }
  void literal(std::string_view expected) { failed_ |= word() != expected; }
  template <class Integer>
  Integer number(std::string_view before = {}) {
    std::string_view text = word();
    failed_ |= !text.starts_with(before);
    if (failed_) return 0;
    text.remove_prefix(before.size());
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
    failed_ |= error != std::errc() || end != text.end() || std::to_string(value) != text;
    return value;
  }
  std::vector<uint8_t> hex() {
    const std::string_view text = word();
    const auto bytes = from_hex(text);
    failed_ |= !bytes || to_hex(*bytes) != text;  // Upper case is not canonical.
    return failed_ ? std::vector<uint8_t>() : *bytes;
  }
  std::vector<uint8_t> value() {
    if (!left_.starts_with(no_value)) return hex();
    literal(no_value);
    return {};
  }
  void fail() { failed_ = true; }
  bool is_complete() const { return !failed_ && left_.empty(); }

 private:
  std::string_view left_;
  bool failed_ = false;
};

ExportLine parse_header(FieldReader& in) {
  ExportHeader header;
  in.literal("version=" + std::to_string(export_version));
  header.node_time.nanoseconds = in.number<int64_t>("node_time=");
  header.wall_time.nanoseconds = in.number<int64_t>("wall_time=");
  in.literal(header_columns);
  if (in.is_complete()) return header;
  return ExportDamage{"its header is not one of version " + std::to_string(export_version)};
}

ExportLine parse_record(FieldReader& in) {
  ExportRecord record;
  record.network = in.word();
  if (record.network.size() > network_name_max) in.fail();
  const std::vector<uint8_t> key = in.hex();
  record.times.first_seen = in.number<uint32_t>();
  record.times.published = in.number<uint32_t>();
  record.times.last_store = in.number<uint32_t>();
  record.times.expiry = in.number<uint32_t>();
  const std::vector<uint8_t> prefix = in.hex();
  record.value = in.value();
  if (!in.is_complete() || key.size() != id_size || prefix.size() != 2 ||
      record.value.size() > UINT16_MAX) {
    return ExportDamage{"its fields are not those of a record"};
  }
  record.key = Id::from(key);
  record.source_prefix = load_be16(prefix.data());
  return record;
}

ExportLine parse_end(FieldReader& in) {
  ExportEnd end;
  end.records = in.number<uint64_t>();
  if (in.is_complete()) return end;
  return ExportDamage{"it is not the last line of an export"};
}

}  // namespace

std::string export_checksum(std::string_view text) {
  uint8_t bytes[4];
  store_be32(bytes, static_cast<uint32_t>(XXH3_64bits(text.data(), text.size())));
  return to_hex(bytes);
}

void append_export_line(std::string& out, const ExportHeader& header) {
  const size_t begin = out.size();
  out += std::string(header_word) + " version=" + std::to_string(export_version) +
         " node_time=" + std::to_string(header.node_time.nanoseconds) +
         " wall_time=" + std::to_string(header.wall_time.nanoseconds) + ' ';
  out += header_columns;
  close_line(out, begin);
  DCHECK(is_line_of(out, begin, header));
}

void append_export_line(std::string& out, const ExportRecord& record) {
  const size_t begin = out.size();
  out += std::string(record_word) + ' ' + record.network + ' ' + record.key.hex();
  for (const NodeSeconds time : {record.times.first_seen, record.times.published,
                                 record.times.last_store, record.times.expiry}) {
    out += ' ' + std::to_string(time);
  }
  out += ' ' + prefix_text(record.source_prefix) + ' ';
  out += record.value.empty() ? std::string(no_value) : to_hex(record.value);
  close_line(out, begin);
}

void append_export_line(std::string& out, const ExportEnd& end) {
  const size_t begin = out.size();
  out += std::string(end_word) + ' ' + std::to_string(end.records);
  close_line(out, begin);
  DCHECK(is_line_of(out, begin, end));
}

ExportLine parse_export_line(std::string_view line) {
  if (line.size() > export_line_max) return ExportDamage{"it is longer than any line of an export"};
  const size_t last = line.rfind(' ');
  if (last == std::string_view::npos ||
      line.substr(last + 1) != export_checksum(line.substr(0, last))) {
    return ExportDamage{"it does not match its checksum"};
  }
  FieldReader in(line.substr(0, last));
  const std::string_view kind = in.word();
  if (kind == record_word) return parse_record(in);
  if (kind == header_word) return parse_header(in);
  if (kind == end_word) return parse_end(in);
  return ExportDamage{"it is not a line of an export"};
}

}  // namespace xord
