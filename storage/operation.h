// What a store asks of the disk, and what comes back: plain data, so that the store does no I/O.
// The composition hands operations to the commit thread (storage/rocks/) and completions to the
// store; the simulator has a disk of its own. Each is a frame: the header here, then `value_size`
// bytes.
#pragma once

#include <cstdint>

#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

// Node time in whole seconds: the unit of everything that a record carries. 136 years.
using NodeSeconds = uint32_t;

// The times of a record. `published` is when its publisher last published it, as far as the age
// that stores carry tells (docs/WIRE.md); expiry = published + ttl, unless the copy is held for
// less.
struct RecordTimes {
  NodeSeconds first_seen = 0;
  NodeSeconds published = 0;
  NodeSeconds last_store = 0;
  NodeSeconds expiry = 0;  // Not served at or after this second.

  bool operator==(const RecordTimes&) const = default;
};

using Ticket = uint64_t;  // Chosen by the store; a completion repeats it.
using NetworkIndex = uint8_t;

enum class OperationKind : uint8_t {
  write,        // Put the record: times and value.
  write_times,  // Only the times changed; the value on disk stays.
  read,         // Fetch the value.
};

struct Operation {
  Ticket ticket = 0;
  OperationKind kind{};
  NetworkIndex network = 0;
  uint16_t source_prefix = 0;  // Hash of the sender's /24 or /64, for budgets by source.
  uint32_t value_size = 0;     // Bytes that follow this header.
  Id key;
  RecordTimes times;
};

enum class CompletionKind : uint8_t {
  written,        // The ticket's batch is committed as durably as configured.
  write_failed,   // It is not, and will not be: the store must be refused.
  value_read,     // The value follows.
  read_failed,    // The value could not be read (I/O error, or damaged).
  record_loaded,  // At start: a record found on disk; no ticket. The value follows or is left out.
  load_finished,  // At start: every record of this shard's range was handed over.
  load_failed,    // At start: the database could not be opened or read to the end.
};

struct Completion {
  Ticket ticket = 0;
  CompletionKind kind{};
  NetworkIndex network = 0;
  uint16_t source_prefix = 0;
  uint32_t value_size = 0;  // The value's size on disk; for record_loaded without value also this,
  bool has_value = false;   // and then nothing follows.
  Id key;
  RecordTimes times;
};

}  // namespace xord
