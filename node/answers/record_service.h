// Serves requests about records: store and find_value. A store is acknowledged once it is on disk;
// a find_value whose value is not in memory is answered once it has been read; requests that cannot
// be answered yet wait for a while. Owns the requests that wait.
#pragma once

#include <cstdint>
#include <optional>

#include "node/answers/named_answers.h"
#include "node/answers/replies.h"
#include "node/answers/waiting_requests.h"
#include "node/disk_waits.h"
#include "node/node_context.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "node/wire/message.h"
#include "storage/store.h"

namespace xord {

class RecordService {
 public:
  // All but `node` are borrowed.
  RecordService(const NodeContext& node, const Contacts& contacts, Store& store, DiskWaits& waits,
                Replies& replies, NamedAnswers& named);

  // For requests of a proven source, on the shard that owns the key. A source that has had its
  // limit of values read from the disk gets no answer to a request that needs another. `came`: when
  // the request arrived, perhaps before its source was proven.
  void find_value(const Turn& turn, const Datagram& datagram, const Request& request, Instant came);
  void store(const Turn& turn, const Datagram& datagram, const Request& request);

  // The disk has finished what a peer's request waited for.
  void stored(const Turn& turn, const DiskWait& wait, bool is_stored);
  void value_read(const Turn& turn, const DiskWait& wait, const Finished& finished);
  // A range was loaded, or another value can be read: retries all waiting requests from now on.
  void try_again(Instant now);
  // Serves requests that were released, or have waited long enough.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const { return waiting_.next_wakeup(); }

 private:
  // False when it is not known now whether there is a value, or which.
  bool try_find_value(const Turn& turn, const ReplyTo& to, const Request& request, Instant came);
  bool await_value(const Turn& turn, const ReplyTo& to, const Request& request);
  // False when it cannot be answered yet.
  bool serve_waited(const Turn& turn, const Datagram& datagram,
                    WaitingRequests::WaitedEnough enough);
  void wait_for(Ticket ticket, DiskWait::Kind kind, const ReplyTo& to, const Request& request);
  // Which party a store of this source is charged to (StoreRequest::source_prefix).
  uint16_t source_prefix(const IpAddress& address) const;

  class Table final : public Neighbourhood {
   public:
    explicit Table(const Contacts& contacts) : contacts_(contacts) {}
    bool is_self_among_nearest(const Id& key) const override {
      return contacts_.table().is_self_among_nearest(key);
    }

   private:
    const Contacts& contacts_;
  };

  const NodeContext node_;
  const Table table_;
  Store& store_;
  DiskWaits& waits_;
  Replies& replies_;
  NamedAnswers& named_;
  WaitingRequests waiting_;
};

}  // namespace xord
