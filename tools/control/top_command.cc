// `xord top`: watches the running node of this host, on a terminal as a screen, else as rows.
#include <poll.h>
#include <unistd.h>

#include <memory>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/control/event_stream.h"
#include "tools/control/node_flags.h"
#include "tools/control/top_terminal.h"
#include "tools/control/top_view.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration look_interval = milliseconds(200);  // For signals.
constexpr Duration limits_interval = seconds(3);
constexpr uint64_t rows_a_heading = 20;

// Who takes most, asked over a connection of its own. A node that does not say so is shown without.
class SourcesQuery {
 public:
  explicit SourcesQuery(NodePlace place) : place_(std::move(place)) {}

  void ask_if_due(TopModel& model) {
    const MonotonicTime now = monotonic_time();
    if (now < due_) return;
    due_ = now + limits_interval;
    try {
      if (client_ == nullptr) client_ = open_node(place_);
      model.take_limits(client_->ask({{"command", "limits"}}, seconds(1)));
    } catch (const Failure&) {
      client_.reset();
      model.take_limits({});
    }
  }

 private:
  const NodePlace place_;
  std::unique_ptr<NodeClient> client_;
  MonotonicTime due_;
};

// Prints rows, or events as JSON, until `count` were printed or a signal came.
void print_rows(EventStream& stream, bool is_json, uint64_t count, Terminal& terminal) {
  CHECK(count > 0);
  for (uint64_t printed = 0; printed < count && terminal.out;) {
    if (Interrupt::requested()) return;
    const auto event = stream.next(look_interval);
    if (!event) continue;
    if (is_json) {
      terminal.out << json_text(*event) << '\n';
    } else {
      if (printed % rows_a_heading == 0) terminal.out << top_row_heading() << '\n';
      terminal.out << top_row(*event) << '\n';
    }
    terminal.out.flush();
    ++printed;
  }
}

// The screen, and what keys do to it.
class Watch {
 public:
  Watch(EventStream& stream, const NodePlace& place, bool has_colours)
      : stream_(stream), sources_(place), screen_(has_colours) {}

  // Returns when `count` events have come, a signal or `q`.
  void run(uint64_t count) {
    CHECK(count > 0);
    for (uint64_t seen = 0; !is_over_ && !Interrupt::requested();) {
      wait();
      while (const int key = screen_.key()) press(key);
      bool is_new = false;
      while (auto event = stream_.next(Duration{})) {
        now_.take(std::move(*event));
        is_new = true;
        if (++seen == count) is_over_ = true;
      }
      if (is_new) sources_.ask_if_due(now_);
      if (is_new && !look_.is_paused) shown_ = now_;
      if (is_new || must_draw_) draw();
    }
  }

 private:
  void wait() {
    pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {stream_.descriptor(), POLLIN, 0}};
    if (poll(waiting, 2, static_cast<int>(look_interval.whole_milliseconds())) <= 0) return;
    if ((waiting[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) is_over_ = true;
  }

  void press(int key) {
    must_draw_ = true;
    const auto turn_to = [this](TopPage page) {
      look_.page = look_.page == page ? TopPage::figures : page;
    };
    switch (key) {
      case 'q':
      case 'Q':
        is_over_ = true;
        break;
      case 's':
        look_.order = next_order(look_.order);
        break;
      case 'p':
        look_.is_paused = !look_.is_paused;
        if (!look_.is_paused) shown_ = now_;
        break;
      case 'h':
        turn_to(TopPage::health);
        break;
      case '?':
        turn_to(TopPage::help);
        break;
      default:
        break;
    }
  }

  void draw() {
    must_draw_ = false;
    if (!shown_.event().is_object()) return;  // Nothing has come.
    look_.width = screen_.width();
    look_.height = screen_.height();
    screen_.show(top_screen(shown_, look_));
  }

  EventStream& stream_;
  SourcesQuery sources_;
  TopTerminal screen_;
  TopModel now_;
  TopModel shown_;  // Is behind while paused.
  TopLook look_;
  bool must_draw_ = false;
  bool is_over_ = false;
};

uint64_t count_of(const std::vector<std::string>& texts) {
  if (texts.empty()) return UINT64_MAX;
  const std::string text = one_value("--count", texts);
  const auto count = parse_count(text);
  if (count && *count >= 1) return *count;
  refuse("--count \"" + text + "\" is not a number of events: write one from 1, such as 60");
}

}  // namespace

ExitCode top_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Watch the running node of this host at work, once a second.", "xord top");
  NodeFlags flags;
  std::vector<std::string> count_texts;
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  add_repeatable(app, "--count", count_texts, "End after N events")->type_name("N");
  app.footer(
      "On a terminal: a screen. q ends, s orders sources, p pauses, h shows the health, ? the\n"
      "keys. Into a pipe: one row a second. --json: one event a line (docs/ADMIN.md). Ctrl-C ends\n"
      "it. Exit codes: 0, 4 no node runs, or it ended.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const uint64_t count = count_of(count_texts);
  const NodePlace place = place_of(flags, terminal);
  const Interrupt interrupt;
  EventStream stream(place);
  if (flags.json || !terminal.out_is_terminal || isatty(STDIN_FILENO) != 1) {
    print_rows(stream, flags.json, count, terminal);
  } else {
    terminal.out.flush();
    const bool has_colours = variable(terminal.environment, "NO_COLOR").empty();
    Watch(stream, place, has_colours).run(count);
  }
  return ExitCode::done;
}

}  // namespace xord
