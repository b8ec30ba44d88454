#include "tools/cli/flags.h"

#include <algorithm>
#include <memory>
#include <sstream>

#include "tools/cli/failure.h"
#include "tools/cli/suggest.h"

namespace xord {
namespace {

std::string see_help(const CLI::App& app) {
  return "; see `" + app.get_name() + " --help`";
}

// "--listen ADDR:PORT" for --port. A short flag may really be a value if the command takes one.
std::string flag_meant_by_habit(const CLI::App& app, const std::string& flag) {
  const bool is_long = flag.starts_with("--");
  if (!is_long && app.get_option_no_throw("VALUE") != nullptr) return "";
  std::vector<std::string> owned;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) owned.push_back(name);
  }
  const std::vector<std::string_view> names(owned.begin(), owned.end());
  const auto meant = meant_by_habit(std::string_view(flag).substr(is_long ? 2 : 1), names);
  if (!meant) return "";
  const CLI::Option* option = app.get_option("--" + *meant);
  const std::string type = option->get_type_name();
  return "--" + *meant + (type.empty() ? "" : " " + type);
}

// Columns on a terminal: a multibyte character takes one.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

[[noreturn]] void refuse_extra(const CLI::App& app, const std::string& extra) {
  if (extra.size() < 2 || extra[0] != '-') {
    throw Failure(ExitCode::usage, "\"" + extra + "\" is one argument too many" + see_help(app));
  }
  const std::string flag = extra.substr(0, extra.find('='));
  const std::string meant = flag_meant_by_habit(app, flag);
  if (!meant.empty()) {
    throw Failure(ExitCode::usage, "the flag " + flag + " is not known; perhaps you mean " + meant);
  }
  std::vector<std::string> owned;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) owned.push_back("--" + name);
  }
  const std::vector<std::string_view> names(owned.begin(), owned.end());
  std::string fix = suggestion(flag, names);
  if (fix.empty() && flag[1] != '-') fix = "; put -- before a value that begins with a dash";
  throw Failure(ExitCode::usage,
                "the flag " + flag + " is not known" + (fix.empty() ? see_help(app) : fix));
}

// Help one page wide: one line for the usage, and wrapped descriptions in one column.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = "\nUsage: " + name;
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional()) continue;
      const std::string type = option->get_type_name();
      usage += " " + (type.empty() ? option->get_name(true) : type);
    }
    return usage + " [FLAGS]\n";
  }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    constexpr size_t column = 30;
    constexpr size_t width = 100;
    std::string text = "  " + option->get_name(is_positional, true);
    if (!is_positional && !option->get_type_name().empty()) text += " " + option->get_type_name();
    // The description begins in its column, or on the next line if the name reaches into the
    // column.
    const size_t taken = columns_of(text);
    text += taken < column ? std::string(column - taken, ' ') : "\n" + std::string(column, ' ');
    size_t at = column;
    std::istringstream words(option->get_description());
    for (std::string word; words >> word;) {
      const size_t size = columns_of(word);
      if (at > column && at + 1 + size > width) {
        text += "\n" + std::string(column, ' ');
        at = column;
      }
      text += (at > column ? " " : "") + word;
      at += (at > column ? 1 : 0) + size;
    }
    return text + "\n";
  }
};

}  // namespace

Parsed parse_flags(CLI::App& app, Arguments arguments, Terminal& terminal) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.allow_extras();  // We report extras first, even if something is missing, too.
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // As CLI11 wants.
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    terminal.out << app.help();
    return Parsed::help_shown;
  } catch (const CLI::ArgumentMismatch& mismatch) {
    const std::string message = mismatch.what();  // "--listen: 1 required TEXT missing"
    throw Failure(ExitCode::usage,
                  message.substr(0, message.find(':')) + " needs a value" + see_help(app));
  } catch (const CLI::ParseError& error) {
    throw Failure(ExitCode::usage, error.what() + see_help(app));
  }
  auto extras = app.remaining();
  std::erase(extras, "--");  // CLI11 leaves it in; values follow it.
  const auto flag = std::find_if(extras.begin(), extras.end(), [](const std::string& extra) {
    return extra.size() > 1 && extra[0] == '-';
  });
  if (flag != extras.end()) refuse_extra(app, *flag);
  if (!extras.empty()) refuse_extra(app, extras.front());
  return Parsed::to_be_run;
}

CLI::Option* add_repeatable(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                            const std::string& help) {
  return app.add_option(name, texts, help)->allow_extra_args(false);
}

CLI::Option* add_argument(CLI::App& app, const std::string& name, std::vector<std::string>& text,
                          const std::string& help) {
  return app.add_option(name, text, help)->expected(1)->type_name("")->allow_extra_args(false);
}

std::string required(const CLI::App& app, const std::string& name,
                     const std::vector<std::string>& text) {
  if (!text.empty()) return text[0];
  refuse("the " + name + " is missing; see `" + app.get_name() + " --help`");
}

void refuse(const std::string& sentence) {
  throw Failure(ExitCode::usage, sentence);
}

std::string one_value(const std::string& flag, const std::vector<std::string>& texts,
                      const std::string& otherwise) {
  if (texts.size() > 1) {
    refuse(flag + " is given " + std::to_string(texts.size()) + " times: give it once");
  }
  return texts.empty() ? otherwise : texts[0];
}

}  // namespace xord
