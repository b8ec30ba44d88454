// What is learnt about contacts, and who is told: the owner of a contact's bucket decides, every
// shard's replica follows.
#include "node/node.h"

namespace xord {

template <class Message>
bool Node::tell(ShardIndex shard, Message message, Outputs& out, Bytes tail) {
  message.message = {Message::kind, config_.network};
  if (out.messages.push(shard, message, tail)) return true;
  counters_.node.add(NodeCounter::messages_dropped);
  return false;
}
template bool Node::tell(ShardIndex, DatagramMessage, Outputs&, Bytes);
template bool Node::tell(ShardIndex, ContactWantedMessage, Outputs&, Bytes);
template bool Node::tell(ShardIndex, RegionWantedMessage, Outputs&, Bytes);
template bool Node::tell(ShardIndex, RegionMessage, Outputs&, Bytes);

bool Node::is_usable(const Contact& contact) const {
  const IpAddress& address = contact.endpoint.address;
  const bool has_family = address.is_ipv4() ? config_.has_ipv4 : config_.has_ipv6;
  return has_family && contact.endpoint.port != 0 && contact.id != self_ &&
         !address.is_unspecified() && !address.is_multicast() && !address.is_link_local();
}

// `source` answered a transaction of ours: its address is not forged, here and on every shard.
void Node::prove(Instant now, const Endpoint& source, Purpose answered, Outputs& out) {
  const bool is_news = !proven_.is_proven(source, now + proven_lifetime / 2);
  proven_.prove(source, now);
  if (is_news) {
    for (uint32_t shard = 0; shard < config_.shards; ++shard) {
      if (shard != config_.shard) {
        tell(static_cast<ShardIndex>(shard), ProvenMessage{{}, source}, out);
      }
    }
  }
  release_held(now, source, answered, out);
}

void Node::release_held(Instant now, const Endpoint& source, Purpose answered, Outputs& out) {
  const uint32_t released = held_.release(source, [&](const Datagram& held) {
    Request request;
    CHECK(rpcudp::parse_request(held.bytes, &request) == ParseError::none);
    if (answered == Purpose::admission && request.sender != self_) {
      tell_first_request(held, request);
    }
    serve(now, held, request, out);
  });
  if (released > 0) counters_.node.add(NodeCounter::held_released, released);
}

void Node::learn(Instant now, const Contact& contact, Evidence evidence, Outputs& out) {
  if (!is_usable(contact)) return;
  // Requests say little, and a busy contact sends thousands: one a minute is reported.
  if (evidence == Evidence::queried_us && !heard_.is_first(contact, now)) return;
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == config_.shard) {
    act(now, table_.observe(contact, evidence, now), out);
  } else {
    tell(owner, EvidenceMessage{{}, Learnt::heard, evidence, contact}, out);
  }
}

void Node::learn_failure(Instant now, const Contact& contact, Outputs& out) {
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == config_.shard) {
    act(now, table_.failed(contact, now), out);
  } else {
    tell(owner, EvidenceMessage{{}, Learnt::failed, {}, contact}, out);
  }
}

void Node::learn_displaced(Instant now, const Contact& contact, Outputs& out) {
  const ShardIndex owner = table_.owner_of(contact.id);
  if (owner == config_.shard) {
    table_.displaced(contact, now);
  } else {
    tell(owner, EvidenceMessage{{}, Learnt::displaced, {}, contact}, out);
  }
}

void Node::act(Instant now, const TableAction& action, Outputs& out) {
  switch (action.kind) {
    case TableAction::Kind::none:
      return;
    case TableAction::Kind::ping_newcomer:
      counters_.node.add(NodeCounter::pings_of_newcomers);
      break;
    case TableAction::Kind::ping_oldest:
      counters_.node.add(NodeCounter::pings_before_eviction);
      break;
    case TableAction::Kind::ping_upkeep:
      counters_.node.add(NodeCounter::pings_of_upkeep);
      break;
    case TableAction::Kind::ping_silent:
      counters_.node.add(NodeCounter::pings_of_silent);
      break;
    case TableAction::Kind::ping_named:
      counters_.node.add(NodeCounter::pings_of_named);
      break;
    case TableAction::Kind::refresh:
      counters_.node.add(NodeCounter::refreshes);
      start_lookup(now, LookupKind::find_node, action.target, Reason::refresh, {}, out);
      return;
  }
  // Who was silent, or must answer within the wait, is not pinged a second time.
  const bool is_repeated =
      action.kind != TableAction::Kind::ping_silent && action.kind != TableAction::Kind::ping_named;
  const bool is_sent = ping(now, action.contact.endpoint, action.contact.id, Purpose::probe,
                            is_repeated ? 0 : 1, 0, out);
  if (!is_sent && action.kind == TableAction::Kind::ping_named) {
    table_.not_asked(action.contact, now);
  }
}

void Node::tell_changes(Instant now, Outputs& out) {
  for (const uint64_t contact : table_.decided()) answers_.decided(now, contact);
  table_.clear_decided();
  broadcast_changes(out);
  named_pings_ = 0;
}

// Changes that the table of this shard decided: every other replica follows, in order. What finds
// no room in the outbox is told the next time, then perhaps twice, which does no harm.
void Node::broadcast_changes(Outputs& out) {
  size_t told = 0;
  for (const ContactChange& change : table_.changes()) {
    bool has_room = true;
    for (uint32_t shard = 0; shard < config_.shards && has_room; ++shard) {
      if (shard == config_.shard) continue;
      has_room = tell(static_cast<ShardIndex>(shard), ContactChangedMessage{{}, change}, out);
    }
    if (!has_room) break;
    ++told;
  }
  table_.changes_told(told);
}

void Node::deliver(Instant now, ShardIndex from, Bytes frame, Outputs& out) {
  const ShardMessage* message = frame_header<ShardMessage>(frame);
  CHECK(message != nullptr && from < config_.shards);
  switch (message->kind) {
    case ShardMessageKind::datagram: {
      const auto* forwarded = frame_header<DatagramMessage>(frame);
      receive(now, {forwarded->path, frame_tail<DatagramMessage>(frame)}, out);
      return;
    }
    case ShardMessageKind::evidence: {
      const auto& told = *frame_header<EvidenceMessage>(frame);
      if (told.learnt == Learnt::heard) {
        act(now, table_.observe(told.contact, told.evidence, now), out);
      } else if (told.learnt == Learnt::failed) {
        learn_failure(now, told.contact, out);
      } else {
        learn_displaced(now, told.contact, out);
      }
      break;
    }
    case ShardMessageKind::contact_wanted:
      act(now, table_.want(frame_header<ContactWantedMessage>(frame)->contact, now), out);
      break;
    case ShardMessageKind::contact_changed:
      table_.apply(frame_header<ContactChangedMessage>(frame)->change, now);
      break;
    case ShardMessageKind::region_wanted:
      begin_region(now, frame_header<RegionWantedMessage>(frame)->key, out);
      break;
    case ShardMessageKind::region:
      accept_region(now, frame_header<RegionMessage>(frame)->region);
      break;
    case ShardMessageKind::proven: {
      const Endpoint& source = frame_header<ProvenMessage>(frame)->source;
      proven_.prove(source, now);
      release_held(now, source, Purpose::count, out);  // Whatever the other shard asked it.
      break;
    }
  }
  watch_company(now);
  tell_changes(now, out);
}

void Node::restore(Instant now, const Contact& contact, Duration age, Outputs& out) {
  if (!is_usable(contact) || table_.owner_of(contact.id) != config_.shard) return;
  table_.restore(contact, now - age, now);
  tell_changes(now, out);
}

}  // namespace xord
