#include "tools/cli/terminal_filter.h"

#include "reactor/base/printable.h"

namespace xord {

bool TerminalFilter::write(std::string_view text) {
  const auto size = static_cast<std::streamsize>(text.size());
  return target_->sputn(text.data(), size) == size;
}

std::streamsize TerminalFilter::xsputn(const char* text, std::streamsize size) {
  begun_.append(text, static_cast<size_t>(size));
  std::string_view left = begun_;
  const bool passes_return = carriage_return_ == CarriageReturn::passes;
  const std::string out = take_printable(left, passes_return ? "\n\t\r" : "\n\t");
  begun_ = std::string(left);
  return write(out) ? size : 0;
}

TerminalFilter::int_type TerminalFilter::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof()))
    return traits_type::not_eof(character);
  const char byte = traits_type::to_char_type(character);
  return xsputn(&byte, 1) == 1 ? character : traits_type::eof();
}

// An incomplete character is shown as bytes once the stream is flushed.
int TerminalFilter::sync() {
  const bool is_written = write(printable(begun_));
  begun_.clear();
  return is_written && target_->pubsync() == 0 ? 0 : -1;
}

}  // namespace xord
