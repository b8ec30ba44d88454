// Everything that a running server counts, as one plain value: a snapshot for logs, health checks
// and tests. The figures are read one by one while the shards run, so they are recent but not of
// one moment. docs/CONTROL.md says what each name means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/counters.h"
#include "reactor/base/histogram.h"

namespace xord {

enum class StorageState : uint8_t {
  opening,  // The database is being opened: requests for records are held.
  loading,  // Its records are being read.
  ready,    // Every record is served, stores are acknowledged.
  damaged,  // The same, but some records cannot be read; the log says why.
  failed,   // Refuses stores, answers lookups, and keeps trying; the log says why.
  stopped,
};
std::string_view name_of(StorageState state);

struct SocketStats {
  std::string endpoint;               // As bound, with its port.
  uint32_t receive_buffer_bytes = 0;  // Granted by the kernel, for one shard's socket.
  bool steered = false;               // The kernel steers its datagrams to the shards by key.
};

// One row of a table of counters: of calls it is a method, of lookups a purpose.
struct CountRow {
  std::string_view name;
  std::vector<NamedCount> counts;
};

// The calls of the embedding program, and of the control socket, of one kind that ended with one
// status.
struct OperationStats {
  std::string_view kind;
  std::string_view outcome;
  NamedHistogram duration;
};

struct ShardStats {
  std::vector<NamedCount> shard;      // contacts, records, ...: current state, and drops.
  std::vector<NamedCount> node;       // What the protocol did, by reason.
  std::vector<NamedCount> malformed;  // Datagrams dropped, by reason.
  std::vector<NamedCount> table;      // Contacts that found no place, by reason.
  std::vector<NamedCount> io;
  std::vector<NamedCount> storage;    // Of the records.
  std::vector<NamedCount> published;  // Of the list of what is published, by the same names.
  std::vector<NamedCount> commits;    // Of the shard's thread that writes to the database.
  std::vector<CountRow> calls;        // Our requests to other nodes, by method and outcome.
  std::vector<CountRow> lookups;      // By purpose and outcome.
  std::vector<NamedHistogram> histograms;
};

struct ServerStats {
  std::string id;                   // 40 hexadecimal digits.
  std::string io;                   // "uring" or "epoll"
  std::string io_fallback_because;  // Not empty: io_uring was refused, and why.
  StorageState storage_state = StorageState::opening;
  double uptime_seconds = 0;
  std::vector<SocketStats> sockets;
  uint64_t contacts = 0;    // As known by every shard's replica of the routing table.
  uint64_t records = 0;     // On all shards.
  uint64_t operations = 0;  // get, set, find and bootstrap calls in progress.
  std::vector<OperationStats> operation_durations;  // Each kind with each status.
  std::vector<NamedHistogram> histograms;           // Of the server, not of a shard.
  ShardStats total;                                 // Over all shards, combined as CountKind says.
  std::vector<ShardStats> shards;
  std::vector<NamedCount>
      database;  // Of the one RocksDB: bytes written to disk, and what it holds.

  std::vector<NamedCount> http;  // Of the admin port.

  // The count of that name in `total`, over all its lists except `published`, or in `database`; 0
  // if there is none. Not of `http`.
  uint64_t count(std::string_view name) const;
  // One JSON object on one line: the fields above by these names, each list an object. Counts of
  // single shards are included only if there is more than one, and durations of operations only if
  // there was one.
  std::string json() const;
};

}  // namespace xord
