// The warm-up's work: a list of questions, each repeated until it is answered right. Paced by a
// window of open questions, which also keeps within what a protected node grants a prefix.
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

  // Asks questions 0..count-1, as `question` makes them; its `planned` is filled in. Calls
  // progress(done) now and then. Ends early when interrupted, or when the first `give_up_after` all
  // failed: nobody is there.
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
  std::vector<Retry> open_retries_;  // Those asked again, to know their attempts; few.
};

}  // namespace xord
