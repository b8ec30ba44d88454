#include "tools/load/limit_signs.h"

#include "reactor/base/check.h"

namespace xord {
namespace {

// Fewer may be chance. For losses that strike all alike, ten expected and at most one seen has a
// probability of 0.0005.
constexpr uint64_t cases_least = 10;
constexpr double share_of_expected = 0.1;
// A limit leaves room again many times a second; a table that shrinks gives its few contacts for
// long.
constexpr uint64_t uncut_again_least = 2;

const KindResult& of(const StepResult& step, RequestKind kind) {
  return step.kinds[static_cast<size_t>(kind)];
}

// Answers that are short for another reason are of any length, so few are as long as the request.
bool are_cut(const StepResult& step, uint64_t cut, uint64_t short_otherwise) {
  return cut >= cases_least && cut >= short_otherwise && step.uncut_again >= uncut_again_least;
}

bool are_silent(const StepResult& step) {
  const BesideControls& beside = step.beside;
  CHECK(beside.lost <= beside.sent && beside.values_lost <= beside.values_sent);
  if (of(step, RequestKind::find_value_hit).count(Verdict::right) == 0) return false;
  if (beside.values_lost < cases_least) return false;
  const double expected = static_cast<double>(beside.sent) *
                          static_cast<double>(beside.values_lost) /
                          static_cast<double>(beside.values_sent);
  return expected >= cases_least &&
         static_cast<double>(beside.lost) <= share_of_expected * expected;
}

}  // namespace

LimitSigns limit_signs_of(const StepResult& step) {
  LimitSigns signs;
  uint64_t cut = 0;
  uint64_t short_otherwise = 0;
  for (const RequestKind kind : {RequestKind::find_node, RequestKind::find_value_miss}) {
    const KindResult& result = of(step, kind);
    cut += result.count(Verdict::cut);
    short_otherwise += result.count(Verdict::too_few_contacts);
    signs.answers += result.answered() + result.wrong();
  }
  const KindResult& hits = of(step, RequestKind::find_value_hit);
  signs.values = hits.sent;
  if (are_cut(step, cut, short_otherwise)) signs.cut = cut;
  if (are_silent(step)) signs.silent = hits.lost;
  DCHECK(signs.cut <= signs.answers && signs.silent <= signs.values);
  return signs;
}

LimitSigns limit_signs_of(std::span<const StepResult> steps) {
  LimitSigns all;
  for (const StepResult& step : steps) {
    const LimitSigns signs = limit_signs_of(step);
    all.cut += signs.cut;
    all.answers += signs.answers;
    all.silent += signs.silent;
    all.values += signs.values;
  }
  return all;
}

}  // namespace xord
