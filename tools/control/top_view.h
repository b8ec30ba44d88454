// What `xord top` shows of a node: pure functions from events (GET /v1/events) to lines of text.
// Whatever is missing in an event, as from a node of another version, is shown as "-". All text is
// printable (reactor/base/printable.h): log lines and prefixes come from the network.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace xord {

// What is known of the node; a copy of it is a screen that does not move.
class TopModel {
 public:
  using Json = nlohmann::ordered_json;
  static constexpr size_t log_lines_max = 5;

  void take(Json event);
  // The result of the control command `limits`.
  void take_limits(Json limits) { limits_ = std::move(limits); }

  const Json& event() const { return event_; }
  const Json& limits() const { return limits_; }
  const std::deque<std::string>& log() const { return log_; }  // The newest last.

 private:
  Json event_;
  Json limits_;
  std::deque<std::string> log_;
};

enum class TopTone : uint8_t { plain, heading, good, warning, bad };
struct TopLine {
  std::string text;
  TopTone tone = TopTone::plain;

  bool operator==(const TopLine&) const = default;
};

// By what source prefixes are ordered.
enum class TopOrder : uint8_t { requests, bytes, reads };
TopOrder next_order(TopOrder order);

enum class TopPage : uint8_t { figures, health, help };

struct TopLook {
  uint32_t width = 80;   // Columns; longer lines are cut.
  uint32_t height = 24;  // Lines; what has no room is left out, the log last.
  TopOrder order = TopOrder::requests;
  TopPage page = TopPage::figures;
  bool is_paused = false;
};

// At most look.height lines of at most look.width characters.
std::vector<TopLine> top_screen(const TopModel& model, const TopLook& look);

// For a pipe: a line for each event, as vmstat(8) prints them, without its newline.
std::string top_row_heading();
std::string top_row(const TopModel::Json& event);

}  // namespace xord
