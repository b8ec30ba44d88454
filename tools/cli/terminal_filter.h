// Makes text from others safe for a terminal (reactor/base/printable.h), as a stream.
#pragma once

#include <cstdint>
#include <streambuf>
#include <string>
#include <string_view>

namespace xord {

// A stream buffer that writes to another one what a terminal may receive: as printable() does,
// except that newline and tab pass, and carriage return for a line that is rewritten in place.
class TerminalFilter : public std::streambuf {
 public:
  enum class CarriageReturn : uint8_t { escaped, passes };

  // `target` must outlive it.
  TerminalFilter(std::streambuf* target, CarriageReturn carriage_return)
      : target_(target), carriage_return_(carriage_return) {}
  ~TerminalFilter() override { sync(); }

 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  bool write(std::string_view text);

  std::streambuf* const target_;
  const CarriageReturn carriage_return_;
  std::string begun_;  // The first bytes of an incomplete character.
};

}  // namespace xord
