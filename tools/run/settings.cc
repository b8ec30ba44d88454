#include "tools/run/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "node/budget.h"
#include "node/server/config/reload.h"
#include "reactor/base/check.h"
#include "reactor/base/id.h"
#include "tools/cli/failure.h"
#include "tools/cli/node_address.h"
#include "tools/cli/suggest.h"
#include "tools/cli/units.h"
#include "tools/run/admin_text.h"
#include "tools/run/listen_text.h"

namespace xord {
namespace {

using Texts = std::vector<std::string>;

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

template <class Value>
struct Word {
  std::string_view name;
  Value value;
};

// Enumerations are spelled as words.
constexpr std::array<Word<IoChoice>, 3> io_words = {
    {{"auto", IoChoice::automatic}, {"uring", IoChoice::uring}, {"epoll", IoChoice::epoll}}};
constexpr std::array<Word<bool>, 2> on_off_words = {{{"on", true}, {"off", false}}};
constexpr std::array<Word<Durability>, 2> durability_words = {
    {{"sync", Durability::sync}, {"os", Durability::os}}};
constexpr std::array<Word<LogFormat>, 2> log_format_words = {
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr std::array<Word<LogColor>, 3> color_words = {
    {{"auto", LogColor::automatic}, {"always", LogColor::always}, {"never", LogColor::never}}};
constexpr std::array<Word<LogLevel>, 5> log_level_words = {{{"debug", LogLevel::debug},
                                                            {"info", LogLevel::info},
                                                            {"warning", LogLevel::warning},
                                                            {"error", LogLevel::error},
                                                            {"off", LogLevel::off}}};
constexpr std::array<Word<CanaryMode>, 3> canary_words = {
    {{"off", CanaryMode::off}, {"lookup", CanaryMode::lookup}, {"store", CanaryMode::store}}};
constexpr std::array<Word<LimitsMode>, 3> limits_words = {
    {{"off", LimitsMode::off}, {"dry-run", LimitsMode::dry_run}, {"on", LimitsMode::on}}};
static_assert(log_level_words.size() == static_cast<size_t>(LogLevel::off) + 1);
static_assert(contacts_bounds.most <= UINT32_MAX);

template <class Value, size_t count>
Value parse_word(const std::array<Word<Value>, count>& words, const std::string& text) {
  std::string all;
  std::vector<std::string_view> names;
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const auto& word : words) {
    if (word.name == lower) return word.value;
    if (!all.empty()) all += word.name == words.back().name ? " or " : ", ";
    all += word.name;
    names.push_back(word.name);
  }
  throw BadValue(quoted(text) + " is not known: write " + all + suggestion(lower, names));
}

template <class Value, size_t count>
Texts show_word(const std::array<Word<Value>, count>& words, Value value) {
  const auto same = [&](const Word<Value>& word) { return word.value == value; };
  const auto word = std::find_if(words.begin(), words.end(), same);
  CHECK(word != words.end());
  return {std::string(word->name)};
}

Duration parse_duration_in(const std::string& text, const Bounds<Duration>& bounds) {
  const auto duration = parse_duration(text);
  if (!duration) {
    throw BadValue(quoted(text) +
                   " is not a duration: write a number and a unit, such as 7d, 12h or 500ms");
  }
  if (!bounds.contain(*duration)) {
    throw BadValue(quoted(text) + " is out of range: write at least " +
                   show_duration(bounds.least) + " and at most " + show_duration(bounds.most));
  }
  return *duration;
}

uint64_t in_range(std::optional<uint64_t> value, const std::string& text,
                  const Bounds<uint64_t>& bounds, std::string (*show)(uint64_t),
                  const std::string& form) {
  if (!value) throw BadValue(quoted(text) + " is not " + form);
  if (!bounds.contain(*value)) {
    throw BadValue(quoted(text) + " is out of range: write at least " + show(bounds.least) +
                   " and at most " + show(bounds.most));
  }
  return *value;
}

std::string show_count(uint64_t count) {
  return std::to_string(count);
}

uint64_t parse_count_in(const std::string& text, const Bounds<uint64_t>& bounds) {
  return in_range(parse_count(text), text, bounds, show_count,
                  "a number: write digits, such as 1000");
}

uint64_t parse_size_in(const std::string& text, const Bounds<uint64_t>& bounds) {
  return in_range(parse_size(text), text, bounds, show_size,
                  "a size: write a number of bytes, or one with a unit, such as 64MiB or 2G");
}

uint32_t parse_shards(const std::string& text) {
  if (text == "auto") return 0;
  const auto count = parse_count(text);
  if (!count || *count < 1 || *count > shards_max) {
    throw BadValue(quoted(text) + " is not a number of shards: write auto, or 1 to " +
                   std::to_string(shards_max));
  }
  return static_cast<uint32_t>(*count);
}

uint64_t parse_memory(const std::string& text) {
  return text == "auto" ? 0 : parse_size_in(text, memory_bounds);
}

double parse_amplification(const std::string& text) {
  double value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
  if (error != std::errc{} || end != last || !amplification_bounds.contain(value)) {
    throw BadValue(quoted(text) + " is not a factor: write a number from 0 to 1000, such as 1.0");
  }
  return value;
}

bool parse_yes_or_no(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw BadValue(quoted(text) + " is neither true nor false");
}

Subnet parse_subnet(const std::string& text) {
  const auto subnet = Subnet::parse(text);
  if (subnet) return *subnet;
  throw BadValue(quoted(text) +
                 " is not a network: write an address, a slash and the length of the prefix, with "
                 "no bit set after it, such as 10.0.0.0/8 or 2001:db8::/32");
}

std::string show_subnet(const Subnet& subnet) {
  return subnet.text();
}

LimitFactor parse_limit_factor(const std::string& text) {
  const size_t equals = text.find('=');
  const auto net = Subnet::parse(text.substr(0, equals));
  const auto factor =
      equals == std::string::npos ? std::nullopt : parse_count(text.substr(equals + 1));
  if (!net || !factor || !limit_factor_bounds.contain(*factor)) {
    throw BadValue(quoted(text) +
                   " is not a network and its factor: write a network with no bit "
                   "set after its prefix, =, and a factor from " +
                   show_count(limit_factor_bounds.least) + " to " +
                   show_count(limit_factor_bounds.most) + ", such as 198.51.100.7/32=50");
  }
  return {*net, static_cast<uint32_t>(*factor)};
}

std::string show_limit_factor(const LimitFactor& factor) {
  return factor.net.text() + "=" + std::to_string(factor.factor);
}

void apply_limit_factors(ServerConfig& config, const Texts& texts) {
  if (texts.size() > limit_factors_max) {
    throw BadValue("has " + std::to_string(texts.size()) + " networks: name at most " +
                   std::to_string(limit_factors_max));
  }
  std::vector<LimitFactor> parsed;
  for (const std::string& text : texts) {
    const LimitFactor factor = parse_limit_factor(text);
    for (const LimitFactor& other : parsed) {
      if (other.net != factor.net) continue;
      throw BadValue(quoted(text) + " contradicts " + quoted(show_limit_factor(other)) +
                     ": name each network once");
    }
    parsed.push_back(factor);
  }
  config.limits.factors = parsed;
}

std::string show_double(double value) {
  char buffer[1100];  // The longest double in this form has 1,077 characters.
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  const std::string text(buffer, error == std::errc{} ? end : buffer);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

void apply_listen(ServerConfig& config, const Texts& texts) {
  if (texts.empty()) throw BadValue("is empty: name at least one address, such as 0.0.0.0:8468");
  if (texts.size() > listen_max) {
    throw BadValue("has " + std::to_string(texts.size()) + " addresses: name at most " +
                   std::to_string(listen_max));
  }
  std::vector<ListenAddress> parsed;
  for (const std::string& text : texts) {
    const ListenAddress address = parse_listen(text);
    const bool is_twice = std::any_of(parsed.begin(), parsed.end(), [&](const auto& other) {
      return other.dialect == address.dialect && other.endpoint == address.endpoint;
    });
    if (is_twice && address.endpoint.port != 0) {
      throw BadValue(quoted(text) + " is given twice: name each address once");
    }
    parsed.push_back(address);
  }
  config.listen = parsed;
}

// "off" alone, or no address, is none.
void apply_admin(ServerConfig& config, const Texts& texts) {
  config.admin.clear();
  if (texts == Texts{"off"}) return;
  if (texts.size() > admin_addresses_max) {
    throw BadValue("has " + std::to_string(texts.size()) + " addresses: name at most " +
                   std::to_string(admin_addresses_max));
  }
  for (const std::string& text : texts) {
    if (text == "off") throw BadValue("is both off and an address: write one of them");
    const AdminAddress address = parse_admin(text);
    const auto is_same = [&](const AdminAddress& other) {
      return other.endpoint == address.endpoint && other.path == address.path;
    };
    const bool is_twice = std::any_of(config.admin.begin(), config.admin.end(), is_same);
    if (is_twice && (address.endpoint.port != 0 || !address.path.empty())) {
      throw BadValue(quoted(text) + " is given twice: name each address once");
    }
    config.admin.push_back(address);
  }
}

Texts show_admins(const ServerConfig& config) {
  Texts texts;
  for (const AdminAddress& address : config.admin) texts.push_back(show_admin(address));
  return texts.empty() ? Texts{"off"} : texts;
}

void apply_admin_hosts(ServerConfig& config, const Texts& texts) {
  if (texts.size() > admin_hosts_max) {
    throw BadValue("has " + std::to_string(texts.size()) + " hosts: name at most " +
                   std::to_string(admin_hosts_max));
  }
  for (const std::string& text : texts) {
    const bool is_plain = !text.empty() && text.find_first_of("/ []") == std::string::npos;
    const bool has_port = text.find(':') != std::string::npos && !IpAddress::parse(text);
    if (is_plain && !has_port) continue;
    throw BadValue(quoted(text) +
                   " is not a host: write a name or an address without a port, such as "
                   "dht.example.org");
  }
  config.admin_hosts = texts;
}

void apply_bootstrap(ServerConfig& config, const Texts& texts) {
  std::vector<std::string> addresses;
  for (const std::string& text : texts) {
    try {
      addresses.push_back(text_of(parse_node_address(text)));
    } catch (const Failure& failure) {
      throw BadValue(failure.what());
    }
  }
  config.bootstrap = addresses;
}

void apply_fleet_nets(ServerConfig& config, const Texts& texts) {
  if (texts.size() > fleet_nets_max) {
    throw BadValue("has " + std::to_string(texts.size()) + " networks: name at most " +
                   std::to_string(fleet_nets_max));
  }
  config.fleet_nets.clear();
  for (const std::string& text : texts) config.fleet_nets.push_back(parse_subnet(text));
}

void apply_data_dir(ServerConfig& config, const Texts& texts) {
  if (texts[0].empty()) throw BadValue("is empty: name a directory");
  config.data_dir = texts[0];
}

template <class Value>
Texts show_each(const std::vector<Value>& values, std::string (*show)(const Value&)) {
  Texts texts;
  for (const Value& value : values) texts.push_back(show(value));
  return texts;
}

using Config = ServerConfig;

const std::array<Setting, 37> table = {{
    {"listen", "[SCHEME://]ADDR:PORT[?]",
     "Address to serve on; repeats. Port 0 takes a free one, which the log names; with ? a host "
     "without IPv6 (or IPv4) skips it",
     Arity::many, apply_listen, [](const Config& c) { return show_each(c.listen, show_listen); }},
    {"bootstrap", "HOST[:PORT]", "A node of the network to join; repeats. None: start a network",
     Arity::many, apply_bootstrap, [](const Config& c) { return c.bootstrap; }},
    {"data-dir", "DIR", "Where the id, the contacts and the records are kept", Arity::one,
     apply_data_dir, [](const Config& c) { return Texts{c.data_dir}; }},
    {"allow-network-file-system", "", "Accept a data directory on a network file system",
     Arity::yes_or_no,
     [](Config& c, const Texts& t) { c.allow_network_file_system = parse_yes_or_no(t[0]); },
     [](const Config& c) { return Texts{c.allow_network_file_system ? "true" : "false"}; }},
    {"shards", "N", "Threads that serve; auto: one per core that the process may use", Arity::one,
     [](Config& c, const Texts& t) { c.shards = parse_shards(t[0]); },
     [](const Config& c) { return Texts{c.shards == 0 ? "auto" : std::to_string(c.shards)}; }},
    {"io", "auto|uring|epoll", "How datagrams are read and written; auto: io_uring where allowed",
     Arity::one, [](Config& c, const Texts& t) { c.io = parse_word(io_words, t[0]); },
     [](const Config& c) { return show_word(io_words, c.io); }},
    {"steering", "on|off", "Have the kernel hand each datagram to the thread that owns its key",
     Arity::one, [](Config& c, const Texts& t) { c.steering = parse_word(on_off_words, t[0]); },
     [](const Config& c) { return show_word(on_off_words, c.steering); }},
    {"pin-threads", "on|off", "Keep each of these threads on a core of its own", Arity::one,
     [](Config& c, const Texts& t) { c.has_pinned_threads = parse_word(on_off_words, t[0]); },
     [](const Config& c) { return show_word(on_off_words, c.has_pinned_threads); }},
    {"admin", "ADDR:PORT[?]|unix:PATH|off",
     "Address of the admin port, for the HTTP API; repeats. With ? it is left out if it is taken",
     Arity::many, apply_admin, show_admins},
    {"admin-token-file", "FILE",
     "File of mode 0600 with the token for changes over TCP, and for other hosts", Arity::one,
     [](Config& c, const Texts& t) { c.admin_token_file = t[0]; },
     [](const Config& c) { return Texts{c.admin_token_file}; }},
    {"admin-hosts", "HOST", "Further names by which the admin port is called; repeats", Arity::many,
     apply_admin_hosts, [](const Config& c) { return c.admin_hosts; }},
    {"admin-open", "", "Let other hosts read health and metrics without a token", Arity::yes_or_no,
     [](Config& c, const Texts& t) { c.admin_is_open = parse_yes_or_no(t[0]); },
     [](const Config& c) { return Texts{c.admin_is_open ? "true" : "false"}; }},
    {"metrics-shards", "on|off", "Show figures of single shards in the metrics; off sums them",
     Arity::one,
     [](Config& c, const Texts& t) { c.has_metrics_by_shard = parse_word(on_off_words, t[0]); },
     [](const Config& c) { return show_word(on_off_words, c.has_metrics_by_shard); }},
    {"log-level", "LEVEL", "debug, info, warning, error or off", Arity::one,
     [](Config& c, const Texts& t) { c.log_level = parse_word(log_level_words, t[0]); },
     [](const Config& c) { return show_word(log_level_words, c.log_level); }},
    {"log-format", "text|json", "Log lines for people, or one JSON object per line", Arity::one,
     [](Config& c, const Texts& t) { c.log_format = parse_word(log_format_words, t[0]); },
     [](const Config& c) { return show_word(log_format_words, c.log_format); }},
    {"color", "auto|always|never",
     "Colours in the log; auto: on a terminal, unless NO_COLOR is set", Arity::one,
     [](Config& c, const Texts& t) { c.log_color = parse_word(color_words, t[0]); },
     [](const Config& c) { return show_word(color_words, c.log_color); }},
    {"amplification-max", "X",
     "Most bytes sent to a source that has not proven its address, per byte it sent", Arity::one,
     [](Config& c, const Texts& t) { c.amplification_max = parse_amplification(t[0]); },
     [](const Config& c) { return Texts{show_double(c.amplification_max)}; }},
    {"trusted-net", "CIDR", "Sources that need no proof, however much is sent to them; repeats",
     Arity::many,
     [](Config& c, const Texts& texts) {
       c.trusted_nets.clear();
       for (const std::string& text : texts) c.trusted_nets.push_back(parse_subnet(text));
     },
     [](const Config& c) { return show_each(c.trusted_nets, show_subnet); }},
    {"limits", "off|dry-run|on",
     "Keep each address and prefix from taking more than its share; dry-run: only count",
     Arity::one, [](Config& c, const Texts& t) { c.limits.mode = parse_word(limits_words, t[0]); },
     [](const Config& c) { return show_word(limits_words, c.limits.mode); }},
    {"limit-excess", "SIZE",
     "Bytes a second of answers beyond those of their requests, for one address", Arity::one,
     [](Config& c, const Texts& t) {
       c.limits.excess_a_second = parse_size_in(t[0], limit_excess_bounds);
     },
     [](const Config& c) { return Texts{show_size(c.limits.excess_a_second)}; }},
    {"limit-reads", "N", "Values read from disk a second for one address", Arity::one,
     [](Config& c, const Texts& t) {
       c.limits.reads_a_second = parse_count_in(t[0], limit_reads_bounds);
     },
     [](const Config& c) { return Texts{std::to_string(c.limits.reads_a_second)}; }},
    {"limit-for", "CIDR=FACTOR", "Sources that may take FACTOR times as much; repeats", Arity::many,
     apply_limit_factors,
     [](const Config& c) { return show_each(c.limits.factors, show_limit_factor); }},
    {"limit-loopback", "", "Limit sources on this host, too", Arity::yes_or_no,
     [](Config& c, const Texts& t) { c.limits.limits_loopback = parse_yes_or_no(t[0]); },
     [](const Config& c) { return Texts{c.limits.limits_loopback ? "true" : "false"}; }},
    {"fleet-net", "CIDR", "Own nodes that are exempt from the table's limits by prefix; repeats",
     Arity::many, apply_fleet_nets,
     [](const Config& c) { return show_each(c.fleet_nets, show_subnet); }},
    {"allow-private-contacts", "", "Ask nodes at private addresses that public nodes name",
     Arity::yes_or_no,
     [](Config& c, const Texts& t) { c.allow_private_contacts = parse_yes_or_no(t[0]); },
     [](const Config& c) { return Texts{c.allow_private_contacts ? "true" : "false"}; }},
    {"disjoint-paths", "D", "Paths of each get, set and find that share no node; 1 to 8",
     Arity::one,
     [](Config& c, const Texts& t) {
       c.disjoint_paths = static_cast<uint32_t>(parse_count_in(t[0], {1, lookup_paths_max}));
     },
     [](const Config& c) { return Texts{std::to_string(c.disjoint_paths)}; }},
    {"ttl", "DURATION", "How long a record lives after it was published", Arity::one,
     [](Config& c, const Texts& t) { c.ttl = parse_duration_in(t[0], ttl_bounds); },
     [](const Config& c) { return Texts{show_duration(c.ttl)}; }},
    {"commit-window", "DURATION", "How long a batch waits for more stores before it is written",
     Arity::one,
     [](Config& c, const Texts& t) {
       c.commit_window = parse_duration_in(t[0], commit_window_bounds);
     },
     [](const Config& c) { return Texts{show_duration(c.commit_window)}; }},
    {"durability", "sync|os",
     "sync: an acknowledged store survives power loss; os: it survives kill -9", Arity::one,
     [](Config& c, const Texts& t) { c.durability = parse_word(durability_words, t[0]); },
     [](const Config& c) { return show_word(durability_words, c.durability); }},
    {"records-max", "N", "Most records kept", Arity::one,
     [](Config& c, const Texts& t) { c.records_max = parse_count_in(t[0], records_bounds); },
     [](const Config& c) { return Texts{std::to_string(c.records_max)}; }},
    {"memory-max", "SIZE",
     "Memory for the index of the records and for values; auto: 1GiB, or less if the host has less",
     Arity::one, [](Config& c, const Texts& t) { c.memory_max = parse_memory(t[0]); },
     [](const Config& c) { return Texts{c.memory_max == 0 ? "auto" : show_size(c.memory_max)}; }},
    {"storage-max", "SIZE", "Most bytes of values on disk", Arity::one,
     [](Config& c, const Texts& t) { c.storage_max = parse_size_in(t[0], storage_bounds); },
     [](const Config& c) { return Texts{show_size(c.storage_max)}; }},
    {"contacts-max", "N", "Most contacts in the routing table", Arity::one,
     [](Config& c, const Texts& t) {
       c.contacts_max = static_cast<uint32_t>(parse_count_in(t[0], contacts_bounds));
     },
     [](const Config& c) { return Texts{std::to_string(c.contacts_max)}; }},
    {"drain-max", "DURATION", "How long calls in progress may take to finish after SIGTERM",
     Arity::one,
     [](Config& c, const Texts& t) { c.drain_max = parse_duration_in(t[0], drain_bounds); },
     [](const Config& c) { return Texts{show_duration(c.drain_max)}; }},
    {"drain-delay", "DURATION",
     "How long the node serves on after SIGTERM while it says that it ends", Arity::one,
     [](Config& c, const Texts& t) { c.drain_delay = parse_duration_in(t[0], drain_bounds); },
     [](const Config& c) { return Texts{show_duration(c.drain_delay)}; }},
    {"ready-contacts", "N", "Contacts that must answer for the node to be ready", Arity::one,
     [](Config& c, const Texts& t) {
       c.ready_contacts = static_cast<uint32_t>(parse_count_in(t[0], ready_contacts_bounds));
     },
     [](const Config& c) { return Texts{std::to_string(c.ready_contacts)}; }},
    {"canary", "lookup|store|off",
     "Test the network each minute by a lookup of a random id, or by storing a value, too",
     Arity::one, [](Config& c, const Texts& t) { c.canary = parse_word(canary_words, t[0]); },
     [](const Config& c) { return show_word(canary_words, c.canary); }},
}};

}  // namespace

std::string Setting::environment_name() const {
  std::string result = "XORD_";
  for (const char c : name) {
    result += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return result;
}

bool Setting::is_reloadable() const {
  const Choice* choice = find_choice(name);
  CHECK(choice != nullptr);  // The server has the same names.
  return choice->takes == Takes::at_once;
}

ServerConfig default_config() {
  ServerConfig config;
  config.admin = default_admin();
  return config;
}

std::span<const Setting> settings() {
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names;
  for (const Setting& setting : table) names.push_back(setting.name);
  return names;
}

}  // namespace xord
