// Answers that name contacts, and no dead ones as far as we can tell. Contacts that must answer
// first are pinged and waited for, others are named and pinged; each is pinged once, however many
// ask, and never on behalf of an unproven source. Owns the answers that wait.
#pragma once

#include <optional>
#include <span>

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
    Instant came;  // When it was asked. A contact that arrived since then is alive.
  };
  static Question question_of(const Datagram& datagram, const Request& request, Instant came) {
    return {reply_to(datagram, request), request.target, request.sender, came};
  }

  // For a proven source: sends the contacts nearest to the target, now or once those that must
  // answer have answered or turned out silent, after naming_wait at most.
  void answer(const Turn& turn, const Question& question);
  // Sends the answers that are ready, at most waiting_answers_sent_max.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const { return waiting_.next_wakeup(); }
  // At the end of each call of the node: answers whose awaited contact was decided in it are ready.
  void end_turn(Instant now);

  uint32_t count() const { return waiting_.count(); }
  void check_invariants() const { waiting_.check_invariants(); }

 private:
  using Found = std::array<ContactHandle, bucket_size>;

  Nearest nearest(const Question& question, Awaited awaited, Found& found) const;
  // Sends the contacts that need not answer first.
  void answer_now(const Turn& turn, const Question& question);
  // Returns the key of a contact that `question` must wait for, if `contacts` would answer it.
  std::optional<uint64_t> want(const Turn& turn, const Question& question,
                               std::span<const ContactHandle> contacts);

  const NodeContext node_;
  Contacts& contacts_;
  Replies& replies_;
  WaitingAnswers waiting_;
};

}  // namespace xord
