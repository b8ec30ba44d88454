// The gets, sets, finds and joins that run for the embedding program, and what each still waits
// for. A fixed pool; a value lives here until its last store is answered. Knows no table and sends
// nothing.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "node/budget.h"
#include "node/contact.h"
#include "node/operation_result.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

enum class OperationTask : uint8_t {
  get,
  set,
  find,
  join,
  keep,    // Into the list of what is published anew each day, then as set.
  forget,  // Out of that list.
  // The node's own, without a result:
  republish,  // A record held here, at the k nearest.
  publish,    // A key of the list, a day after the last time.
  hand_over,  // A record at a newcomer.
};

inline bool is_replication(OperationTask task) {
  return task == OperationTask::republish || task == OperationTask::publish ||
         task == OperationTask::hand_over;
}

// One node that a value is stored at. A store is sent once more when it is slow, so two requests
// may be open for one target; the first answer decides.
struct StoreTarget {
  Contact contact;
  uint8_t open_count = 0;
  bool decided = false;
  bool was_sent = false;
};

struct OngoingOperation {
  OperationId id = 0;  // Of a hand-over: the handle of its HandOver.
  OperationTask task{};
  Id target;
  uint32_t age = 0;   // Seconds since publication, said with each store; 0: nothing is said.
  uint32_t room = 0;  // Of the node's own: bytes taken of replication_bytes_max.
  uint16_t undecided_count = 0;  // Stores that may still land, our own copy included.
  uint16_t stored = 0;
  uint8_t targets_count = 0;
  uint8_t hops = 0;      // What its lookup took, for the result.
  bool is_held = false;  // A get: the value is on our disk, which could not be read.
  uint16_t asked = 0;
  uint32_t value_size = 0;
  std::array<StoreTarget, bucket_size> targets;
  std::array<uint8_t, value_size_max> value;

  void begin(OperationId operation, OperationTask what, const Id& at) {
    id = operation;
    task = what;
    target = at;
    age = room = 0;
    undecided_count = stored = asked = 0;
    targets_count = hops = 0;
    is_held = false;
    value_size = 0;
  }
  // `bytes` is at most value_size_max.
  void keep_value(Bytes bytes) {
    CHECK(bytes.size() <= value_size_max);
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), bytes.size());
    value_size = static_cast<uint32_t>(bytes.size());
  }
  Bytes value_bytes() const { return {value.data(), value_size}; }
  // At most k.
  void aim_at(std::span<const Contact> contacts) {
    targets_count = static_cast<uint8_t>(contacts.size());
    for (size_t i = 0; i < contacts.size(); ++i) targets[i] = {contacts[i]};
  }
  OperationResult result(OperationStatus status) const {
    OperationResult result{id, status};
    result.stored = stored;
    result.hops = hops;
    result.asked = asked;
    return result;
  }
};

using OngoingOperations = FixedPool<OngoingOperation>;

}  // namespace xord
