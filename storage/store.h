// Store: what one shard keeps of one network. An index of all records in memory, a cache of their
// values, and their expiry. The values themselves are on a disk that it never touches: requests to
// the disk go out as Operations (storage/operation.h), results come in as Completions. It does no
// I/O, reads no clock, draws no entropy, and allocates only when constructed. `now` is node time
// and never goes backwards. 80 bytes a record (docs/STORAGE.md has the sum).
//
// Guarantees: what find() serves is committed and not expired; a failed store is never served, and
// the value it would have replaced stays; a full store refuses and counts. One source prefix holds
// at most half of it (StoreConfig::shares), and once it is full, records that belong elsewhere make
// room for those that belong here.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "reactor/base/counters.h"
#include "reactor/base/frames.h"
#include "storage/expiry_ring.h"
#include "storage/key_index.h"
#include "storage/key_order.h"
#include "storage/pending_writes.h"
#include "storage/store_config.h"
#include "storage/value_cache.h"

namespace xord {

enum class Presence : uint8_t {
  absent,
  value,    // In memory.
  cold,     // On disk: call begin_read().
  loading,  // Its range is not loaded yet: ask again once is_loaded() is true.
};

struct Found {
  Presence presence = Presence::absent;
  Bytes value;        // Presence::value only. Borrowed until the next call on this store.
  RecordTimes times;  // Presence::value and cold; first_seen is only known on disk, and 0 here.
};

enum class StoreRefusal : uint8_t {
  none,
  too_old,  // Its age is the ttl or more.
  older,    // A different value, published later, is held or pending.
  too_large,
  records_full,
  bytes_full,
  prefix_full,  // This source prefix holds its half of the records, or of the bytes.
  busy,         // Too many writes await the disk.
  loading,      // The key's range is not loaded yet: hold the request, or refuse it.
  disk_failed,  // The disk is refusing writes.
};

// What the node knows of the network, for a full store that must choose.
class Neighbourhood {
 public:
  // Whether fewer than k living contacts are nearer to `key` than we are, so that it belongs here.
  virtual bool is_self_among_nearest(const Id& key) const = 0;

 protected:
  ~Neighbourhood() = default;
};

struct StoreRequest {
  Id key;
  Bytes value;
  uint32_t age = 0;  // Seconds since its publisher published it, as far as known.
  // Hash of the sender's /24 or /48. 0: a source that may take all.
  uint16_t source_prefix = 0;
  // Borrowed for the call. Null: a full store gives up nothing.
  const Neighbourhood* neighbourhood = nullptr;
};

struct StoreOutcome {
  enum class Kind : uint8_t {
    refused,
    unchanged,  // An equal value is held on disk: acknowledge now.
    pending,    // Acknowledge when finished(ticket) says so.
  } kind = Kind::refused;
  StoreRefusal refusal = StoreRefusal::none;
  Ticket ticket = 0;
};

// What one completion finished, if a caller waits for it.
struct Finished {
  enum class Kind : uint8_t {
    nothing,       // No caller waits: the store's own upkeep, a loaded record, or an unknown
                   // ticket.
    stored,        // The pending store is committed: acknowledge it.
    store_failed,  // Refuse it.
    read,          // `found` is the answer: value, or absent when it is gone by now or lost.
    read_failed,   // The disk failed to read it: do not report it as absent.
    loaded,        // Every record of this shard is loaded.
    load_failed,   // Loading failed: loaded records are served, stores are refused.
  } kind = Kind::nothing;
  Ticket ticket = 0;
  Found found;
};

// A record met by a scan in key order.
struct ScannedRecord {
  Id key;
  Found found;  // Presence::absent: expired, or not yet committed; continue after it.
  uint32_t value_size = 0;
};

class Store {
 public:
  // Reserves all the memory it will ever use. Nothing is loaded yet.
  explicit Store(const StoreConfig& config);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Other limits from now on. What is held stays, and keeps its expiry; a store that holds more
  // than it now may is full. Visits each source prefix: up to 65,536 rows.
  void change(const StoreLimits& limits);

  // Never returns a record that is expired at `now` or not committed.
  Found find(Instant now, const Id& key);
  // Prefetches the memory that find() of these keys will touch, so that their cache misses overlap.
  // At most keys_ahead_max keys.
  void fetch_ahead(std::span<const Id> keys) const;
  // Asks the disk for a record that find() called cold. Empty, and counted, when too many reads are
  // pending or `operations` is full; the record still exists.
  std::optional<Ticket> begin_read(Instant now, const Id& key, FrameOutbox& operations);

  // Takes in a record. An equal value (byte for byte) only moves times, never backwards. A
  // different value is refused if it was published before the one held or pending; otherwise it
  // replaces that one, which is served until the new one is committed. Any number of stores of one
  // key may be pending: the last one committed wins, and none was published after it.
  //
  // When the store is full, a record that is new here, or a larger value, displaces others: those
  // whose source prefix holds more than its half (excess_probes are tried); and if `request.key`
  // belongs here, those of the victims_max farthest from us that do not. They are gone at once,
  // also if the store then is refused or fails, and erased on disk before it is written. If that
  // fails, they may come back at the next start.
  StoreOutcome begin_store(Instant now, const StoreRequest& request, FrameOutbox& operations);

  // Removes the record, which is served until the disk has erased it. Refused when it does not
  // exist, or there is no room. A later store is not affected, unless it is older than the record
  // and arrives before the disk has erased it: the removal may still fail.
  StoreOutcome begin_remove(Instant now, const Id& key, FrameOutbox& operations);

  // Takes in a completion from the disk; `value` is the bytes that followed it, borrowed for this
  // call.
  Finished complete(Instant now, const Completion& completion, Bytes value);
  bool is_loaded() const { return load_state_ == LoadState::loaded; }
  // Whether it is known what the disk holds under this key. Records come in load_prefix() order.
  bool is_loaded(const Id& key) const {
    return load_state_ != LoadState::loading || load_prefix(key) < loading_prefix_;
  }

  // Drops expired records, erasing them on disk, and writes times that are due, a bounded number
  // for one `now`. If more is due, next_wakeup() is a nanosecond later, so that a turn of the loop,
  // which has one `now`, stays short however many expire at once. A late call never serves anything
  // wrong.
  void advance(Instant now, FrameOutbox& operations);
  std::optional<Instant> next_wakeup() const;

  // The first record in key order whose key is `from` or after it; empty at the end. Finds its
  // place again each time, so the store may change between calls. Counts nothing.
  std::optional<ScannedRecord> first_from(Instant now, const Id& from);

  // --- Republish (StoreConfig::republish). advance() finds the records that are due, a few at a
  // time, and stops while they are not taken: take them after each call. Each is due again after
  // republish_retry, unless one of the calls below, or a store, sets another time.
  std::optional<Id> take_due();
  // Whether a record with these times may be republished now: its period is over.
  bool is_due(const RecordTimes& times, Instant now) const;
  bool is_half_due(const RecordTimes& times, Instant now) const;  // Half of the period is over.
  // `value` was published just now: if it is the value held under `key`, and no other store is
  // pending, its times move, on disk too.
  void renew(Instant now, const Id& key, Bytes value, FrameOutbox& operations);
  // The record was republished: that counts as a store of it.
  void note_republished(Instant now, const Id& key);
  // There is nothing to republish now: check again a whole period later.
  void put_off(Instant now, const Id& key);

  const Counters<StoreCount>& counters() const { return counters_; }
  // For tests and the simulator: aborts if an invariant is broken. Visits every record.
  void check_invariants() const;

 private:
  enum class LoadState : uint8_t { loading, loaded, failed };

  bool is_served(const Record& record, NodeSeconds at) const {
    return record.is_committed != 0 && at < record.expiry;
  }
  bool holds(const Record& record, RecordHandle handle, Bytes value) const;
  Found view(RecordHandle handle, NodeSeconds at);

  // Taking in stores.
  StoreRefusal refusal_of(const StoreRequest& request) const;
  struct Share {
    uint64_t bytes;
    uint32_t records;
  };
  size_t share_of(uint16_t source_prefix) const { return source_prefix % shares_.size(); }
  bool is_exceeded(const Share& share) const;
  bool exceeds_share(uint16_t source_prefix) const;
  StoreRefusal share_refusal(const StoreRequest& request, RecordHandle replaced) const;
  StoreRefusal room_refusal(const StoreRequest& request, RecordHandle replaced) const;
  StoreRefusal admit(NodeSeconds at, const StoreRequest& request, RecordHandle replaced,
                     FrameOutbox& operations);
  // A full store: displaces records until there is room, or no more may go.
  static constexpr size_t victims_max = 8;
  void make_room(const StoreRequest& request, RecordHandle replaced, FrameOutbox& operations);
  static constexpr uint32_t excess_probes = 16;
  void displace_excess(const StoreRequest& request, RecordHandle replaced, FrameOutbox& operations);
  bool may_displace(const StoreRequest& request, const FrameOutbox& operations) const;
  void displace(RecordHandle handle, FrameOutbox& operations);
  // Nothing waits for the record, and there is room for an erasure.
  void erase_and_drop(RecordHandle handle, FrameOutbox& operations);
  uint64_t rows_bytes(uint64_t records) const { return records * config_.row_bytes; }
  StoreOutcome refuse(StoreRefusal refusal);
  const PendingWrite* newest_pending(RecordHandle handle) const;
  NodeSeconds latest_publication(RecordHandle handle, NodeSeconds at) const;
  StoreOutcome begin_new(NodeSeconds at, const StoreRequest& request, const RecordTimes& times,
                         FrameOutbox& operations);
  StoreOutcome begin_equal(NodeSeconds at, RecordHandle handle, const RecordTimes& times,
                           FrameOutbox& operations);
  StoreOutcome begin_replacing(NodeSeconds at, RecordHandle handle, const StoreRequest& request,
                               const RecordTimes& times, FrameOutbox& operations);
  StoreOutcome write_value(RecordHandle handle, const StoreRequest& request,
                           const RecordTimes& times, FrameOutbox& operations);
  std::optional<Ticket> emit(const PendingWrite& write, Bytes value, FrameOutbox& operations);

  // Taking in completions.
  void commit(RecordHandle handle, const PendingWrite& write, NodeSeconds at);
  void commit_removal(RecordHandle handle);
  Finished complete_write(NodeSeconds at, const Completion& completion);
  Finished complete_read(NodeSeconds at, const Completion& completion, Bytes value);
  void load(NodeSeconds at, const Completion& completion, Bytes value);

  // Records and their times.
  static constexpr size_t due_max = 64;
  // Never longer than at construction: what reclaims rows of expired records on disk
  // (storage/rocks/expired_rows.h) counts on that.
  NodeSeconds longest_lag() const { return std::min(config_.ttl, first_ttl_) / 24; }
  NodeSeconds times_lag() const {
    return config_.times_on_disk == StoreConfig::TimesOnDisk::at_once ? 0 : longest_lag();
  }
  RecordHandle take_record(const Id& key);
  void drop(RecordHandle handle);
  NodeSeconds due_of(const Record& record) const;
  NodeSeconds republish_due_of(const Record& record) const;
  NodeSeconds republish_since(const RecordTimes& times) const;
  NodeSeconds next_visit_of(const Record& record) const;
  void hand_out(RecordHandle handle, NodeSeconds at);
  NodeSeconds jitter_of(const Id& key) const;
  // For two gauges of the list of what is published: walks a part of its records each second.
  void survey_ages(Instant now);
  void visit_due(RecordHandle handle, NodeSeconds at, FrameOutbox& operations);
  void drop_expired(NodeSeconds at, FrameOutbox& operations);
  bool expire(RecordHandle handle, FrameOutbox& operations);
  void move_times(Record& record, const RecordTimes& times);
  // One record, or write of one, and its bytes: charged to its source prefix, or no longer.
  void charge(uint16_t source_prefix, uint64_t bytes);
  void discharge(uint16_t source_prefix, uint64_t bytes);
  // Gives back the room of the record's committed value.
  void release_value(const Record& record);
  void update_gauges();
  void check_record(RecordHandle handle) const;
  void check_sums(uint64_t value_bytes, uint32_t pending, const Share& charged) const;

  StoreConfig config_;
  const NodeSeconds first_ttl_;
  LoadState load_state_ = LoadState::loading;
  uint32_t loading_prefix_ = 0;  // All records with a smaller prefix are loaded.
  Records records_;
  KeyIndex index_;
  KeyOrder order_;
  ExpiryRing ring_;
  ValueCache cache_;
  PendingWrites pending_;
  std::vector<Id> due_;  // At most due_max, reserved at construction.
  // What is held or pending, by source prefix. In a small store, prefixes share a row.
  LazyArray<Share> shares_;
  uint32_t shares_exceeded_ = 0;
  RecordHandle free_records_ = no_record;
  uint32_t records_touched_ = 0;
  uint32_t records_held_ = 0;
  uint64_t value_bytes_ = 0;
  uint32_t erasing_ = 0;  // Erasures pending of records that are gone from memory.
  uint32_t reads_pending_ = 0;
  uint32_t reads_begun_ = 0;
  struct Ages {
    uint32_t visited = 0;  // Records of this walk, in the order in which they lie.
    uint32_t overdue = 0;
    NodeSeconds oldest = UINT32_MAX;
  };
  Ages ages_;
  Instant ages_at_ = Instant::min();  // When the walk goes on.
  Instant advanced_at_ = Instant::min();
  bool is_blocked_ = false;  // At advanced_at_, an erasure found no room.
  bool is_behind_ = false;   // More was due at advanced_at_ than one turn may do.
  Counters<StoreCount> counters_;
};

}  // namespace xord
