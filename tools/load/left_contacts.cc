#include "tools/load/left_contacts.h"

#include "node/wire/rpcudp/rpcudp.h"
#include "tools/cli/interrupt.h"

namespace xord {

std::optional<uint32_t> LeftContacts::count(Waiting waiting) {
  exchange_.give_up_open();
  const Instant until = exchange_.now() + most;
  for (attempt_ = 0; attempt_ < attempts_max && answered_count_ < ids_; ++attempt_) {
    const uint32_t before = answered_count_;
    if (!ask_for_all(waiting, until)) break;
    if (attempt_ > 0 && answered_count_ == before) break;
  }
  exchange_.give_up_open();
  CHECK(left_count_ <= answered_count_ && answered_count_ <= ids_);
  if (answered_count_ < ids_) return std::nullopt;
  return left_count_;
}

bool LeftContacts::ask_for_all(Waiting waiting, Instant until) {
  uint32_t next = 0;
  while (next < ids_ || exchange_.open_count() > 0) {
    const Instant now = exchange_.now();
    if (now >= until || Interrupt::requested()) return false;
    while (next < ids_ && exchange_.open_count() < window && exchange_.can_ask()) {
      const uint32_t number = next++;
      if (was_answered_[number]) continue;
      const uint32_t asker = (number + 1 + attempt_) % sources_;
      exchange_.ask({RequestKind::find_node, asker == number ? (asker + 1) % sources_ : asker,
                     number, IdDomain::sources, now});
    }
    exchange_.turn(waiting, now + milliseconds(20));
    // A node that answers nothing at first will not answer later.
    if (answered_count_ == 0 && next >= 2 * window && exchange_.open_count() == 0) return false;
  }
  return true;
}

void LeftContacts::answered(const Question& question, Bytes datagram) {
  const auto number = static_cast<uint32_t>(question.number);
  if (number >= ids_ || was_answered_[number]) return;
  if (rpcudp::parse_reply(datagram, Method::find_node, &reply_) != ParseError::none) return;
  was_answered_[number] = true;
  ++answered_count_;
  const Id id = exchange_.id_of(number);
  for (size_t i = 0; i < reply_.contacts_count; ++i) {
    if (reply_.contacts[i].id != id) continue;
    ++left_count_;
    return;
  }
}

}  // namespace xord
