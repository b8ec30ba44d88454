#include "tools/client/client_flags.h"

#include <algorithm>
#include <cmath>

#include "node/server/names/resolve.h"
#include "reactor/base/check.h"
#include "reactor/base/printable.h"
#include "tools/cli/node_address.h"
#include "tools/cli/units.h"
#include "tools/cli/user_dirs.h"
#include "tools/client/client_session.h"
#include "tools/client/local_node.h"
#include "tools/client/named_ids.h"

namespace xord {
namespace {

constexpr Duration timeout_max = hours(1);
static_assert(vias_max <= UINT8_MAX);  // Via::group

// All addresses of one --via, in one group.
struct Names {
  std::vector<Via> vias;
  std::string unresolved;  // Which names have no address, and why.
};

void add_name(const std::string& text, uint8_t group, Names& names) {
  const HostPort address = parse_node_address(text);
  const Resolved resolved = resolve(address);
  for (const Endpoint& endpoint : resolved.endpoints) {
    const bool is_known = std::any_of(names.vias.begin(), names.vias.end(),
                                      [&](const Via& via) { return via.endpoint == endpoint; });
    if (!is_known && names.vias.size() < vias_max) {
      names.vias.push_back({endpoint, group, std::nullopt});
    }
  }
  if (!resolved.endpoints.empty()) return;
  names.unresolved +=
      (names.unresolved.empty() ? "" : "; ") + address.host + " has no address: " + resolved.error;
}

std::vector<Via> resolve_all(const FirstNode& first, Terminal& terminal) {
  if (first.addresses.size() > vias_max) {
    refuse("there are " + std::to_string(first.addresses.size()) +
           " nodes to start from: name at most " + std::to_string(vias_max));
  }
  Names names;
  for (size_t i = 0; i < first.addresses.size(); ++i) {
    add_name(first.addresses[i], first.is_one ? uint8_t{0} : static_cast<uint8_t>(i), names);
  }
  if (names.vias.empty()) {
    throw Failure(ExitCode::no_answer, names.unresolved + "; check the name, or write an address");
  }
  if (!names.unresolved.empty()) {
    terminal.err << "xord: " << printable(names.unresolved) << ".\n";
  }
  return names.vias;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

[[noreturn]] void fail_unanswered(const Beginning& beginning, ClientStatus status,
                                  Duration timeout) {
  const bool is_closed = status == ClientStatus::closed;
  std::string sentence = is_closed ? "no node listens on " : "no answer from ";
  sentence += beginning.names;
  if (!beginning.because.empty()) sentence += " (" + beginning.because + ")";
  if (!is_closed) sentence += " within " + show_duration(timeout);
  if (!beginning.because.empty()) {
    sentence +=
        "; start a node with `xord run`, or name one with --via "
        "HOST[:PORT]";
  } else {
    sentence += is_closed ? "; check the port, and that the node is running"
                          : "; check that a node is running there and that UDP reaches it";
  }
  throw Failure(ExitCode::no_answer, sentence);
}

}  // namespace

void add_via_flag(CLI::App& app, ClientFlags& flags) {
  add_repeatable(app, "--via", flags.via,
                 "A node of the network to start from; repeats [the node of this host]")
      ->type_name("HOST[:PORT]");
}

void add_node_dir_flag(CLI::App& app, ClientFlags& flags) {
  add_repeatable(app, "--data-dir", flags.data_dir,
                 "Ask the node of this host that has this data directory; instead of --via")
      ->type_name("DIR");
}

void add_common_flags(CLI::App& app, ClientFlags& flags) {
  add_repeatable(app, "--timeout", flags.timeout, "Give up after this long [10s]")
      ->type_name("DURATION");
  app.add_flag("--json", flags.json, "Print the result as JSON");
}

Duration timeout_of(const ClientFlags& flags, Duration otherwise) {
  if (flags.timeout.empty()) return otherwise;
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

Beginning beginning_of(const ClientFlags& flags, Terminal& terminal) {
  if (!flags.via.empty() && !flags.data_dir.empty()) {
    refuse("--via and --data-dir both name a node to start from: leave one out");
  }
  const FirstNode first =
      flags.via.empty() ? first_node(flags.data_dir, terminal) : FirstNode{flags.via, false, ""};
  return {resolve_all(first, terminal), joined(first.addresses), first.because};
}

ClientResult ask_network(const Beginning& beginning, ClientPlan plan, Terminal& terminal) {
  CHECK(!beginning.vias.empty() && beginning.vias.size() <= vias_max);
  plan.vias = beginning.vias;
  const Duration timeout = plan.timeout;
  const std::string cache = user_cache_dir(terminal.environment).path;
  NamedIds named_ids(cache.empty() ? "" : cache + "/named-ids");
  for (Via& via : plan.vias) via.named = named_ids.find(via.endpoint);

  const SessionEnd end = run_session(std::move(plan));
  if (end.was_interrupted) throw Failure(ExitCode::interrupted, "interrupted");
  for (const NamedContact& named : end.result.named) named_ids.remember(named);
  for (const Endpoint& via : end.result.forgotten) named_ids.forget(via);
  if (!end.result.named.empty() || !end.result.forgotten.empty()) named_ids.save();
  const ClientStatus status = end.result.status;
  if (status == ClientStatus::no_answer || status == ClientStatus::closed) {
    fail_unanswered(beginning, status, timeout);
  }
  if (status == ClientStatus::timed_out) {
    throw Failure(ExitCode::no_answer, "the network did not answer within " +
                                           show_duration(timeout) + "; allow more with --timeout");
  }
  return end.result;
}

ClientResult ask_network(const ClientFlags& flags, ClientPlan plan, Terminal& terminal) {
  plan.timeout = timeout_of(flags);
  return ask_network(beginning_of(flags, terminal), std::move(plan), terminal);
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
