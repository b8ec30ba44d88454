#include "tools/client_flags.h"

#include <algorithm>
#include <cmath>

#include "node/server/resolve.h"
#include "tools/client_session.h"
#include "tools/named_ids.h"
#include "tools/units.h"
#include "tools/user_dirs.h"

namespace xord {
namespace {

constexpr Duration timeout_default = seconds(10);
constexpr Duration timeout_max = hours(1);

// All addresses of one --via, as one group.
struct Names {
  std::vector<Via> vias;
  std::string unresolved;  // Which names have no address, and why.
};

void add_name(const std::string& text, uint8_t group, Names& names) {
  const auto host_port = parse_host_port(text);
  if (!host_port) {
    refuse("\"" + text +
           "\" is not HOST:PORT: write it like node.example:8468, 192.0.2.1:8468 or "
           "[2001:db8::1]:8468");
  }
  const Resolved resolved = resolve(*host_port);
  for (const Endpoint& endpoint : resolved.endpoints) {
    const bool is_known = std::any_of(names.vias.begin(), names.vias.end(),
                                      [&](const Via& via) { return via.endpoint == endpoint; });
    if (!is_known && names.vias.size() < vias_max) {
      names.vias.push_back({endpoint, group, std::nullopt});
    }
  }
  if (!resolved.endpoints.empty()) return;
  names.unresolved += (names.unresolved.empty() ? "" : "; ") + host_port->host +
                      " has no address: " + resolved.error;
}

std::vector<Via> resolve_all(const std::vector<std::string>& texts, Terminal& terminal) {
  if (texts.size() > vias_max) {
    refuse("--via is there " + std::to_string(texts.size()) + " times: give it at most " +
           std::to_string(vias_max) + " times");
  }
  Names names;
  for (size_t i = 0; i < texts.size(); ++i) add_name(texts[i], static_cast<uint8_t>(i), names);
  if (names.vias.empty()) {
    throw Failure(ExitCode::no_answer, names.unresolved + "; check the name, or write an address");
  }
  if (!names.unresolved.empty()) terminal.err << "xord: " << names.unresolved << ".\n";
  return names.vias;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

}  // namespace

void add_via_flag(CLI::App& app, ClientFlags& flags) {
  add_repeatable(app, "--via", flags.via, "A node of the network to begin at; repeats")
      ->type_name("HOST:PORT");
}

void add_common_flags(CLI::App& app, ClientFlags& flags) {
  add_repeatable(app, "--timeout", flags.timeout, "Give up after this long [10s]")
      ->type_name("DURATION");
  app.add_flag("--json", flags.json, "Print the result as JSON");
}

void add_argument(CLI::App& app, const std::string& name, std::vector<std::string>& text,
                  const std::string& help) {
  app.add_option(name, text, help)->expected(1)->type_name("")->allow_extra_args(false);
}

std::string required(const CLI::App& app, const std::string& name,
                     const std::vector<std::string>& text) {
  if (!text.empty()) return text[0];
  refuse("the " + name + " is missing; see `" + app.get_name() + " --help`");
}

Duration timeout_of(const ClientFlags& flags) {
  if (flags.timeout.empty()) return timeout_default;
  const std::string text = one_value("--timeout", flags.timeout);
  const auto timeout = parse_duration(text);
  if (!timeout) {
    refuse("--timeout \"" + text +
           "\" is not a duration: write a number and a unit, such as 10s or 500ms");
  }
  if (timeout->nanoseconds == 0 || *timeout > timeout_max) {
    refuse("--timeout \"" + text + "\" is out of range: write more than 0 and at most 1h");
  }
  return *timeout;
}

ClientResult ask_network(const CLI::App& app, const ClientFlags& flags, ClientPlan plan,
                         Terminal& terminal) {
  plan.timeout = timeout_of(flags);
  if (flags.via.empty()) {
    refuse("there is no node to begin at: name one with --via HOST:PORT; see `" + app.get_name() +
           " --help`");
  }
  plan.vias = resolve_all(flags.via, terminal);
  const std::string cache = user_cache_dir(terminal.environment).path;
  NamedIds named_ids(cache.empty() ? "" : cache + "/named-ids");
  for (Via& via : plan.vias) via.named = named_ids.find(via.endpoint);

  const SessionEnd end = run_session(std::move(plan));
  if (end.was_interrupted) throw Failure(ExitCode::interrupted, "interrupted");
  for (const NamedId& named : end.result.named) named_ids.remember(named);
  if (!end.result.named.empty()) named_ids.save();
  if (end.result.status == ClientStatus::no_answer) {
    throw Failure(ExitCode::no_answer,
                  "no answer from " + joined(flags.via) +
                      "; check that a node runs there and that UDP reaches it");
  }
  if (end.result.status == ClientStatus::timed_out) {
    throw Failure(ExitCode::no_answer, "the network did not answer within " +
                                           show_duration(timeout_of(flags)) +
                                           "; allow more with --timeout");
  }
  return end.result;
}

double milliseconds_of(Duration duration) {
  return std::round(duration.seconds() * 1e6) / 1e3;
}

nlohmann::ordered_json json_of(const FoundNode& node) {
  return {{"id", node.contact.id.hex()},
          {"endpoint", node.contact.endpoint.text()},
          {"rtt_ms", milliseconds_of(node.round_trip)}};
}

}  // namespace xord
