// Any bytes as a line of an export, as they are and with a matching checksum: a line that parses is
// in canonical form.
#include "reactor/base/check.h"
#include "storage/files/export_line.h"
#include "tests/fuzz/target.h"

namespace xord {
namespace {

void try_line(const std::string& line) {
  const ExportLine parsed = parse_export_line(line);
  std::string written;
  if (const auto* header = std::get_if<ExportHeader>(&parsed)) append_export_line(written, *header);
  if (const auto* record = std::get_if<ExportRecord>(&parsed)) append_export_line(written, *record);
  if (const auto* end = std::get_if<ExportEnd>(&parsed)) append_export_line(written, *end);
  CHECK(written.empty() || written == line + "\n");
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  xord::try_line(text);
  xord::try_line(text + ' ' + xord::export_checksum(text));
  return 0;
}
