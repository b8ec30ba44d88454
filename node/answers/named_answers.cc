#include "node/answers/named_answers.h"

#include "reactor/base/check.h"

namespace xord {

Nearest NamedAnswers::nearest(const Question& question, Awaited awaited, Found& found) const {
  const RoutingTable& table = contacts_.table();
  std::span<const ContactHandle> arrived;  // Not looked at where the awaited are included.
  if (awaited == Awaited::left_out) arrived = table.arrived_since(question.came);
  const Nearest named = table.nearest(question.target, {question.asker, question.to.path.remote},
                                      awaited, arrived, found);
  DCHECK(named.count <= found.size());
  return named;
}

std::optional<uint64_t> NamedAnswers::want(const Turn& turn, const Question& question,
                                           std::span<const ContactHandle> contacts) {
  const RoutingTable& table = contacts_.table();
  const ContactHandle awaited = contacts_.want(turn, contacts, table.arrived_since(question.came));
  if (awaited == no_contact) return std::nullopt;
  return table.key_of(contacts_.book().contact(awaited));
}

void NamedAnswers::answer(const Turn& turn, const Question& question) {
  Found found;
  const Nearest named = nearest(question, Awaited::included, found);
  const std::span<const ContactHandle> contacts = std::span(found).first(named.count);
  const auto awaited = named.all_trusted ? std::nullopt : want(turn, question, contacts);
  if (!awaited) return replies_.contacts(turn, question.to, contacts);
  const WaitingAnswer answer{question.to.path,
                             WireTransaction::of(question.to.transaction),
                             static_cast<uint16_t>(question.to.request_size),
                             question.target,
                             question.asker,
                             question.came,
                             turn.now + naming_wait};
  const auto waiting = waiting_.add(answer);
  if (!waiting) {
    node_.count(NodeCounter::answers_unwaited);
    return answer_now(turn, question);
  }
  node_.count(NodeCounter::answers_waited);
  waiting_.wait_for(*waiting, *awaited);
}

void NamedAnswers::answer_now(const Turn& turn, const Question& question) {
  Found found;
  const Nearest named = nearest(question, Awaited::left_out, found);
  const std::span<const ContactHandle> contacts = std::span(found).first(named.count);
  replies_.contacts(turn, question.to, contacts);
}

void NamedAnswers::advance(const Turn& turn) {
  waiting_.advance(turn.now);
  for (uint32_t i = 0; i < waiting_answers_sent_max; ++i) {
    const auto ready = waiting_.take_ready();
    if (!ready) return;
    const WaitingAnswer& answer = waiting_[*ready];
    const Question question{{answer.path, answer.transaction.view(), answer.request_size},
                            answer.target,
                            answer.asker,
                            answer.came};
    if (answer.until > turn.now) {  // Others may be awaited, also in place of silent ones.
      Found found;
      const Nearest named = nearest(question, Awaited::included, found);
      if (const auto awaited = want(turn, question, std::span(found).first(named.count))) {
        waiting_.wait_for(*ready, *awaited);
        continue;
      }
    }
    answer_now(turn, question);
    waiting_.finish(*ready);
  }
}

void NamedAnswers::end_turn(Instant now) {
  for (const uint64_t contact : contacts_.table().decided()) waiting_.decided(now, contact);
  contacts_.table().clear_decided();
}

}  // namespace xord
