// `xord stats --watch`: what it prints each second, and that a signal ends it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "node/server/socket/control_socket.h"
#include "tests/temporary_directory.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

// As Ctrl-C would, when the `flushes`-th line has been written.
class InterruptedOutput : public std::stringbuf {
 public:
  explicit InterruptedOutput(int flushes) : flushes_left_(flushes) {}

 private:
  int sync() override {
    if (--flushes_left_ == 0) raise(SIGINT);
    return 0;
  }
  int flushes_left_;
};

struct Counted {
  double uptime;
  uint64_t pings;
  uint64_t finds;
  uint64_t replies;
  uint64_t calls;
  uint64_t stores;
  uint64_t refused;
  uint64_t contacts;
  uint64_t records;
};

Json stats_of(const Counted& counted) {
  return {{"uptime_seconds", counted.uptime},
          {"contacts", counted.contacts},
          {"records", counted.records},
          {"total",
           {{"node",
             {{"requests_ping", counted.pings},
              {"requests_find_node", counted.finds},
              {"replies_sent", counted.replies},
              {"calls_sent", counted.calls},
              {"calls_failed", 1},
              {"stores_acknowledged", counted.stores},
              {"stores_refused", counted.refused}}},
            {"malformed", Json::object()}}}};
}

// The output of `xord stats --watch` until it has flushed so many lines, with these answers.
std::string watched(const std::vector<Json>& answers, int flushes,
                    const std::vector<std::string>& more = {}) {
  const TemporaryDirectory directory;
  size_t asked = 0;
  ControlSocket node(
      directory.path(),
      [&](std::string_view line) {
        EXPECT_EQ(line, "{\"command\":\"stats\"}");
        if (asked > answers.size() + 2) kill(getpid(), SIGINT);  // It should have ended.
        return Json{{"result", answers.at(std::min(asked++, answers.size() - 1))}}.dump();
      },
      [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
  EXPECT_FALSE(node.open());
  std::vector<std::string> words = {"--watch", "--data-dir", directory.path()};
  words.insert(words.end(), more.begin(), more.end());
  InterruptedOutput buffer(flushes);
  std::ostream out(&buffer);
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  EXPECT_EQ(stats_command(words, terminal), ExitCode::done);
  EXPECT_EQ(asked, answers.size());
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  return buffer.str();
}

// The first answer is what the second one is compared with; the third is of a node that started
// again, four seconds ago.
TEST(StatsWatch, EachRowIsWhatCameInEachSecondSinceTheLast) {
  const std::vector<Json> answers = {stats_of({100, 10, 5, 100, 10, 9, 6, 1, 2}),
                                     stats_of({102, 30, 9, 110, 16, 17, 8, 33, 44}),
                                     stats_of({4, 8, 4, 4, 12, 8, 4, 55, 66})};
  EXPECT_EQ(watched(answers, 2),
            "REQUESTS/S   REPLIES/S   CALLS/S  STORES/S  REFUSED/S  CONTACTS     RECORDS\n"
            "        12           5         3         4         1        33          44\n"
            "         3           1         3         2         1        55          66\n");
}

TEST(StatsWatch, WithJsonEachAnswerIsALine) {
  const Json stats = stats_of({100, 10, 5, 100, 10, 9, 6, 1, 2});
  EXPECT_EQ(watched({stats}, 1, {"--json"}), stats.dump() + "\n");
}

}  // namespace
}  // namespace xord
