// What a node says of itself (node/notice.h): when it has company, and who has its id.
#include <algorithm>
#include <utility>

#include "node/node.h"

namespace xord {

void Node::tell(NodeNotice notice) {
  notice.network = config_.network;
  notices_.push(notice);
}

// ---- Company. Shard 0 alone tells: it joins, and its replica has all contacts.

void Node::tell_joined(Instant now, uint32_t count, const Contact& via) {
  if (!join_.alone_since) return;
  NodeNotice notice;
  notice.kind = NoticeKind::joined;
  notice.count = count;
  notice.lasted = now - *join_.alone_since;
  notice.contact = via;
  tell(notice);
  join_.alone_since.reset();
  join_.tell_silence_at = Instant::never();
  join_.tell_silence_after = tell_silence_min;
}

void Node::tell_nobody_answered(Instant now) {
  if (!join_.alone_since || now < join_.tell_silence_at) return;
  NodeNotice notice;
  notice.kind = NoticeKind::nobody_answered;
  notice.count = join_.endpoints_count;
  notice.lasted = now - *join_.alone_since;
  tell(notice);
  join_.tell_silence_at = now + join_.tell_silence_after;
  join_.tell_silence_after = std::min(join_.tell_silence_after * 2, tell_silence_max);
}

void Node::watch_company(Instant now) {
  if (config_.shard != 0) return;
  const bool has_company = table_.answerable_count() > 0;
  if (has_company) {
    // By others who found us; what a join under way leads to it tells itself.
    if (!join_.is_looking_up && join_.pings_open == 0) {
      tell_joined(now, table_.answerable_count(), {});
    }
  } else if (join_.has_company) {
    NodeNotice notice;
    notice.kind = NoticeKind::alone_again;
    notice.count = table_.count();
    tell(notice);
    join_.alone_since = now;
  }
  join_.has_company = has_company;
}

void Node::tell_first_request(const Datagram& datagram, const Request& request) {
  if (std::exchange(has_told_request_, true)) return;
  NodeNotice notice;
  notice.kind = NoticeKind::first_request;
  notice.method = request.method;
  notice.contact = {request.sender, datagram.path.remote};
  tell(notice);
}

// ---- Our own id, elsewhere. A ping that comes back to us has been sent to ourselves: by another
// of our addresses, or by way of one that only returns what it gets.

// True when nothing else is to be done with `request`, which has our own id as its sender's.
bool Node::receive_own_id(Instant now, const Datagram& datagram, const Request& request,
                          Outputs& out) {
  if (request.method == Method::ping && request.transaction.size() == transaction_size) {
    const ShardIndex sender = request.transaction[0];
    if (sender != config_.shard && sender < config_.shards) {  // It alone knows its calls.
      counters_.node.add(NodeCounter::forwarded);
      tell(sender, DatagramMessage{{}, datagram.path}, out, datagram.bytes);
      return true;
    }
    if (in_flight_.came_back(request.transaction)) return false;
  }
  const Endpoint& source = datagram.path.remote;
  const bool is_proven = proven_.is_proven(source, now);
  // What is not answered at once is held, and its source pinged.
  if (!is_proven && request.method != Method::ping) return false;
  // A source that is not proven gets no more than it sent: our ping instead of an answer. It asks
  // again, and is answered until the next ping is due.
  if (!is_proven && !budget_of(datagram).fits(rpcudp::ping_request_size)) return false;
  if (!own_id_checks_.should_ping(source, now)) return false;
  const bool is_sent =
      ping(now, source, std::nullopt, Purpose::admission, 0, 0, out, datagram.path.local);
  return is_sent && !is_proven;
}

void Node::look_for_own_id(Instant now, const Reply& reply, Outputs& out) {
  for (size_t i = 0; i < reply.contacts_count; ++i) {
    Contact other = reply.contacts[i];
    if (other.id != self_) continue;
    other.id = {};  // Any other: the endpoint must be one that can be asked.
    if (is_usable(other) && own_id_checks_.should_ping(other.endpoint, now)) {
      ping(now, other.endpoint, std::nullopt, Purpose::admission, 0, 0, out);
    }
    return;
  }
}

void Node::own_id_answered(Instant now, const Match& match) {
  NodeNotice notice;
  notice.contact = {self_, match.call.to};
  if (match.came_back) {
    notice.kind = NoticeKind::own_address;
    const bool is_news = own_id_checks_.found_own(match.call.to, now);
    if (is_news && match.call.purpose == Purpose::bootstrap) tell(notice);
  } else {
    notice.kind = NoticeKind::own_id_elsewhere;
    if (own_id_checks_.found_other(match.call.to, now)) tell(notice);
  }
}

}  // namespace xord
