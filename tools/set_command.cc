// `xord set`: stores a value, and tells truly on how many nodes it landed.
#include <array>

#include "node/budget.h"
#include "node/server/key_digest.h"
#include "node/wire/value.h"
#include "reactor/base/hex.h"
#include "tools/client_flags.h"
#include "tools/commands.h"
#include "tools/control_client.h"
#include "tools/store/store_flags.h"
#include "tools/suggest.h"

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

// The packed value; everything that may be wrong with it is found before anything is sent.
std::vector<uint8_t> pack(const std::string& text, const std::string& type) {
  check_type(type);
  const auto parsed = parse_value(text, type);
  if (const auto* error = std::get_if<ValueError>(&parsed)) {
    throw Failure(ExitCode::usage, error->sentence);
  }
  const auto packed = encode_value(std::get<Value>(parsed));
  if (!packed) throw Failure(ExitCode::usage, "the VALUE is not UTF-8: store it with --type bytes");
  if (packed->size() > value_size_max) {
    throw Failure(ExitCode::usage, "the VALUE is too long: it has " +
                                       std::to_string(packed->size()) + " bytes on the wire, and " +
                                       std::to_string(value_size_max) + " is the most");
  }
  return *packed;
}

void print(const std::string& key, const std::string& type, const ClientResult& result,
           const ClientFlags& flags, Terminal& terminal) {
  if (flags.json) {
    const nlohmann::ordered_json shown = {{"key", key},
                                          {"type", type},
                                          {"stored", result.stored},
                                          {"asked", result.stored + result.refused + result.silent},
                                          {"refused", result.refused},
                                          {"silent", result.silent}};
    terminal.out << shown.dump() << '\n';
    return;
  }
  const uint32_t asked = result.stored + result.refused + result.silent;
  terminal.out << "stored on " << result.stored << " of " << asked
               << (asked == 1 ? " node\n" : " nodes\n");
}

// By way of the node that runs on this host, which publishes the value anew each day from then on.
ExitCode keep(const std::string& data_dir, const std::string& key, const std::string& type,
              Bytes packed, const ClientFlags& flags, Terminal& terminal) {
  const nlohmann::ordered_json request = {
      {"command", "keep"}, {"id", key_digest(key).hex()}, {"value", to_hex(packed)}};
  const auto stored =
      ask_control(data_dir, request, timeout_of(flags)).at("stored").get<uint32_t>();
  if (flags.json) {
    const nlohmann::ordered_json shown = {
        {"key", key}, {"type", type}, {"kept", true}, {"stored", stored}};
    terminal.out << shown.dump() << '\n';
  } else {
    terminal.out << "kept, and stored on " << stored << (stored == 1 ? " node\n" : " nodes\n");
  }
  return ExitCode::done;
}

}  // namespace

ExitCode set_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Store a value under a key, on the 20 nodes nearest to it.", "xord set");
  ClientFlags flags;
  std::vector<std::string> key;
  std::vector<std::string> value;
  std::vector<std::string> type;
  add_argument(app, "KEY", key, "The key, as text");
  add_argument(app, "VALUE", value, "The value; put -- before one that begins with a dash");
  add_repeatable(app, "--type", type,
                 "What VALUE is: str, int, float, bool (true or false), or bytes (as they are, or "
                 "hex: and hexadecimal digits) [str]")
      ->type_name("TYPE");
  StoreFlags running;
  bool is_kept = false;
  app.add_flag("--keep", is_kept,
               "Let the node that runs on this host store it, now and anew each day, until `xord "
               "forget`; instead of --via");
  add_data_dir_flag(app, running);
  add_via_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Prints on how many nodes the value landed. --json: {\"key\", \"type\", \"stored\", "
      "\"asked\",\n"
      "\"refused\", \"silent\"}. Exit codes: 0 at least one node stored it, 1 all refused it,\n"
      "2 the value is too long or not of its type (nothing is sent), 3 no answer.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string name = required(app, "KEY", key);
  const std::string text = required(app, "VALUE", value);
  const std::string kind = one_value("--type", type, "str");
  if (is_kept && !flags.via.empty()) {
    throw Failure(
        ExitCode::usage,
        "--keep and --via do not go together: the node of this host stores what it keeps");
  }
  if (is_kept) {
    return keep(data_dir_of(running, terminal), name, kind, pack(text, kind), flags, terminal);
  }
  if (!running.data_dir.empty()) {
    throw Failure(ExitCode::usage, "--data-dir goes with --keep: leave it out, or say --keep, too");
  }
  ClientPlan plan;
  plan.task = ClientTask::set;
  plan.target = key_digest(name);
  plan.value = pack(text, kind);
  const ClientResult result = ask_network(app, flags, std::move(plan), terminal);
  if (result.status == ClientStatus::refused) {
    throw Failure(ExitCode::not_found,
                  "all " + std::to_string(result.refused) +
                      " nodes that answered refused the value; they may be full or still starting");
  }
  print(name, kind, result, flags, terminal);
  return ExitCode::done;
}

}  // namespace xord
