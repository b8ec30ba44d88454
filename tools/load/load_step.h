// One step of a load run: a planned rate or a window, held for a while, and its results. In the
// open loop each request has a time at which it is due, and its latency counts from then even if
// the generator or the node was late, so there is no coordinated omission.
#pragma once

#include <functional>

#include "reactor/base/check.h"
#include "tools/load/histogram.h"
#include "tools/load/load_plan.h"
#include "tools/load/process_time.h"

namespace xord {

struct KindResult {
  uint64_t sent = 0;
  uint64_t lost = 0;
  std::array<uint64_t, verdict_kinds> verdicts{};
  Histogram latency;  // Of all answered requests.

  uint64_t count(Verdict verdict) const { return verdicts[static_cast<size_t>(verdict)]; }
  uint64_t answered() const;  // Right or refused.
  uint64_t wrong() const;
};

// What a step does.
struct StepShape {
  double rate = 0;      // Open loop: requests a second. 0: closed loop.
  uint32_t window = 0;  // Closed loop: requests open at once; no_window: as many as can be sent.
  Duration settling;    // Not measured, precedes `length`.
  Duration length;      // Measured.
};
constexpr uint32_t no_window = UINT32_MAX;
// After a flood we wait for answers only this long: most requests get none.
constexpr Duration flood_drain = milliseconds(200);

// Pings beside the load, from the first value on that got no answer: is anything else answered?
// They are among no other figures.
struct BesideControls {
  uint64_t sent = 0;
  uint64_t lost = 0;
  uint64_t values_sent = 0;  // Hits asked for meanwhile.
  uint64_t values_lost = 0;
};

struct StepResult {
  double rate_planned = 0;  // Requests a second; 0: closed loop.
  uint32_t window = 0;      // Closed loop only.
  Instant ended;            // No request was sent afterwards.
  Duration length;
  uint64_t unsent = 0;  // Planned, but the generator had no room or time: counted as lost.
  Duration late_max;    // The generator's own longest delay of a planned request.
  std::array<KindResult, request_kinds> kinds;
  Histogram latency;
  StrayCounts strays;
  // Answers with contacts that were right again after one that was cut (Verdict::cut).
  uint64_t uncut_again = 0;
  BesideControls beside;
  std::optional<ProcessTime> server;
  bool was_interrupted = false;

  uint64_t sum(uint64_t (KindResult::*member)() const) const;
  uint64_t sent() const;
  uint64_t lost() const;  // Including unsent ones.
  uint64_t answered() const { return sum(&KindResult::answered); }
  uint64_t wrong() const { return sum(&KindResult::wrong) + strays.wrong(); }
  double rate() const;        // Answers a second.
  double loss_share() const;  // Lost, as a share of those planned or sent.
};

// The contents of the progress line, updated once a second.
struct StepProgress {
  Duration elapsed;       // Negative while settling.
  uint64_t answered = 0;  // In the last second, like all below.
  uint64_t lost = 0;
  uint64_t wrong = 0;
  Duration p50;
  Duration p99;
};

// The stream of questions that a plan describes. All steps share it, so that no step stores keys
// that an earlier one stored.
class QuestionStream {
 public:
  QuestionStream(const LoadPlan& plan, LoadSources& sources);
  Question next(Instant now);
  // Sets how many consecutive questions come from one source; at first 1.
  void set_burst(uint32_t questions) {
    CHECK(questions > 0);
    burst_ = burst_left_ = questions;
  }

 private:
  uint64_t free_number();  // For targets and misses.

  const LoadPlan& plan_;
  LoadSources& sources_;
  Rng rng_;
  NumberDraw keys_;
  uint32_t mix_sum_ = 0;
  uint32_t source_ = 0;
  uint32_t burst_ = 1;
  uint32_t burst_left_ = 1;
  uint64_t stores_ = 0;
  uint32_t changed_source_ = 0;
  Instant id_change_at_;
};

class LoadStep : public ExchangeListener {
 public:
  LoadStep(const LoadPlan& plan, LoadExchange& exchange, QuestionStream& questions);

  StepResult run(const StepShape& shape, const std::function<void(const StepProgress&)>& progress);

  void ended(const Question& question, Ending ending, Verdict verdict, Duration latency) override;

 private:
  void ask_planned(Instant now);
  void ask_window(Instant now);
  void ask(Instant planned);
  void ask_control(Instant now);
  // What an answer or its lack says about limits (limit_signs.h).
  void watch_limits(const Question& question, Ending ending, Verdict verdict);
  Instant next_due() const;
  bool is_counted(Instant planned) const { return planned >= counted_from_ && planned < end_; }
  void tell_progress(Instant now, const std::function<void(const StepProgress&)>& progress);

  const LoadPlan& plan_;
  LoadExchange& exchange_;
  QuestionStream& questions_;
  bool may_control_;  // Not where silence has other reasons: no proof, no node.
  StepResult result_;
  Instant begin_;
  Instant counted_from_;
  Instant end_;
  double interval_ = 0;   // Nanoseconds between planned requests.
  uint64_t planned_ = 0;  // Requests planned so far, including settling.
  bool was_cut_ = false;  // The last answer with contacts.
  std::optional<Instant> controls_from_;
  std::optional<Instant> control_at_;  // When the next one is due.
  uint32_t control_source_ = 0;        // Whose value got no answer last.
  Instant told_at_;
  StepProgress second_;
  Histogram second_latency_;
};

}  // namespace xord
