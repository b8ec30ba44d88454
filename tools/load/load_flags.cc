#include "tools/load/load_flags.h"

#include <algorithm>
#include <charconv>

#include "node/budget.h"
#include "node/server/names/resolve.h"
#include "reactor/entropy.h"
#include "tools/cli/failure.h"
#include "tools/cli/node_address.h"
#include "tools/cli/units.h"
#include "tools/cli/value_flags.h"
#include "tools/load/process_time.h"

namespace xord {
namespace {

constexpr double rate_most = 10e6;
constexpr uint32_t window_most = 1 << 16;
constexpr uint32_t keys_most = 100'000'000;
constexpr size_t rates_most = 64;
constexpr uint32_t value_size_most = value_size_max - 3;

// The flags with one value, in the order of the help.
constexpr ValueFlag value_flags[] = {
    {"--target", "HOST[:PORT]", "The node to put under load"},
    {"--mix", "KIND=N,...",
     "Shares of find_node, find_value_hit, find_value_miss, store, ping [find_node=100]"},
    {"--rate", "N,...", "Open loop: requests per second; each of several is a step"},
    {"--window", "N", "Closed loop: requests open at once [64], used without --rate"},
    {"--slo", "DURATION", "With --find-max: the highest p99 accepted [10ms]"},
    {"--duration", "DURATION", "Measured time of a step [10s]"},
    {"--warm-up", "DURATION", "The same load before it, not measured [1s]"},
    {"--timeout", "DURATION", "A request not answered within this time is lost [1s]"},
    {"--sources", "N", "Addresses that send requests [16]"},
    {"--contacts", "N",
     "Offer the sources and N further ones to the node's table, each with an id of its own [no]"},
    {"--id-change", "DURATION", "How often a source takes a new id, each in turn [never]"},
    {"--keys", "N", "Keys stored for hits, and the pool that zipf draws from [10k]"},
    {"--key-spread", "SPREAD", "uniform, or zipf, or zipf:EXPONENT [uniform; zipf is 0.99]"},
    {"--value-size", "N[-M]", "Bytes of a value [100]"},
    {"--value-spread", "SPREAD", "uniform, or zipf: small ones are common [uniform]"},
    {"--near-id", "BITS", "Leading bits that keys share with the node's id [0]"},
    {"--seed", "N", "Seed of ids, keys and order [from the kernel]"},
    {"--check", "WHAT", "content, or transaction for servers that are not nodes [content]"},
    {"--io", "IO", "epoll, uring, auto: how the generator does its I/O [epoll]"},
    {"--server-pid", "PID", "Also measure the CPU time of this process"},
    {"--data-dir", "DIR",
     "The data directory of a target on this host: also read its own counts of what it limited"},
    {"--hgrm", "FILE", "Write all percentiles, for a plot; .2, .3 is appended for further steps"},
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == at) {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

Endpoint read_target(const ValueFlags& flags) {
  if (!flags.is_given("--target")) {
    refuse(
        "no target: name a node with --target HOST[:PORT]; see "
        "`xord load --help`");
  }
  const HostPort address = parse_node_address(flags.text("--target", ""));
  const Resolved resolved = resolve(address);
  if (resolved.endpoints.empty()) {
    throw Failure(ExitCode::no_answer, address.host + " has no address: " + resolved.error);
  }
  return resolved.endpoints[0];
}

std::array<uint32_t, request_kinds> read_mix(const std::string& written) {
  std::array<uint32_t, request_kinds> mix{};
  constexpr uint64_t share_most = 1'000'000;
  static_assert(request_kinds * share_most <= UINT32_MAX, "shares are summed in 32 bits");
  for (const std::string& part : split(written, ',')) {
    const size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    size_t kind = 0;
    while (kind < request_kinds && name_of(static_cast<RequestKind>(kind)) != name) ++kind;
    const auto share =
        equals == std::string::npos ? std::nullopt : parse_count(part.substr(equals + 1));
    if (kind == request_kinds || !share || *share > share_most) {
      refuse("--mix \"" + part +
             "\" is not KIND=SHARE, with find_node, find_value_hit, find_value_miss, store or ping "
             "as kind and a count as share");
    }
    mix[kind] = static_cast<uint32_t>(*share);
  }
  if (std::all_of(mix.begin(), mix.end(), [](uint32_t share) { return share == 0; })) {
    refuse("--mix \"" + written + "\" asks for nothing: give one kind a share above 0");
  }
  return mix;
}

std::vector<double> read_rates(const ValueFlags& flags) {
  std::vector<double> rates;
  if (!flags.is_given("--rate")) return rates;
  for (const std::string& part : split(flags.text("--rate", ""), ',')) {
    const auto rate = parse_count(part);
    if (!rate || *rate == 0 || static_cast<double>(*rate) > rate_most) {
      refuse("--rate \"" + part + "\" is not a rate from 1 to 10M requests a second");
    }
    rates.push_back(static_cast<double>(*rate));
  }
  if (rates.size() > rates_most) refuse("--rate has more than 64 steps");
  return rates;
}

void read_key_spread(const std::string& written, LoadPlan& plan) {
  if (written == "uniform") return;
  plan.key_spread = Spread::zipf;
  if (written == "zipf") return;
  const std::string head = "zipf:";
  if (written.starts_with(head)) {
    const char* begin = written.data() + head.size();
    const char* end = written.data() + written.size();
    const auto read = std::from_chars(begin, end, plan.zipf_exponent);
    const bool in_range = plan.zipf_exponent > 0 && plan.zipf_exponent <= 10;
    if (read.ec == std::errc{} && read.ptr == end && in_range) return;
  }
  refuse("--key-spread \"" + written + "\" is not uniform, zipf, or zipf:EXPONENT like zipf:1.2");
}

ValueSizes read_value_sizes(const ValueFlags& flags) {
  const std::string written = flags.text("--value-size", "100");
  const size_t dash = written.find('-');
  const auto least = parse_count(written.substr(0, dash));
  const auto most = dash == std::string::npos ? least : parse_count(written.substr(dash + 1));
  if (!least || !most || *least > *most || *most > value_size_most) {
    refuse("--value-size \"" + written + "\" is not N or N-M, with at most " +
           std::to_string(value_size_most) + " bytes");
  }
  const std::string spread = flags.text("--value-spread", "uniform");
  if (spread != "uniform" && spread != "zipf") {
    refuse("--value-spread \"" + spread + "\" is neither uniform nor zipf");
  }
  return {static_cast<uint32_t>(*least), static_cast<uint32_t>(*most),
          spread == "zipf" ? Spread::zipf : Spread::uniform};
}

IoChoice read_io(const std::string& written) {
  if (written == "epoll") return IoChoice::epoll;
  if (written == "uring") return IoChoice::uring;
  if (written == "auto") return IoChoice::automatic;
  refuse("--io \"" + written + "\" is not epoll, uring or auto");
}

CheckDepth read_check(const std::string& written) {
  if (written == "content") return CheckDepth::content;
  if (written == "transaction") return CheckDepth::transaction;
  refuse("--check \"" + written + "\" is neither content nor transaction");
}

void read_load(const ValueFlags& flags, LoadPlan& plan) {
  plan.mix = read_mix(flags.text("--mix", "find_node=100"));
  plan.rates = read_rates(flags);
  plan.window =
      static_cast<uint32_t>(flags.count("--window", 1, window_most).value_or(plan.window));
  plan.slo = flags.duration("--slo", microseconds(1)).value_or(plan.slo);
  plan.length = flags.duration("--duration", milliseconds(10)).value_or(plan.length);
  plan.settling = flags.duration("--warm-up", Duration{}).value_or(plan.settling);
  plan.timeout = flags.duration("--timeout", milliseconds(1)).value_or(plan.timeout);
  plan.seed = flags.count("--seed", 0, UINT64_MAX).value_or(entropy_word());
  plan.check = read_check(flags.text("--check", "content"));
  plan.io = read_io(flags.text("--io", "epoll"));
  plan.server_pid = static_cast<int>(flags.count("--server-pid", 1, INT32_MAX).value_or(0));
  if (plan.server_pid != 0 && !process_time(plan.server_pid)) {
    refuse("--server-pid \"" + flags.text("--server-pid") +
           "\" is not the id of a process that is running on this machine");
  }
  plan.hgrm_file = flags.text("--hgrm", "");
  plan.data_dir = flags.text("--data-dir", "");
}

void read_sources(const ValueFlags& flags, LoadPlan& plan) {
  const uint32_t most = LoadSources::most_for(plan.target);
  plan.sources =
      static_cast<uint32_t>(flags.count("--sources", 1, LoadSources::addresses_max).value_or(16));
  plan.contacts =
      static_cast<uint32_t>(flags.count("--contacts", 0, LoadSources::addresses_max).value_or(0));
  if (plan.sources + plan.contacts > most) {
    refuse("--sources and --contacts are " + std::to_string(plan.sources + plan.contacts) +
           " together: " + plan.target.text() + " can have " + std::to_string(most) +
           " at most; only a target on 127.0.0.0/8 can have more");
  }
  plan.id_change_every = flags.duration("--id-change", microseconds(10)).value_or(Duration{});
  plan.is_filed = flags.is_given("--contacts") || flags.is_given("--id-change");
}

void read_keys(const ValueFlags& flags, LoadPlan& plan) {
  plan.keys = static_cast<uint32_t>(flags.count("--keys", 1, keys_most).value_or(plan.keys));
  read_key_spread(flags.text("--key-spread", "uniform"), plan);
  plan.value_sizes = read_value_sizes(flags);
  plan.near_bits = static_cast<uint32_t>(flags.count("--near-id", 0, 128).value_or(0));
}

}  // namespace

std::optional<LoadPlan> parse_load_flags(Arguments arguments, Terminal& terminal) {
  CLI::App app("Put a node under load and measure how it answers.", "xord load");
  ValueFlags flags(app, value_flags);
  LoadPlan plan;
  bool no_answer = false;
  bool sleep = false;
  app.add_flag("--find-max", plan.find_max, "Search for the highest rate within the limits");
  app.add_flag("--overload", plan.overload,
               "Measure the closed loop, then a flood of as much as can be sent, then recovery");
  app.add_flag("--no-answer", no_answer, "The sources do not answer the node's pings");
  app.add_flag("--stored", plan.keys_are_stored,
               "Do not store the keys for hits: an earlier run with this --seed did");
  app.add_flag("--sleep", sleep, "Sleep between answers, instead of taking a whole core");
  app.add_flag("--json", plan.json, "Print the result as JSON");
  app.footer(
      "Any node that speaks rpcudp will do, including the Python library's. Every reply is "
      "checked.\n"
      "Give the generator a core of its own: it spins.\n"
      "With --contacts or --id-change it leaves contacts in the node's table, and says how many:\n"
      "each is dead from then on, and costs every node that is given it a timeout. Without them a\n"
      "xord is left as it was; a Python node files one id, shared by all xord commands.\n"
      "Exit codes: 0 done, 1 wrong answers, or no rate within the limits, 3 no node answered.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return std::nullopt;
  plan.answer_pings = no_answer ? AnswerPings::no : AnswerPings::yes;
  plan.waiting = sleep ? Waiting::sleep : Waiting::spin;
  plan.target = read_target(flags);
  read_load(flags, plan);
  read_sources(flags, plan);
  read_keys(flags, plan);
  if (plan.keys_are_stored && !flags.is_given("--seed")) {
    refuse("--stored needs the --seed of the run that stored the keys");
  }
  if (!plan.data_dir.empty() && plan.check == CheckDepth::transaction) {
    refuse("--data-dir is of a node: leave it or --check transaction out");
  }
  if (plan.find_max && !plan.rates.empty()) {
    refuse("--find-max looks for a rate itself: leave --rate out");
  }
  if (plan.overload && (plan.find_max || !plan.rates.empty())) {
    refuse("--overload finds its own rates: leave --rate and --find-max out");
  }
  return plan;
}

}  // namespace xord
