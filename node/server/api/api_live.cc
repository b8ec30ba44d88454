// What the node does now and did lately: the stream of events, the history and the last log lines.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "node/server/api/api.h"
#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// Of one answer: seven bytes a value, so that two such answers fit into http_answers_bytes_max.
constexpr size_t history_values_max = 75'000;

struct Span {
  std::string_view name;
  size_t length = 0;  // Seconds, as the following.
  size_t unit = 0;    // A step is a multiple of it,
  size_t step = 0;    // by default this,
  size_t step_max = 0;
};
constexpr Span spans[] = {{"minute", 60, 1, 1, 60},
                          {"hour", history_seconds, 1, 5, 600},
                          {"day", history_minutes * 60, 60, 60, 7200}};

struct HistoryWanted {
  const Span* span = nullptr;
  size_t step = 0;
  std::vector<Series> series;
};

// A decimal number; `otherwise` if the query has none, empty if it has nonsense.
std::optional<uint64_t> number_in(std::string_view query, std::string_view name,
                                  uint64_t otherwise) {
  const auto text = query_value(query, name);
  if (!text) return otherwise;
  uint64_t number = 0;
  const char* last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

std::variant<std::vector<Series>, HttpResponse> series_wanted(std::string_view query) {
  std::vector<Series> wanted;
  const auto names = query_value(query, "series");
  std::string_view rest = names ? std::string_view(*names) : std::string_view();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string name(rest.substr(0, end));
    const auto series = series_named(name);
    if (!series) return problem(400, "there is no series \"" + name + "\": see docs/ADMIN.md");
    if (std::find(wanted.begin(), wanted.end(), *series) == wanted.end()) {
      wanted.push_back(*series);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (size_t i = 0; !names && i < series_count; ++i) wanted.push_back(static_cast<Series>(i));
  if (wanted.empty()) return problem(400, "series is a list of names with commas, or left out");
  return wanted;
}

std::variant<HistoryWanted, HttpResponse> history_wanted(std::string_view query) {
  HistoryWanted wanted;
  const std::string name = query_value(query, "span").value_or("hour");
  for (const Span& each : spans) {
    if (each.name == name) wanted.span = &each;
  }
  if (wanted.span == nullptr) return problem(400, "span is minute, hour or day");
  const auto step = number_in(query, "step", wanted.span->step);
  if (!step || *step == 0 || *step > wanted.span->step_max || *step % wanted.span->unit != 0) {
    return problem(400,
                   "step is a number of seconds, for a span of a day of whole minutes: at "
                   "most " +
                       std::to_string(wanted.span->step_max));
  }
  wanted.step = *step;
  auto series = series_wanted(query);
  if (auto* refused = std::get_if<HttpResponse>(&series)) return std::move(*refused);
  wanted.series = std::get<std::vector<Series>>(std::move(series));
  if (wanted.series.size() * (wanted.span->length / wanted.step) > history_values_max) {
    return problem(400, "that is more than " + std::to_string(history_values_max) +
                            " values: ask for fewer series or a larger step");
  }
  return wanted;
}

// "12.5", with five digits; "null" for what is not known.
void append_value(std::string* text, float value) {
  if (std::isnan(value)) {
    *text += "null";
    return;
  }
  char digits[32];
  const auto [end, error] =
      std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::general, 5);
  CHECK(error == std::errc{});
  text->append(digits, end);
}

FigureHistory::Line line_of(const FigureHistory& history, const HistoryWanted& wanted,
                            Series series) {
  const size_t points = wanted.span->length / wanted.step;
  return wanted.span->unit == 1 ? history.seconds_of(series, wanted.step, points)
                                : history.minutes_of(series, wanted.step, points);
}

}  // namespace

std::vector<Route> Api::live_routes() {
  using enum RouteAccess;
  Route events{"GET", "/v1/events", reads, "What the node does, each second", call(&Api::events),
               {}};
  events.content_type = "text/event-stream";
  return {
      std::move(events),
      {"GET",
       "/v1/history",
       reads,
       "What the node did in the last hour or day",
       call(&Api::history),
       {in_query("span", "minute, hour or day"), in_query("step", "seconds that make one value"),
        in_query("series", "names with commas; absent: all")}},
      {"GET",
       "/v1/log",
       reads,
       "The last lines of the log",
       call(&Api::log),
       {in_query("level", "the least: debug, info, warning or error"),
        in_query("limit", "the most lines, 1 to 200"),
        in_query("after", "the number of a line: only later ones")}}};
}

void Api::tick(MonotonicTime now, HttpCounters& counters) {
  feed_.tick(now, counters);
}

void Api::events(const HttpRequest&, const HttpReply& reply) {
  HttpResponse response;
  response.stream = feed_.open();
  if (response.stream == nullptr) {
    response = problem(503,
                       "the node has as many readers of events as it serves: close a page or "
                       "`xord top`",
                       ProblemCode::refused);
    response.fields.push_back({"Retry-After", "5"});
    response.refused_as = HttpCount::events_refused;
    return reply(std::move(response));
  }
  response.content_type = "text/event-stream";
  response.fields.push_back({"Cache-Control", "no-store"});
  reply(std::move(response));
}

// Written as text: a JSON value for each of so many numbers would take some megabytes.
void Api::history(const HttpRequest& request, const HttpReply& reply) {
  auto asked = history_wanted(request.query);
  if (auto* refused = std::get_if<HttpResponse>(&asked)) return reply(std::move(*refused));
  const auto& wanted = std::get<HistoryWanted>(asked);
  int64_t end = 0;
  size_t points = 0;
  std::string lines;
  for (const Series series : wanted.series) {
    const FigureHistory::Line line = line_of(feed_.history(), wanted, series);
    end = line.end;
    points = line.values.size();
    CHECK(points <= wanted.span->length / wanted.step);
    lines += (lines.empty() ? "\"" : ",\"") + std::string(name_of(series)) + "\":[";
    for (size_t i = 0; i < points; ++i) {
      if (i > 0) lines += ',';
      append_value(&lines, line.values[i]);
    }
    lines += ']';
  }
  HttpResponse response;
  response.body = R"({"span":")" + std::string(wanted.span->name) + R"(","step_s":)" +
                  std::to_string(wanted.step) + R"(,"end_s":)" +
                  std::to_string(end + feed_.wall_offset()) + R"(,"points":)" +
                  std::to_string(points) + R"(,"series":{)" + lines + "}}\n";
  response.fields.push_back({"Cache-Control", "no-store"});
  reply(std::move(response));
}

void Api::log(const HttpRequest& request, const HttpReply& reply) {
  const std::string level = query_value(request.query, "level").value_or("debug");
  LogLevel least = LogLevel::off;
  for (const LogLevel each :
       {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (name_of(each) == level) least = each;
  }
  if (least == LogLevel::off) {
    return reply(problem(400, "level is debug, info, warning or error"));
  }
  const auto limit = number_in(request.query, "limit", log_ring_lines);
  const auto after = number_in(request.query, "after", 0);
  if (!limit || *limit == 0 || *limit > log_ring_lines || !after) {
    return reply(problem(400, "limit is a number from 1 to " + std::to_string(log_ring_lines) +
                                  ", after is one, too"));
  }
  ControlJson json = {{"lines", ControlJson::array()}};
  for (const LogLine& line : admin_.log_lines().lines(least, *after, *limit)) {
    json["lines"].push_back(json_of(line));
  }
  reply(json_response(json));
}

}  // namespace xord
