// Text of others (keys, values, file names, what a peer sent) made safe to show: a terminal acts on
// control characters, so that one in a value could rewrite the screen or forge a sentence.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace xord {

// `text` with every control character as an escape: \n and \t as such, others as \x1b; and with
// those of Unicode (C1, and the marks that reorder or hide text) and the bytes that are not UTF-8
// byte by byte. Everything else stays as it is, a backslash too: this is for reading, not for
// reading back.
std::string printable(std::string_view text);

// The same for JSON text, whose strings keep their meaning: \u009b instead of the character.
std::string escape_controls_in_json(std::string_view json);

// A stream buffer that writes to another one what a terminal may be given: as printable() does,
// except that newline, tab and, for a line that is rewritten in place, carriage return pass.
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
  std::string begun_;  // The first bytes of a character whose others are still to come.
};

}  // namespace xord
