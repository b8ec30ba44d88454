#include "tools/load/load_tasks.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "tools/cli/interrupt.h"

namespace xord {
namespace {

constexpr uint64_t give_up_after = 2048;

}  // namespace

LoadTasks::LoadTasks(LoadExchange& exchange, uint32_t window, Waiting waiting)
    : exchange_(exchange), window_(window), waiting_(waiting) {
  CHECK(window > 0);
}

TasksDone LoadTasks::run(uint64_t count, const std::function<Question(uint64_t)>& question,
                         const std::function<void(uint64_t)>& progress) {
  done_ = {};
  uint64_t asked = 0;
  while (done_.right + done_.failed < count && !Interrupt::requested()) {
    const Instant now = exchange_.now();
    while (exchange_.open_count() < window_ && exchange_.can_ask()) {
      Question next;
      if (asked < count) {
        next = question(asked++);
      } else if (!retries_.empty()) {
        open_retries_.push_back(retries_.back());
        next = retries_.back().question;
        retries_.pop_back();
      } else {
        break;
      }
      next.planned = now;
      exchange_.ask(next);
    }
    exchange_.turn(waiting_, now + milliseconds(100));
    progress(done_.right);
    if (done_.right == 0 && done_.failed >= give_up_after) break;
  }
  // The open questions of a run that gave up must not end in the next one.
  while (exchange_.open_count() > 0 && !Interrupt::requested()) {
    exchange_.turn(waiting_, exchange_.now() + milliseconds(100));
  }
  return done_;
}

void LoadTasks::ended(const Question& question, Ending ending, Verdict verdict, Duration) {
  uint32_t attempts = 1;
  const auto again =
      std::find_if(open_retries_.begin(), open_retries_.end(),
                   [&](const Retry& retry) { return retry.question.number == question.number; });
  if (again != open_retries_.end()) {
    attempts = again->attempts + 1;
    *again = open_retries_.back();
    open_retries_.pop_back();
  }
  CHECK(attempts <= attempts_max);
  const bool is_served = verdict == Verdict::right || verdict == Verdict::cut;
  if (ending == Ending::answered && is_served) {
    ++done_.right;
  } else if (attempts >= attempts_max) {
    ++done_.failed;
  } else {
    retries_.push_back({question, attempts});
  }
}

}  // namespace xord
