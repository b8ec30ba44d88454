// Answers that name contacts: nobody who is dead, as far as we can tell. Contacts that must answer
// first are pinged and waited for, others are named and pinged; each once however many ask, and
// never because of a source that is not proven.
#include <algorithm>

#include "node/node.h"

namespace xord {

void Node::answer_contacts(Instant now, const Question& question, Outputs& out) {
  std::array<ContactHandle, bucket_size> found;
  const Nearest nearest = table_.nearest(question.target, {question.asker, question.path.remote},
                                         Awaited::included, found);
  const std::span<const ContactHandle> contacts = std::span(found).first(nearest.count);
  if (nearest.all_trusted) {
    send_contacts(question, contacts, out);
    return;
  }
  const ContactHandle awaited = want(now, contacts, out);
  if (awaited == no_contact) {
    send_contacts(question, contacts, out);
    return;
  }
  WaitingAnswer answer{question.path, {}, question.target, question.asker, now + naming_wait};
  std::copy(question.transaction.begin(), question.transaction.end(), answer.transaction.begin());
  const auto waiting = answers_.add(answer);
  if (!waiting) {
    counters_.node.add(NodeCounter::answers_unwaited);
    send_contacts(question, Awaited::left_out, rpcudp::contacts_reply_size_max, out);
    return;
  }
  counters_.node.add(NodeCounter::answers_waited);
  answers_.wait_for(*waiting, table_.key_of(book_.contact(awaited)));
}

void Node::answer_waiting(Instant now, Outputs& out) {
  answers_.advance(now);
  for (uint32_t i = 0; i < waiting_answers_sent_max; ++i) {
    const auto ready = answers_.take_ready();
    if (!ready) return;
    const WaitingAnswer& answer = answers_[*ready];
    const Question question{answer.path, answer.transaction, answer.target, answer.asker};
    if (answer.until > now) {  // Others may be awaited still, or in place of who was silent.
      std::array<ContactHandle, bucket_size> found;
      const Nearest nearest = table_.nearest(question.target, {question.asker, answer.path.remote},
                                             Awaited::included, found);
      const ContactHandle awaited = want(now, std::span(found).first(nearest.count), out);
      if (awaited != no_contact) {
        answers_.wait_for(*ready, table_.key_of(book_.contact(awaited)));
        continue;
      }
    }
    send_contacts(question, Awaited::left_out, rpcudp::contacts_reply_size_max, out);
    answers_.finish(*ready);
  }
}

ContactHandle Node::want(Instant now, std::span<const ContactHandle> contacts, Outputs& out) {
  ContactHandle awaited = no_contact;
  for (const ContactHandle contact : contacts) {
    const Standing standing = table_.standing(contact);
    if (standing == Standing::trusted) continue;
    if (standing == Standing::awaited && awaited == no_contact) awaited = contact;
    if (named_pings_ == named_pings_max) continue;
    if (wanted_.is_first(book_.contact(contact), now)) want(now, book_.contact(contact), out);
  }
  return awaited;
}

void Node::want(Instant now, const Contact& contact, Outputs& out) {
  ++named_pings_;
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == config_.shard) {
    act(now, table_.want(contact, now), out);
  } else {
    tell(owner, ContactWantedMessage{{}, contact}, out);
  }
}

void Node::send_contacts(const Question& question, Awaited awaited, size_t size_max, Outputs& out) {
  std::array<ContactHandle, bucket_size> found;
  const Nearest nearest =
      table_.nearest(question.target, {question.asker, question.path.remote}, awaited, found);
  const std::span<const ContactHandle> contacts = std::span(found).first(nearest.count);
  send_contacts(question, contacts.first(count_fitting(contacts, size_max)), out);
}

size_t Node::count_fitting(std::span<const ContactHandle> contacts, size_t size_max) const {
  if (size_max >= rpcudp::contacts_reply_size_max) return contacts.size();
  std::array<uint8_t, rpcudp::contact_tail_max> rendered;
  size_t size = rpcudp::contacts_head_max;
  for (size_t i = 0; i < contacts.size(); ++i) {
    size += rpcudp::contact_head_size + tail_of(contacts[i], rendered).size();
    if (size > size_max) return i;
  }
  return contacts.size();
}

void Node::send_contacts(const Question& question, std::span<const ContactHandle> contacts,
                         Outputs& out) {
  const MutableBytes buffer = reply_buffer(rpcudp::contacts_reply_size_max, out);
  if (buffer.empty()) return;
  std::array<uint8_t, rpcudp::contact_tail_max> rendered;
  rpcudp::ContactsReply reply(buffer, question.transaction, contacts.size());
  for (const ContactHandle contact : contacts) {
    reply.add(book_.id(contact), tail_of(contact, rendered));
  }
  send_reply(question.path, reply.size(), out);
}

Bytes Node::tail_of(ContactHandle contact, MutableBytes rendered) const {
  const Bytes tail = book_.tail(contact);
  if (!tail.empty()) return tail;
  return rendered.first(rpcudp::encode_contact_tail(book_.endpoint(contact), rendered));
}

}  // namespace xord
