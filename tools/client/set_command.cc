// `xord set`: stores a value, and reports how many nodes actually stored it.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "node/budget.h"
#include "node/server/log/json_text.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/hex.h"
#include "reactor/io_error.h"
#include "tools/cli/commands.h"
#include "tools/cli/counted.h"
#include "tools/cli/key_flags.h"
#include "tools/cli/suggest.h"
#include "tools/client/client_flags.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"

namespace xord {
namespace {

constexpr std::array<std::string_view, 5> type_words = {"str", "int", "float", "bool", "bytes"};

void check_type(const std::string& type) {
  for (const std::string_view word : type_words) {
    if (word == type) return;
  }
  throw Failure(ExitCode::usage, "--type \"" + type +
                                     "\" is not known: write str, int, float, bool or bytes" +
                                     suggestion(type, type_words));
}

struct SetFlags {
  ClientFlags client;
  KeyFlags key;
  std::vector<std::string> value;
  std::vector<std::string> file;
  std::vector<std::string> type;
  bool is_kept = false;
};

// The raw text of a value: an argument, in which hex: has a meaning, or bytes as they were read.
struct Source {
  std::string text;
  bool is_read = false;
};

// Reads just enough to see that a text is too long.
std::string read_all(std::istream& in) {
  std::string text(value_size_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

Source read_file(const std::string& path) {
  std::error_code ignored;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, ignored)) {
    throw Failure(ExitCode::environment,
                  io_error("cannot read " + path, in ? EISDIR : errno).sentence);
  }
  return {read_all(in), true};
}

// `echo` ends a number with a newline.
Source without_newline(Source source) {
  while (!source.text.empty() && (source.text.back() == '\n' || source.text.back() == '\r')) {
    source.text.pop_back();
  }
  return source;
}

// `arguments` distinguish a - after --, which is a value, from the one that means standard input.
Source source_of(const CLI::App& app, const SetFlags& flags, Arguments arguments) {
  if (!flags.file.empty()) {
    if (!flags.value.empty()) {
      refuse("\"" + flags.value[0] + "\" and --file both give a value: leave one out");
    }
    return read_file(one_value("--file", flags.file));
  }
  const std::string text = required(app, "VALUE", flags.value);
  const bool is_quoted = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
  if (text != "-" || is_quoted) return {text, false};
  return {read_all(std::cin), true};
}

std::variant<Value, ValueError> value_of(const Source& source, const std::string& type) {
  if (!source.is_read || type == "str") return parse_value(source.text, type);
  if (type != "bytes") return parse_value(without_newline(source).text, type);
  return Value(std::vector<uint8_t>(source.text.begin(), source.text.end()));
}

// Returns the packed value. Every possible error in it is found before anything is sent.
std::vector<uint8_t> pack(const Source& source, const std::string& type) {
  const auto parsed = value_of(source, type);
  if (const auto* error = std::get_if<ValueError>(&parsed)) {
    throw Failure(ExitCode::usage, error->sentence);
  }
  const auto packed = encode_value(std::get<Value>(parsed));
  if (source.is_read && source.text.size() > value_size_max) {  // It was truncated.
    throw Failure(ExitCode::usage, "the VALUE is too long: a value has at most " +
                                       std::to_string(value_size_max) + " bytes on the wire");
  }
  if (!packed) throw Failure(ExitCode::usage, "the VALUE is not UTF-8: store it with --type bytes");
  if (packed->size() > value_size_max) {
    throw Failure(ExitCode::usage, "the VALUE is too long: it has " +
                                       std::to_string(packed->size()) + " bytes on the wire, and " +
                                       std::to_string(value_size_max) + " is the most");
  }
  return *packed;
}

std::string refusal_of(uint32_t refused) {
  constexpr const char* because = " that answered refused the value; ";
  if (refused == 1) return std::string("the only node") + because + "it may be full or starting";
  return "all " + counted(refused, "node") + because + "they may be full or starting";
}

void print(const Key& key, const std::string& type, const ClientResult& result,
           const ClientFlags& flags, Terminal& terminal) {
  const uint32_t asked = result.stored + result.refused + result.silent;
  if (flags.json) {
    nlohmann::ordered_json shown = key.json();
    shown.update({{"type", type},
                  {"stored", result.stored},
                  {"asked", asked},
                  {"refused", result.refused},
                  {"silent", result.silent}});
    terminal.out << json_text(shown) << '\n';
    return;
  }
  terminal.out << "stored on " << result.stored << " of " << counted(asked, "node") << '\n';
}

// Stores through the node that runs on this host, which then publishes the value again each day.
ExitCode keep(const std::string& data_dir, const Key& key, const std::string& type, Bytes packed,
              const ClientFlags& flags, Terminal& terminal) {
  const nlohmann::ordered_json request = {
      {"command", "keep"}, {"id", key.id.hex()}, {"value", to_hex(packed)}};
  const auto stored =
      ask_control(data_dir, request, timeout_of(flags)).at("stored").get<uint32_t>();
  if (flags.json) {
    nlohmann::ordered_json shown = key.json();
    shown.update({{"type", type}, {"kept", true}, {"stored", stored}});
    terminal.out << json_text(shown) << '\n';
  } else {
    terminal.out << "kept, and stored on " << counted(stored, "node") << '\n';
  }
  return ExitCode::done;
}

void add_set_flags(CLI::App& app, SetFlags& flags) {
  add_key_flags(app, flags.key, HexKey::is_text);
  add_argument(app, "VALUE", flags.value,
               "The value; - reads it from the standard input; put -- before one that begins with "
               "a dash")
      ->type_name("(VALUE | - | --file FILE)");
  add_repeatable(app, "--file", flags.file, "Read the value from this file, byte for byte")
      ->type_name("FILE");
  add_repeatable(app, "--type", flags.type,
                 "What VALUE is: str, int, float, bool (true or false), or bytes (as they are, or "
                 "hex: and hexadecimal digits) [str]")
      ->type_name("TYPE");
  app.add_flag("--keep", flags.is_kept,
               "Let the node that runs on this host store it, now and again each day, until `xord "
               "forget`; instead of --via");
  add_via_flag(app, flags.client);
  add_node_dir_flag(app, flags.client);
  add_common_flags(app, flags.client);
  app.footer(
      "Prints how many nodes stored the value. --json: {\"key\" or \"id\", \"type\", "
      "\"stored\",\n"
      "\"asked\", \"refused\", \"silent\"}. Exit codes: 0 at least one node stored it, 1 all "
      "refused it,\n"
      "2 the value is too long or not of its type (nothing is sent), 3 no answer.");
}

}  // namespace

ExitCode set_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Store a value under a key, on the 20 nodes nearest to it.", "xord set");
  SetFlags flags;
  add_set_flags(app, flags);
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  if (!flags.key.id.empty() && flags.value.empty()) flags.value.swap(flags.key.key);
  const Key key = key_of(app, flags.key, HexKey::is_text);
  const std::string type = one_value("--type", flags.type, "str");
  check_type(type);
  if (flags.is_kept && !flags.client.via.empty()) {
    refuse("--keep and --via do not go together: the node of this host stores what it keeps");
  }
  const Source source = source_of(app, flags, arguments);
  if (flags.is_kept) {
    return keep(data_dir_of({flags.client.data_dir}, terminal), key, type, pack(source, type),
                flags.client, terminal);
  }
  ClientPlan plan;
  plan.task = ClientTask::set;
  plan.target = key.id;
  plan.value = pack(source, type);
  const ClientResult result = ask_network(flags.client, std::move(plan), terminal);
  if (result.status == ClientStatus::refused) {
    throw Failure(ExitCode::not_found, refusal_of(result.refused));
  }
  print(key, type, result, flags.client, terminal);
  return ExitCode::done;
}

}  // namespace xord
