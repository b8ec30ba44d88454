// Answers that name contacts: no dead ones, as far as we can tell. Contacts that must answer first
// are pinged and waited for, others are named and pinged; each once however many ask, and never
// because of a source that is not proven. Owns the answers that wait.
#pragma once

#include <optional>

#include "node/answers/replies.h"
#include "node/answers/waiting_answers.h"
#include "node/node_context.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "reactor/base/id.h"

namespace xord {

class NamedAnswers {
 public:
  // `contacts` and `replies` are borrowed.
  NamedAnswers(const NodeContext& node, Contacts& contacts, Replies& replies)
      : node_(node),
        contacts_(contacts),
        replies_(replies),
        waiting_(node.config.budget.waiting_answers) {}

  struct Question {
    ReplyTo to;
    Id target;
    Id asker;
  };
  static Question question_of(const Datagram& datagram, const Request& request) {
    return {{datagram.path, request.transaction}, request.target, request.sender};
  }

  // To a proven source: the contacts nearest to the target, now or when those that must answer have
  // done so or fallen silent, naming_wait at most.
  void answer(const Turn& turn, const Question& question);
  // To a source that is not proven: at most `size_max` bytes, and nobody is pinged for it.
  void answer_within(const Turn& turn, const Question& question, size_t size_max);
  // Sends what is ready, at most waiting_answers_sent_max.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const { return waiting_.next_wakeup(); }
  // At the end of each call of the node: who waited for contacts that were decided in it is ready.
  void end_turn(Instant now);

  uint32_t count() const { return waiting_.count(); }

 private:
  using Found = std::array<ContactHandle, bucket_size>;

  Nearest nearest(const Question& question, Awaited awaited, Found& found) const;

  const NodeContext node_;
  Contacts& contacts_;
  Replies& replies_;
  WaitingAnswers waiting_;
};

}  // namespace xord
