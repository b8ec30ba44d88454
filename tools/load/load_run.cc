#include "tools/load/load_run.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/entropy.h"
#include "tools/cli/failure.h"
#include "tools/cli/port_errors.h"
#include "tools/load/left_contacts.h"

namespace xord {
namespace {

constexpr uint32_t first_pings_max = 5;
// A protected node pings at most this many sources of one /24 a second, and holds a few thousand.
constexpr uint32_t proof_window = 256;
constexpr uint32_t store_window = 512;
// --find-max: the number of steps in the search, and the ratio of its bounds that ends it.
constexpr uint32_t search_steps_max = 9;
constexpr double search_precision = 1.02;
static_assert(search_precision > 1);

void check_io(const std::optional<IoError>& error) {
  if (error) throw Failure(ExitCode::environment, error->sentence);
}

class Run {
 public:
  Run(const LoadPlan& plan, LoadObserver& observer)
      : plan_(plan),
        observer_(observer),
        // At least two: with a single source, another one looks up the contacts left behind.
        sources_(plan.target, std::max(2u, plan.sources + plan.contacts)),
        check_(plan.check),
        keys_(plan.seed, plan.value_sizes, Id{}, 0) {
    ExchangeConfig config;
    config.target = plan.target;
    config.io = plan.io;
    config.answer_pings = plan.answer_pings;
    if (plan.is_filed) config.own_ids = plan.sources + plan.contacts;
    config.timeout = plan.timeout;
    if (plan.overload) config.questions_max = flood_questions_max;
    config.tag = entropy_word();
    check_io(LoadExchange::create(config, sources_, &exchange_));
    result_.io = exchange_->backend_name();
  }

  LoadResult run() {
    if (plan_.check == CheckDepth::content) learn_node_id();
    if (!plan_.data_dir.empty()) counters_.emplace(plan_.data_dir, result_.node.value());
    warm_up();
    observer_.warmed(result_);
    QuestionStream questions(plan_, sources_);
    LoadStep step(plan_, *exchange_, questions);
    exchange_->use(keys_, check_, step);
    if (plan_.overload) {
      overload(step, questions);
    } else if (plan_.find_max) {
      search(step);
    } else if (plan_.rates.empty()) {
      take(step, 0);
    } else {
      for (const double rate : plan_.rates) {
        if (!is_interrupted()) take(step, rate);
      }
    }
    if (counters_) result_.limited_by_node = counters_->limited();
    if (plan_.check == CheckDepth::content && !is_interrupted()) count_left_contacts();
    return std::move(result_);
  }

 private:
  // Learns the node's id: pongs must carry it, and near keys are near to it.
  void learn_node_id() {
    class FirstPing : public ExchangeListener {
     public:
      void ended(const Question&, Ending ending, Verdict verdict, Duration) override {
        is_over = true;
        is_answered = ending == Ending::answered && verdict == Verdict::right;
      }
      bool is_over = true;
      bool is_answered = false;
    } first_ping;
    exchange_->use(keys_, check_, first_ping);
    std::optional<PortErrors> port_errors;  // A socket error would end io_uring's receive.
    if (exchange_->backend_name() == "epoll") port_errors.emplace(exchange_->sockets());
    for (uint32_t attempt = 0; attempt < first_pings_max && !first_ping.is_answered; ++attempt) {
      first_ping.is_over = false;
      exchange_->ask({RequestKind::ping, 0, 0, IdDomain::targets, exchange_->now()});
      while (!first_ping.is_over) {
        exchange_->turn(Waiting::sleep, exchange_->now() + milliseconds(50));
        if (port_errors) refuse_closed_port(*port_errors);
      }
    }
    if (port_errors) port_errors->stop();
    if (!first_ping.is_answered) {
      throw Failure(ExitCode::no_answer, "no node answers a ping at " + plan_.target.text() +
                                             "; check that one is running there and that UDP "
                                             "reaches it");
    }
    result_.node = check_.id();
    CHECK(result_.node.has_value());
    keys_ = KeySpace(plan_.seed, plan_.value_sizes, *result_.node, plan_.near_bits);
  }

  void refuse_closed_port(PortErrors& port_errors) const {
    while (const auto closed = port_errors.next()) {
      if (*closed != plan_.target) continue;
      throw Failure(ExitCode::no_answer, "no node listens on " + plan_.target.text() +
                                             "; check the port, and that the node is running");
    }
  }

  void warm_up() {
    const Instant began = exchange_->now();
    if (plan_.answer_pings == AnswerPings::yes && plan_.check == CheckDepth::content) {
      const uint64_t sources = plan_.sources + plan_.contacts;
      const TasksDone proven = tasks("sources", proof_window, sources, [](uint64_t number) {
        return Question{
            RequestKind::find_node, static_cast<uint32_t>(number), number, IdDomain::targets, {}};
      });
      result_.warm_up.sources = proven.right;
      result_.warm_up.sources_failed = proven.failed;
    }
    if (plan_.mix[static_cast<size_t>(RequestKind::find_value_hit)] > 0 && !plan_.keys_are_stored &&
        plan_.check == CheckDepth::content) {
      const uint32_t sources = plan_.sources;
      const TasksDone stored = tasks("keys", store_window, plan_.keys, [&](uint64_t number) {
        return Question{RequestKind::store,
                        static_cast<uint32_t>(number % sources),
                        number,
                        IdDomain::hits,
                        {}};
      });
      result_.warm_up.keys = stored.right;
      result_.warm_up.keys_failed = stored.failed;
      if (stored.right == 0) {
        throw Failure(ExitCode::not_found,
                      plan_.target.text() + " stored none of the keys that hits need; give " +
                          "find_value_hit no share in --mix, or let the sources answer pings");
      }
    }
    learn_contacts_in_answer();
    result_.warm_up.took = exchange_->now() - began;
  }

  TasksDone tasks(std::string_view what, uint32_t window, uint64_t count,
                  const std::function<Question(uint64_t)>& question) {
    LoadTasks tasks(*exchange_, window, plan_.waiting);
    exchange_->use(keys_, check_, tasks);
    Instant told = exchange_->now();
    return tasks.run(count, question, [&](uint64_t done) {
      const Instant now = exchange_->now();
      if (now - told < seconds(1)) return;
      told = now;
      observer_.warming(what, done, count);
    });
  }

  // A node that returns 20 contacts before the load must do so throughout.
  void learn_contacts_in_answer() {
    constexpr uint32_t full_answer = 20;
    if (plan_.check != CheckDepth::content || plan_.answer_pings == AnswerPings::no) return;
    check_.expect_contacts(full_answer);
    LoadTasks probe(*exchange_, 1, plan_.waiting);
    exchange_->use(keys_, check_, probe);
    const TasksDone done = probe.run(
        1,
        [](uint64_t) {
          return Question{RequestKind::find_node, 0, 1, IdDomain::targets, {}};
        },
        [](uint64_t) {});
    result_.warm_up.contacts_in_answer = check_.contacts_last();
    if (done.right == 0) check_.expect_contacts(0);
  }

  // All sources share one id, unless they have their own.
  void count_left_contacts() {
    const uint32_t ids = plan_.is_filed ? plan_.sources + plan_.contacts : 1;
    LeftContacts left(*exchange_, ids, sources_.count());
    exchange_->use(keys_, check_, left);
    result_.contacts_left = left.count(plan_.waiting);
  }

  const StepResult& take(LoadStep& step, double rate) {
    return take(step, {rate, plan_.window, plan_.settling, plan_.length});
  }
  const StepResult& take(LoadStep& step, const StepShape& shape) {
    result_.steps.push_back(
        step.run(shape, [&](const StepProgress& told) { observer_.stepping(told); }));
    if (counters_) counters_->read();
    observer_.stepped(result_.steps.back());
    return result_.steps.back();
  }

  void overload(LoadStep& step, QuestionStream& questions) {
    take(step, 0);
    if (is_interrupted()) return;
    const uint64_t memory_before = node_memory();
    exchange_->set_coalescing(true);
    questions.set_burst(batch_max);
    take(step, {0, no_window, plan_.settling, plan_.length});
    exchange_->set_coalescing(false);
    questions.set_burst(1);
    CHECK(result_.steps.size() == 2);
    const StepResult& peak = result_.steps[0];
    const StepResult& flood = result_.steps[1];
    std::vector<RecoverySlice> slices;
    while (slices.size() < recovery_slices_max && !is_interrupted()) {
      const StepResult slice =
          step.run({0, plan_.window, {}, recovery_slice}, [](const StepProgress&) {});
      slices.push_back({slice.ended - flood.ended, slice.rate()});
      if (slice.was_interrupted || is_recovered(peak, slices.back())) break;
    }
    result_.overload = overload_of(peak, flood, slices);
    result_.overload->memory_before = memory_before;
    result_.overload->memory_after = node_memory();
  }
  uint64_t node_memory() const {
    return plan_.server_pid == 0 ? 0 : process_memory(plan_.server_pid).value_or(0);
  }

  // The closed loop gives a first estimate of the highest rate; then we bisect.
  void search(LoadStep& step) {
    double high = take(step, 0).rate() * 1.1;
    double low = 0;
    double rate = high * 0.75;
    for (uint32_t i = 0; i < search_steps_max && !is_interrupted() && rate >= 1; ++i) {
      if (holds_limits(plan_, take(step, rate))) {
        low = rate;
        result_.best = result_.steps.size() - 1;
      } else {
        high = rate;
      }
      CHECK(low <= high);
      if (low > 0 && high < low * search_precision) break;
      rate = (low + high) / 2;
    }
  }

  bool is_interrupted() const {
    return !result_.steps.empty() && result_.steps.back().was_interrupted;
  }

  const LoadPlan& plan_;
  LoadObserver& observer_;
  LoadSources sources_;
  ReplyCheck check_;
  KeySpace keys_;
  std::unique_ptr<LoadExchange> exchange_;
  std::optional<TargetCounters> counters_;
  LoadResult result_;
};

}  // namespace

bool holds_limits(const LoadPlan& plan, const StepResult& step) {
  return step.wrong() == 0 && step.loss_share() < plan.loss_max &&
         step.latency.percentile(99) <= plan.slo;
}

LoadResult run_load(const LoadPlan& plan, LoadObserver& observer) {
  return Run(plan, observer).run();
}

}  // namespace xord
