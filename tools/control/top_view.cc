#include "tools/control/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "node/admission/ledger.h"
#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/base/printable.h"
#include "tools/cli/units.h"

namespace xord {
namespace {

using Json = TopModel::Json;
using Lines = std::vector<TopLine>;

constexpr size_t prefixes_shown = 10;
constexpr std::string_view unknown = "-";

// ---- What an event says; null where it says nothing of the kind.

const Json& member(const Json& object, std::string_view name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(std::string(name));
  return found == object.end() ? none : *found;
}

std::optional<double> number_in(const Json& object, std::string_view name) {
  const Json& value = member(object, name);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string text_in(const Json& object, std::string_view name) {
  const Json& value = member(object, name);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : std::string(unknown);
}

std::optional<double> series(const Json& event, std::string_view name) {
  return number_in(member(event, "series"), name);
}

std::optional<double> sum_of(std::initializer_list<std::optional<double>> parts) {
  double sum = 0;
  for (const auto& part : parts) {
    if (!part) return std::nullopt;
    sum += *part;
  }
  return sum;
}

std::optional<double> requests(const Json& event) {
  return sum_of({series(event, "requests_ping"), series(event, "requests_find_node"),
                 series(event, "requests_find_value"), series(event, "requests_store"),
                 series(event, "requests_stun")});
}

std::optional<double> calls(const Json& event) {
  return sum_of({series(event, "calls_answered"), series(event, "calls_expired"),
                 series(event, "calls_malformed")});
}

std::optional<double> answered_percent(const Json& event) {
  const auto all = calls(event);
  if (!all || *all <= 0) return std::nullopt;
  return 100 * *series(event, "calls_answered") / *all;
}

// ---- Figures as text, in at most seven characters.

std::string figure(std::optional<double> value) {
  if (!value) return std::string(unknown);
  if (*value < 0.05) return "0";
  if (*value < 10) return fmt::format("{:.1f}", *value);
  if (*value < 100'000) return fmt::format("{:.0f}", *value);
  if (*value < 10e6) return fmt::format("{:.0f}k", *value / 1e3);
  return fmt::format("{:.0f}M", *value / 1e6);
}

std::string bytes_figure(std::optional<double> value) {
  if (!value) return std::string(unknown);
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; *value >= 1000 && unit + 1 < units.size(); ++unit) *value /= 1024;
  return fmt::format("{:.{}f} {}", *value, unit > 0 && *value < 10 ? 1 : 0, units[unit]);
}

std::string time_figure(std::optional<double> value) {
  if (!value) return std::string(unknown);
  if (*value >= 1) return fmt::format("{:.1f} s", *value);
  const double milliseconds = *value * 1000;
  return fmt::format("{:.{}f} ms", milliseconds, milliseconds < 10 ? 1 : 0);
}

std::string percent_figure(std::optional<double> value) {
  return value ? fmt::format("{:.0f} %", *value) : std::string(unknown);
}

std::string of_limit(std::optional<double> used, std::optional<double> limit) {
  return limit ? figure(used) + " of " + figure(limit) : figure(used);
}

std::string age(std::optional<double> seconds_passed) {
  constexpr double longest = 100.0 * 366 * 86'400;
  if (!seconds_passed || *seconds_passed < 0 || *seconds_passed > longest) {
    return std::string(unknown);
  }
  return show_age(seconds(static_cast<int64_t>(*seconds_passed)));
}

// ---- Lines.

std::string log_text(const Json& line) {
  std::string text = "--:--:--";
  if (const auto at = number_in(line, "time_s"); at && *at >= 0 && *at < 1e11) {
    const auto whole = static_cast<time_t>(*at);
    std::tm local{};
    if (localtime_r(&whole, &local) != nullptr) {
      text = fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
    }
  }
  text += " " + text_in(line, "level") + " " + text_in(line, "message");
  const Json& fields = member(line, "fields");
  if (!fields.is_object()) return text;
  for (const auto& [name, value] : fields.items()) {
    text += " " + printable(name) + "=";
    text += value.is_string() ? printable(value.get_ref<const std::string&>()) : json_text(value);
  }
  return text;
}

// The first `width` characters of `text`, which is UTF-8 as printable() leaves it.
std::string cut(const std::string& text, uint32_t width) {
  size_t characters = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (begins && characters++ == width) return text.substr(0, at);
  }
  return text;
}

TopTone tone_of_state(const std::string& state) {
  if (state == "ready") return TopTone::good;
  return state == "isolated" || state == "failed" ? TopTone::bad : TopTone::warning;
}

Lines header(const TopModel& model, const TopLook& look) {
  const Json& event = model.event();
  const Json& limits = member(event, "limits");
  const std::string state = text_in(event, "state");
  Lines lines;
  lines.push_back({fmt::format("{}{}  up {}  id {}  {}", look.is_paused ? "[paused] " : "", state,
                               age(number_in(event, "uptime_s")), text_in(event, "id"),
                               text_in(event, "version")),
                   tone_of_state(state)});
  const auto rate = [&event](std::string_view name) { return figure(series(event, name)); };
  lines.push_back({fmt::format(
      "requests/s  ping {}  find_node {}  find_value {}  store {}  stun {}  "
      "in {}/s  out {}/s",
      rate("requests_ping"), rate("requests_find_node"), rate("requests_find_value"),
      rate("requests_store"), rate("requests_stun"), bytes_figure(series(event, "received_bytes")),
      bytes_figure(series(event, "sent_bytes")))});
  lines.push_back({fmt::format(
      "calls/s {}  answered {}  rtt p50 {}  p95 {}  dropped/s {}  "
      "malformed/s {}  limited/s {}",
      figure(calls(event)), percent_figure(answered_percent(event)),
      time_figure(series(event, "call_p50_s")), time_figure(series(event, "call_p95_s")),
      rate("kernel_drops"), rate("malformed"), rate("limited"))});
  lines.push_back({fmt::format(
      "contacts {}  answer {}  nodes {}  records {}  disk free {}  commit p99 {}",
      of_limit(series(event, "contacts"), number_in(limits, "contacts")),
      rate("contacts_answerable"), rate("network_size"),
      of_limit(series(event, "records"), number_in(limits, "records")),
      bytes_figure(series(event, "disk_free_bytes")), time_figure(series(event, "commit_p99_s")))});
  return lines;
}

constexpr const char* shard_format = "{:<8} {:>6} {:>12} {:>10} {:>8} {:>14}";

// At most `room` lines with the heading. If not all shards have room: the busiest.
Lines shard_table(const Json& event, size_t room) {
  const Json& shards = member(event, "shards");
  if (!shards.is_array() || shards.empty() || room < 2) return {};
  std::vector<size_t> order(shards.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const size_t shown = order.size() < room ? order.size() : room - 1;
  if (shown < order.size()) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return number_in(shards[a], "busy") > number_in(shards[b], "busy");
    });
  }
  CHECK(shown < room && shown <= order.size());
  Lines lines;
  const std::string title =
      shown < order.size() ? fmt::format("{} of {}", shown, order.size()) : std::string("SHARD");
  lines.push_back({fmt::format(fmt::runtime(shard_format), title, "BUSY", "REQUESTS/S", "RECORDS",
                               "QUEUE", "LONGEST TURN"),
                   TopTone::heading});
  for (size_t i = 0; i < shown; ++i) {
    const Json& shard = shards[order[i]];
    auto busy = number_in(shard, "busy");
    if (busy) *busy *= 100;
    lines.push_back(
        {fmt::format(fmt::runtime(shard_format), order[i], percent_figure(busy),
                     figure(number_in(shard, "requests")), figure(number_in(shard, "records")),
                     figure(number_in(shard, "queue")), time_figure(number_in(shard, "turn_s")))});
  }
  return lines;
}

// Charges decay: one that stays the same is what comes in within ledger_memory.
std::optional<double> charge_a_second(const Json& prefix, const char* name) {
  auto charged = number_in(member(prefix, "charged"), name);
  if (charged) *charged /= ledger_memory.seconds();
  return charged;
}

const char* charge_of(TopOrder order) {
  constexpr std::array<const char*, 3> names = {"work", "excess", "reads"};
  CHECK(static_cast<size_t>(order) < names.size());
  return names[static_cast<size_t>(order)];
}

uint64_t refused_in(const Json& prefix) {
  constexpr double most = 1e15;
  double refused = 0;
  for (const Json& limit : member(prefix, "limits")) {
    refused += number_in(limit, "refused").value_or(0);
  }
  return static_cast<uint64_t>(std::clamp(refused, 0.0, most));
}

constexpr const char* prefix_format = "{:<24} {:>13} {:>14} {:>9}  {}";

Lines prefix_table(const Json& limits, TopOrder order, size_t room) {
  const Json& prefixes = member(limits, "prefixes");
  if (!prefixes.is_array() || prefixes.empty() || room < 2) return {};
  std::vector<const Json*> sorted;
  for (const Json& each : prefixes) sorted.push_back(&each);
  const char* charge = charge_of(order);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Json* a, const Json* b) {
    return charge_a_second(*a, charge) > charge_a_second(*b, charge);
  });
  sorted.resize(std::min({sorted.size(), prefixes_shown, room - 1}));
  CHECK(!sorted.empty() && sorted.size() < room);
  const auto title = [&](TopOrder column, const char* name) {
    return (column == order ? "*" : "") + std::string(name);
  };
  Lines lines;
  lines.push_back(
      {fmt::format(fmt::runtime(prefix_format), "SOURCES", title(TopOrder::requests, "REQUESTS/S"),
                   title(TopOrder::bytes, "BEYOND ASKED/S"), title(TopOrder::reads, "READS/S"),
                   "LIMITED"),
       TopTone::heading});
  for (const Json* each : sorted) {
    const uint64_t refused = refused_in(*each);
    lines.push_back(
        {fmt::format(fmt::runtime(prefix_format), text_in(*each, "prefix"),
                     figure(charge_a_second(*each, "work")),
                     bytes_figure(charge_a_second(*each, "excess")),
                     figure(charge_a_second(*each, "reads")),
                     refused > 0 ? fmt::format("{} refused", refused) : std::string("no")),
         refused > 0 ? TopTone::warning : TopTone::plain});
  }
  return lines;
}

Lines health_page(const Json& event) {
  constexpr const char* format = "{:<10} {:<6} {}";
  const Json& reasons = member(event, "reasons");
  if (!reasons.is_array() || reasons.empty()) {
    return {{"every check of the health passes", TopTone::good}};
  }
  Lines lines;
  lines.push_back(
      {fmt::format(fmt::runtime(format), "CHECK", "STATUS", "DETAIL"), TopTone::heading});
  for (const Json& each : reasons) {
    const std::string status = text_in(each, "status");
    lines.push_back(
        {fmt::format(fmt::runtime(format), text_in(each, "name"), status, text_in(each, "detail")),
         status == "fail" ? TopTone::bad : TopTone::warning});
  }
  return lines;
}

Lines help_page() {
  return {{"q  end"},
          {"s  order sources by requests, by bytes of answers beyond those asked, by reads (*)"},
          {"p  pause, and go on"},
          {"h  which checks of the health warn or fail"},
          {"?  this page"}};
}

Lines page_of(const TopModel& model, const TopLook& look, size_t room) {
  if (look.page == TopPage::health) return health_page(model.event());
  if (look.page == TopPage::help) return help_page();
  const Json& prefixes = member(model.limits(), "prefixes");
  const size_t sources = prefixes.is_array() ? std::min(prefixes.size(), prefixes_shown) : 0;
  // Sources get up to half, so that 64 shards do not crowd them out.
  const size_t wanted = sources > 0 ? sources + 1 : 0;
  Lines lines = shard_table(model.event(), room - std::min(wanted, room / 2));
  CHECK(lines.size() <= room);
  const Lines more = prefix_table(model.limits(), look.order, room - lines.size());
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

}  // namespace

void TopModel::take(Json event) {
  const Json& lines = member(event, "log");
  if (lines.is_array()) {
    for (const Json& line : lines) log_.push_back(log_text(line));
  }
  while (log_.size() > log_lines_max) log_.pop_front();
  CHECK(log_.size() <= log_lines_max);
  event_ = std::move(event);
}

TopOrder next_order(TopOrder order) {
  CHECK(order <= TopOrder::reads);
  return order == TopOrder::reads ? TopOrder::requests
                                  : static_cast<TopOrder>(static_cast<uint8_t>(order) + 1);
}

std::vector<TopLine> top_screen(const TopModel& model, const TopLook& look) {
  Lines lines = header(model, look);
  Lines end;
  end.push_back({"LOG", TopTone::heading});
  for (const std::string& text : model.log()) end.push_back({text});
  const size_t used = lines.size() + end.size();
  if (look.height > used) {
    Lines page = page_of(model, look, look.height - used);
    page.resize(look.height - used);  // The log is at the bottom.
    lines.insert(lines.end(), page.begin(), page.end());
  }
  lines.insert(lines.end(), end.begin(), end.end());
  if (lines.size() > look.height) lines.resize(look.height);
  for (TopLine& line : lines) line.text = cut(line.text, look.width);
  CHECK(lines.size() <= look.height);
  return lines;
}

// ---- Rows.

namespace {
constexpr const char* row_format =
    "{:<9} {:>10} {:>9} {:>9} {:>8} {:>8} {:>6} {:>6} {:>8} {:>9} {:>8}";
}  // namespace

std::string top_row_heading() {
  return fmt::format(fmt::runtime(row_format), "STATE", "REQUESTS/S", "IN/S", "OUT/S", "ANSWERED",
                     "RTT P95", "BUSY", "QUEUE", "DROPS/S", "CONTACTS", "RECORDS");
}

std::string top_row(const Json& event) {
  auto busy = series(event, "busiest");
  if (busy) *busy *= 100;
  return fmt::format(
      fmt::runtime(row_format), text_in(event, "state"), figure(requests(event)),
      bytes_figure(series(event, "received_bytes")), bytes_figure(series(event, "sent_bytes")),
      percent_figure(answered_percent(event)), time_figure(series(event, "call_p95_s")),
      percent_figure(busy), figure(series(event, "writes_pending")),
      figure(series(event, "kernel_drops")), figure(series(event, "contacts_answerable")),
      figure(series(event, "records")));
}

}  // namespace xord
