#include "tools/load/load_step.h"

#include <algorithm>
#include <cmath>

#include "reactor/base/check.h"
#include "tools/cli/interrupt.h"

namespace xord {
namespace {

StrayCounts difference(const StrayCounts& later, const StrayCounts& earlier) {
  CHECK(later.wrong() >= earlier.wrong() && later.late >= earlier.late);
  StrayCounts since;
  since.unknown_transaction = later.unknown_transaction - earlier.unknown_transaction;
  since.late = later.late - earlier.late;
  since.wrong_source = later.wrong_source - earlier.wrong_source;
  since.malformed = later.malformed - earlier.malformed;
  since.strangers = later.strangers - earlier.strangers;
  since.pings_answered = later.pings_answered - earlier.pings_answered;
  since.pings_ignored = later.pings_ignored - earlier.pings_ignored;
  since.requests = later.requests - earlier.requests;
  return since;
}

// Few enough to be no load, and evenly spaced, so that a pause of the node hits them like the rest.
constexpr Duration control_interval = milliseconds(10);

// A ping of the load itself has no domain.
constexpr IdDomain control_domain = IdDomain::sources;
static_assert(Question{}.domain != control_domain);
bool is_control(const Question& question) {
  return question.kind == RequestKind::ping && question.domain == control_domain;
}

}  // namespace

uint64_t KindResult::answered() const {
  return count(Verdict::right) + count(Verdict::refused);
}

uint64_t KindResult::wrong() const {
  uint64_t all = 0;
  for (const uint64_t each : verdicts) all += each;
  return all - answered();
}

uint64_t StepResult::sum(uint64_t (KindResult::*member)() const) const {
  uint64_t all = 0;
  for (const KindResult& kind : kinds) all += (kind.*member)();
  return all;
}

uint64_t StepResult::sent() const {
  uint64_t all = 0;
  for (const KindResult& kind : kinds) all += kind.sent;
  return all;
}

uint64_t StepResult::lost() const {
  uint64_t all = unsent;
  for (const KindResult& kind : kinds) all += kind.lost;
  return all;
}

double StepResult::rate() const {
  return length.nanoseconds == 0 ? 0 : static_cast<double>(answered()) / length.seconds();
}

double StepResult::loss_share() const {
  const uint64_t all = sent() + unsent;
  return all == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(all);
}

QuestionStream::QuestionStream(const LoadPlan& plan, LoadSources& sources)
    : plan_(plan),
      sources_(sources),
      rng_(plan.seed),
      keys_(plan.key_spread == Spread::zipf ? NumberDraw::zipf(plan.keys, plan.zipf_exponent)
                                            : NumberDraw::uniform(plan.keys)) {
  for (const uint32_t weight : plan.mix) mix_sum_ += weight;
  CHECK(mix_sum_ > 0);
  CHECK(plan.sources >= 1 && plan.sources <= sources.count());
}

// Uniform: a number that no other request has. Zipf: popular numbers recur.
uint64_t QuestionStream::free_number() {
  return plan_.key_spread == Spread::zipf ? keys_.draw(rng_) : rng_.next();
}

Question QuestionStream::next(Instant now) {
  if (plan_.id_change_every.nanoseconds > 0 && now >= id_change_at_) {
    sources_.change_id(changed_source_);
    changed_source_ = (changed_source_ + 1) % plan_.sources;
    id_change_at_ = now + plan_.id_change_every;
  }
  DCHECK(source_ < plan_.sources && burst_left_ > 0);
  Question question;
  question.source = source_;
  if (--burst_left_ == 0) {
    burst_left_ = burst_;
    source_ = source_ + 1 == plan_.sources ? 0 : source_ + 1;
  }
  uint64_t drawn = rng_.bounded(mix_sum_);
  size_t kind = 0;
  while (drawn >= plan_.mix[kind]) drawn -= plan_.mix[kind++];
  DCHECK(kind < request_kinds);
  question.kind = static_cast<RequestKind>(kind);
  switch (question.kind) {
    case RequestKind::find_node:
      question.domain = IdDomain::targets;
      question.number = free_number();
      break;
    case RequestKind::find_value_hit:
      question.domain = IdDomain::hits;
      question.number = keys_.draw(rng_);
      break;
    case RequestKind::find_value_miss:
      question.domain = IdDomain::misses;
      question.number = free_number();
      break;
    case RequestKind::store:
      question.domain = IdDomain::stores;
      question.number = stores_++;
      break;
    case RequestKind::ping:
    case RequestKind::count:
      break;
  }
  return question;
}

LoadStep::LoadStep(const LoadPlan& plan, LoadExchange& exchange, QuestionStream& questions)
    : plan_(plan),
      exchange_(exchange),
      questions_(questions),
      may_control_(plan.check == CheckDepth::content && plan.answer_pings == AnswerPings::yes) {}

StepResult LoadStep::run(const StepShape& shape,
                         const std::function<void(const StepProgress&)>& progress) {
  CHECK(shape.rate > 0 || shape.window > 0);
  CHECK(shape.settling >= Duration{} && shape.length > Duration{});
  const double rate = shape.rate;
  result_ = {};
  result_.rate_planned = rate;
  result_.window = rate > 0 ? 0 : shape.window;
  result_.length = shape.length;
  interval_ = rate > 0 ? 1e9 / rate : 0;
  planned_ = 0;
  was_cut_ = false;
  controls_from_.reset();
  control_at_.reset();
  begin_ = told_at_ = exchange_.now();
  counted_from_ = begin_ + shape.settling;
  end_ = counted_from_ + shape.length;
  std::optional<ProcessTime> server_before;
  StrayCounts strays_before;
  bool is_settled = false;
  for (Instant now = begin_; now < end_ && !Interrupt::requested(); now = exchange_.now()) {
    if (!is_settled && now >= counted_from_) {
      is_settled = true;
      strays_before = exchange_.strays();
      if (plan_.server_pid != 0) server_before = process_time(plan_.server_pid);
    }
    ask_control(now);
    rate > 0 ? ask_planned(now) : ask_window(now);
    const Instant due = rate > 0 ? next_due() : now + milliseconds(100);
    exchange_.turn(plan_.waiting, control_at_ ? std::min(due, *control_at_) : due);
    tell_progress(now, progress);
  }
  if (server_before) {
    const auto server_after = process_time(plan_.server_pid);
    if (server_after) result_.server = *server_after - *server_before;
  }
  if (Interrupt::requested()) {
    result_.was_interrupted = true;
    result_.length = std::max(exchange_.now() - counted_from_, Duration{});
    end_ = exchange_.now();
  }
  // Requests that were planned within the step and never sent.
  if (rate > 0) {
    const auto due =
        static_cast<uint64_t>(static_cast<double>((end_ - begin_).nanoseconds) / interval_);
    if (due > planned_) result_.unsent = due - planned_;
  }
  result_.ended = exchange_.now();
  while (exchange_.open_count() > 0) {
    exchange_.turn(plan_.waiting, exchange_.now() + milliseconds(10));
    const bool is_flood = shape.rate == 0 && shape.window == no_window;
    if (is_flood && exchange_.now() - result_.ended > flood_drain) exchange_.give_up_open();
  }
  result_.strays = difference(exchange_.strays(), strays_before);
  return result_;
}

Instant LoadStep::next_due() const {
  DCHECK(interval_ > 0);  // In the open loop only.
  return begin_ + nanoseconds(static_cast<int64_t>(static_cast<double>(planned_) * interval_));
}

void LoadStep::ask_planned(Instant now) {
  for (Instant due = next_due(); due <= now && exchange_.can_ask(); due = next_due()) {
    if (is_counted(due)) result_.late_max = std::max(result_.late_max, now - due);
    ++planned_;
    ask(due);
  }
}

void LoadStep::ask_window(Instant now) {
  while (exchange_.open_count() < result_.window && exchange_.can_ask()) ask(now);
}

void LoadStep::ask(Instant planned) {
  Question question = questions_.next(planned);
  question.planned = planned;
  if (is_counted(planned)) ++result_.kinds[static_cast<size_t>(question.kind)].sent;
  exchange_.ask(question);
}

void LoadStep::ask_control(Instant now) {
  if (!control_at_ || now < *control_at_ || !exchange_.can_ask()) return;
  if (!controls_from_) controls_from_ = now;
  control_at_ = now + control_interval;
  exchange_.ask({RequestKind::ping, control_source_, 0, control_domain, now});
  ++result_.beside.sent;
}

void LoadStep::watch_limits(const Question& question, Ending ending, Verdict verdict) {
  const bool is_lost = ending == Ending::lost;
  if (question.kind == RequestKind::find_value_hit) {
    const bool is_beside = controls_from_ && question.planned >= *controls_from_;
    result_.beside.values_sent += is_beside;
    result_.beside.values_lost += is_beside && is_lost;
    if (is_lost && may_control_) {
      control_source_ = question.source;
      if (!controls_from_) control_at_ = begin_;  // At once.
    }
  } else if (question.kind == RequestKind::find_node ||
             question.kind == RequestKind::find_value_miss) {
    if (is_lost) return;
    result_.uncut_again += was_cut_ && verdict == Verdict::right;
    was_cut_ = verdict == Verdict::cut;
  }
}

void LoadStep::ended(const Question& question, Ending ending, Verdict verdict, Duration latency) {
  DCHECK(question.kind < RequestKind::count);
  DCHECK(ending == Ending::lost || verdict < Verdict::count);
  const bool is_lost = ending == Ending::lost;
  if (is_control(question)) {
    result_.beside.lost += is_lost;
    CHECK(result_.beside.lost <= result_.beside.sent);
    return;
  }
  const bool is_wrong = !is_lost && verdict != Verdict::right && verdict != Verdict::refused;
  second_.lost += is_lost;
  second_.wrong += is_wrong;
  second_.answered += !is_lost && !is_wrong;
  if (!is_lost) second_latency_.record(latency);
  if (!is_counted(question.planned)) return;
  watch_limits(question, ending, verdict);
  KindResult& kind = result_.kinds[static_cast<size_t>(question.kind)];
  if (is_lost) {
    ++kind.lost;
    return;
  }
  ++kind.verdicts[static_cast<size_t>(verdict)];
  kind.latency.record(latency);
  result_.latency.record(latency);
}

void LoadStep::tell_progress(Instant now,
                             const std::function<void(const StepProgress&)>& progress) {
  if (now - told_at_ < seconds(1)) return;
  told_at_ = now;
  second_.elapsed = now - counted_from_;
  second_.p50 = second_latency_.percentile(50);
  second_.p99 = second_latency_.percentile(99);
  progress(second_);
  second_ = {};
  second_latency_.clear();
}

}  // namespace xord
