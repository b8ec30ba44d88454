// The work of the warm-up: a list of questions, each repeated until it is answered right, if only
// with the contacts that a node gives to a source that it limits. It is
// paced by a window of open questions, which also respects a protected node's limits for one
// prefix.
#pragma once

#include <functional>

#include "tools/load/load_exchange.h"

namespace xord {

struct TasksDone {
  uint64_t right = 0;
  uint64_t failed = 0;  // Not answered right in attempts_max attempts.
};

class LoadTasks : public ExchangeListener {
 public:
  static constexpr uint32_t attempts_max = 5;

  LoadTasks(LoadExchange& exchange, uint32_t window, Waiting waiting);

  // Asks questions 0..count-1, as made by `question`, which gives each a number of its own, and
  // sets their `planned`. Calls progress(done) now and then. Ends early on an interrupt, or if the
  // first `give_up_after` questions all failed, since the node is then not up.
  TasksDone run(uint64_t count, const std::function<Question(uint64_t)>& question,
                const std::function<void(uint64_t)>& progress);

  void ended(const Question& question, Ending ending, Verdict verdict, Duration latency) override;

 private:
  struct Retry {
    Question question;
    uint32_t attempts;
  };

  LoadExchange& exchange_;
  uint32_t window_;
  Waiting waiting_;
  TasksDone done_;
  std::vector<Retry> retries_;
  std::vector<Retry> open_retries_;  // The few questions being retried, with their attempts.
};

}  // namespace xord
