#include "tools/run/configuration.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "node/server/host/host_memory.h"
#include "reactor/base/check.h"
#include "reactor/base/printable.h"
#include "reactor/cores.h"
#include "tools/cli/failure.h"
#include "tools/cli/suggest.h"
#include "tools/cli/units.h"
#include "tools/cli/user_dirs.h"

namespace xord {
namespace {

const std::string environment_prefix = "XORD_";
constexpr const char* blanks = " \t\r\n";

// The place of a setting of the program's own in settings().
size_t index_of(const Setting* setting) {
  const std::span<const Setting> all = settings();
  CHECK(setting >= all.data() && setting < all.data() + all.size());
  return static_cast<size_t>(setting - all.data());
}

const Setting* setting_of_variable(const std::string& name) {
  const auto all = settings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& setting) {
    return setting.environment_name() == name;
  });
  return found == all.end() ? nullptr : &*found;
}

void refuse_if_mistyped(const std::string& name) {
  std::vector<std::string> owned = {environment_prefix + "CONFIG", environment_prefix + "VIA"};
  for (const Setting& setting : settings()) owned.push_back(setting.environment_name());
  std::vector<std::string_view> words;  // Without the prefix, which would make all look similar.
  for (const std::string& word : owned) {
    words.push_back(std::string_view(word).substr(environment_prefix.size()));
  }
  const std::string typed = name.substr(environment_prefix.size());
  const auto meant = nearest_word(typed, words);
  if (!meant) return;
  throw Failure(ExitCode::usage, "the environment variable " + name +
                                     " is not a setting; perhaps you mean " + environment_prefix +
                                     *meant + ": rename or unset it");
}

// A hint for a list setting whose text is bad because it holds several values.
std::string list_hint(const Given& row) {
  const bool may_be_several = std::any_of(
      row.texts.begin(), row.texts.end(),
      [](const std::string& text) { return text.find_first_of(" \t\r\n,;") != std::string::npos; });
  if (row.setting->arity != Arity::many || !may_be_several) return "";
  if (row.origin.starts_with("flag")) return "; repeat the flag for each value of a list";
  if (row.origin.starts_with("file")) return "; write a list like [\"...\", \"...\"]";
  return "; separate the values of a list by commas";
}

// Whether TOML can say it without quotes, and says the same: it has no numbers of any length.
bool is_plain(const Setting& setting, const std::string& text) {
  constexpr size_t number_max = 18;  // Characters.
  if (setting.arity == Arity::yes_or_no) return true;
  return !text.empty() && text.size() <= number_max &&
         text.find_first_not_of("0123456789.") == std::string::npos &&
         std::count(text.begin(), text.end(), '.') <= 1 && text.front() != '.' &&
         text.back() != '.' && (text.size() == 1 || text[0] != '0' || text[1] == '.');
}

std::string toml_string(const std::string& text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') quoted += '\\';
    if (byte >= 0x20 && byte != 0x7f) {
      quoted += c;
      continue;
    }
    quoted += "\\u00";
    quoted += digits[byte >> 4];
    quoted += digits[byte & 15];
  }
  return quoted + "\"";
}

std::string toml_value(const Setting& setting, const std::vector<std::string>& texts) {
  if (setting.arity != Arity::many) {
    CHECK(texts.size() == 1);
    return is_plain(setting, texts[0]) ? texts[0] : toml_string(texts[0]);
  }
  std::string value = "[";  // Appended to, since GCC 12 falsely warns about "[" + value.
  for (const std::string& text : texts) {
    if (value.size() > 1) value += ", ";
    value += toml_string(text);
  }
  value += "]";
  return value;
}

}  // namespace

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start < text.size()) {
    const size_t comma = std::min(text.find(',', start), text.size());
    const size_t first = text.find_first_not_of(blanks, start);
    const size_t last = text.find_last_not_of(blanks, comma - 1);
    if (first < comma) parts.push_back(text.substr(first, last - first + 1));
    start = comma + 1;
  }
  return parts;
}

std::vector<Given> read_environment(const Environment& environment) {
  std::vector<Given> given;
  for (const auto& [name, text] : environment) {
    const bool is_ours = name == "XORD_CONFIG" || name == "XORD_VIA";
    if (name.rfind(environment_prefix, 0) != 0 || is_ours) continue;
    const Setting* setting = setting_of_variable(name);
    if (setting == nullptr) {
      refuse_if_mistyped(name);
      continue;
    }
    const bool many = setting->arity == Arity::many;
    given.push_back({setting, many ? split_at_commas(text) : std::vector<std::string>{text}, name,
                     "environment " + name});
  }
  return given;
}

std::string default_config_path(const Environment& environment, bool is_root) {
  if (is_root) return "/etc/xord/xord.toml";
  const std::string directory = user_config_dir(environment).path;
  return directory.empty() ? "" : directory + "/xord.toml";
}

std::vector<Given> read_file_and_environment(const std::string& config_path,
                                             const Environment& environment, bool is_root) {
  std::string path = config_path.empty() ? variable(environment, "XORD_CONFIG") : config_path;
  if (path.empty()) {
    const std::string usual = default_config_path(environment, is_root);
    struct stat status {};
    // One that is there and cannot be read is an error, as one that was named; in a directory that
    // this user may not search there is none for it.
    const bool is_absent = usual.empty() || stat(usual.c_str(), &status) != 0;
    if (!is_absent) path = usual;
  }
  std::vector<Given> given;
  if (!path.empty()) given = read_config_file(path);
  for (Given& row : read_environment(environment)) given.push_back(std::move(row));
  return given;
}

Configuration build_configuration(const std::vector<Given>& given, const Environment& environment) {
  Configuration result;
  const auto all = settings();
  result.origins.assign(all.size(), "default");
  for (const Given& row : given) {
    const size_t at = index_of(row.setting);
    CHECK(row.setting->arity == Arity::many || row.texts.size() == 1);
    try {
      row.setting->apply(result.server, row.texts);
    } catch (const BadValue& bad) {
      throw Failure(ExitCode::usage, row.place + " " + bad.what() + list_hint(row));
    }
    result.origins[at] = row.origin;
  }
  if (!result.server.data_dir.empty()) return result;
  const UserDir dir = user_data_dir(environment);
  if (dir.path.empty()) {
    throw Failure(ExitCode::usage,
                  "there is no HOME to keep the data in: name a directory with --data-dir DIR");
  }
  result.server.data_dir = dir.path;
  result.origins[index_of(find_setting("data-dir"))] = "default, by " + dir.reason;
  return result;
}

std::vector<ShownSetting> shown_settings(const Configuration& configuration) {
  const ServerConfig defaults = default_config();
  CHECK(configuration.origins.size() == settings().size());
  std::vector<ShownSetting> shown;
  for (const Setting& setting : settings()) {
    ShownSetting& one = shown.emplace_back();
    one.name = setting.name;
    one.value = setting.show(configuration.server);
    one.default_value = setting.show(defaults);
    one.is_list = setting.arity == Arity::many;
    one.is_reloadable = setting.is_reloadable();
    one.origin = configuration.origins[shown.size() - 1];
  }
  return shown;
}

void explain_memory(Configuration& configuration, const std::optional<GroupLimitFound>& granted) {
  const auto fitted = fit_memory(configuration.server, allowed_cores().shards, granted);
  CHECK(configuration.origins.size() == settings().size());
  std::string& origin = configuration.origins[index_of(find_setting("memory-max"))];
  if (const auto* error = std::get_if<ServerError>(&fitted)) {
    origin += "; " + error->sentence;
    return;
  }
  const auto& fit = std::get<MemoryFit>(fitted);
  if (!fit.warning.empty()) {
    origin += "; " + fit.warning;
  } else if (configuration.server.memory_max == 0) {
    origin += "; here " + show_size(fit.memory_max);
    if (granted) origin += " of " + mebibytes(granted->value) + " (" + granted->file + ")";
  }
}

std::string print_configuration(const Configuration& configuration) {
  const auto all = settings();
  CHECK(configuration.origins.size() == all.size());
  std::vector<std::string> lines;
  size_t widest = 0;
  for (const Setting& setting : all) {
    lines.push_back(std::string(setting.name) + " = " +
                    toml_value(setting, setting.show(configuration.server)));
    widest = std::max(widest, lines.back().size());
  }
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += lines[i] + std::string(widest - lines[i].size(), ' ') + "  # " +
            printable(configuration.origins[i]) + "\n";
  }
  return text;
}

}  // namespace xord
