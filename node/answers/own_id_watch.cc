#include "node/answers/own_id_watch.h"

#include "reactor/base/check.h"

namespace xord {

bool OwnIdWatch::ping(const Turn& turn, const Endpoint& to, const LocalAddress& local) {
  return requester_.send(turn, {Purpose::admission, {}, 0, to, std::nullopt, {}}, {Method::ping},
                         local);
}

bool OwnIdWatch::receive(const Turn& turn, const Datagram& datagram, const Request& request,
                         bool may_ping) {
  DCHECK(request.sender == node_.self);
  if (request.method == Method::ping) {
    if (const auto sender = requester_.other_shard_of(request.transaction)) {
      node_.link.forward(turn, *sender, datagram);  // Only that shard knows its calls.
      return true;
    }
    if (requester_.came_back(request.transaction)) return false;
  }
  const Endpoint& source = datagram.path.remote;
  const bool is_proven = contacts_.is_proven(source, turn.now);
  // A request that is not answered at once is held, and its source pinged.
  if (!is_proven && request.method != Method::ping) return false;
  // An unproven source gets no more than it sent: our ping instead of an answer. It will ask again,
  // and is answered until the next ping is due.
  if (!is_proven && !may_ping) return false;
  if (!checks_.should_ping(source, turn.now)) return false;
  return ping(turn, source, datagram.path.local) && !is_proven;
}

void OwnIdWatch::look_for_own_id(const Turn& turn, const Reply& reply, const Endpoint& namer) {
  DCHECK(reply.contacts_count <= reply.contacts.size());
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    Contact other = reply.contacts[i];
    if (other.id != node_.self) continue;
    other.id = {};  // Any other id: the endpoint must be one that can be asked.
    if (contacts_.is_usable(other, namer) && checks_.should_ping(other.endpoint, turn.now)) {
      ping(turn, other.endpoint);
    }
    return;
  }
}

void OwnIdWatch::found(const Turn& turn, const Path& path) {
  if (checks_.should_ping(path.remote, turn.now)) ping(turn, path.remote, path.local);
}

void OwnIdWatch::answered(Instant now, const Outcome& outcome) {
  DCHECK(outcome.kind == Outcome::Kind::answered && outcome.reply->responder == node_.self);
  NodeNotice notice;
  notice.contact = {node_.self, outcome.call.to};
  if (outcome.came_back) {
    notice.kind = NoticeKind::own_address;
    const bool is_news = checks_.found_own(outcome.call.to, now);
    if (is_news && outcome.call.purpose == Purpose::bootstrap) notices_.push(notice);
  } else {
    notice.kind = NoticeKind::own_id_elsewhere;
    if (checks_.found_other(outcome.call.to, now)) notices_.push(notice);
  }
}

}  // namespace xord
