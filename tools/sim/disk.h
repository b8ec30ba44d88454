// The disk of one simulated host. It carries out the operations of the host's stores
// (storage/operation.h) in order, each after a random delay, and may fail. A crash loses all or a
// part of what was not completed, as an unlucky moment does. On a restart it hands the records back
// as the commit thread does. Grows with the records kept.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/rng.h"
#include "storage/operation.h"

namespace xord::sim {

struct DiskOptions {
  Duration delay_mean = milliseconds(2);
  double keep_values_share = 1.0;  // Share of records loaded together with their value.
};

class Disk {
 public:
  explicit Disk(const DiskOptions& options, Rng rng) : options_(options), rng_(rng) {}

  void take(Instant now, uint32_t shard, Bytes operation_frame);
  // Completes what the disk has done by now, oldest first, with done(shard, frame).
  template <class Done>
  void advance(Instant now, Done&& done) {
    while (!in_progress_.empty() && in_progress_.front().at <= now) {
      const InProgress operation = std::move(in_progress_.front());
      in_progress_.pop_front();
      CHECK(in_progress_.empty() || in_progress_.front().at >= operation.at);
      const std::vector<uint8_t> frame = carry_out(operation);
      done(operation.shard, Bytes(frame));
    }
  }
  std::optional<Instant> next_wakeup() const {
    if (in_progress_.empty()) return std::nullopt;
    return in_progress_.front().at;
  }

  // The machine stops. A random part of the operations in progress still reaches the disk.
  void crash();
  void erase_all() { rows_.clear(); }
  // While false every write fails.
  void set_works(bool works) { works_ = works; }
  // Adds a row to a network's list of published keys, as if an earlier run had left it.
  void list_published(NetworkIndex network, const Id& key, const RecordTimes& times, Bytes value);
  // Hands out every record and every key of the published list to the shard that owns it, and then
  // the end of loading of `network` to each shard, over some time. `fingerprint_seed` is that of
  // the stores.
  void load(Instant now, NetworkIndex network, uint32_t shards, uint64_t fingerprint_seed);
  size_t rows_count() const { return rows_.size(); }

 private:
  // Ordered as a commit thread loads rows (storage/operation.h).
  struct Place {
    StoreId store;
    Id key;
    friend bool operator<(const Place& a, const Place& b) {
      if (a.store != b.store) return a.store < b.store;
      if (load_prefix(a.key) != load_prefix(b.key)) return load_prefix(a.key) < load_prefix(b.key);
      return a.key < b.key;
    }
  };
  struct Row {
    RecordTimes times;
    uint16_t source_prefix = 0;
    std::vector<uint8_t> value;
  };
  struct InProgress {
    Instant at;
    uint32_t shard = 0;
    Completion completion;  // Complete for a load; else made from the operation.
    std::optional<Operation> operation;
    std::vector<uint8_t> value;
  };

  std::vector<uint8_t> carry_out(const InProgress& in_progress);
  void put(const Operation& operation, Bytes value);
  void load_row(Instant at, ShardIndex shard, uint64_t fingerprint_seed, const Place& place,
                const Row& row);
  Instant due(Instant now);

  DiskOptions options_;
  Rng rng_;
  bool works_ = true;
  std::map<Place, Row> rows_;
  std::deque<InProgress> in_progress_;
};

}  // namespace xord::sim
