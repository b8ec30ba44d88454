// The calls in progress, from their beginning to their one end, and the commands by which shards
// carry them out. Used by the program's threads, those of control connections and the admin thread;
// no shard and no commit thread ever takes its lock. Bounded by program_calls_max.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "node/contact.h"
#include "node/operation_result.h"
#include "node/server/calls/call_counters.h"
#include "node/server/calls/results.h"
#include "node/server/shards/shard_frames.h"
#include "reactor/base/bytes.h"
#include "reactor/base/instant.h"

namespace xord {

class Shards;

// How a call ended, for every kind of call. Borrowed for the duration of the callback.
struct CallResult {
  ServerStatus status{};
  uint32_t stored = 0;
  uint32_t erased = 0;  // purge only.
  Bytes value;
  std::vector<Contact> contacts;
  std::string unresolved;  // bootstrap only.
};
using FinishCall = std::function<void(const CallResult&)>;

class Calls {
 public:
  struct Call {
    FinishCall finish;
    CommandKind kind{};
    MonotonicTime began;
    bool is_own = false;  // Of the server itself.
  };

  // Calls of the program are accepted from open() to close(). `shards` is borrowed until no call is
  // in progress.
  void open(Shards& shards);
  void close();

  // Begins a call of the program and sends its command to `shard`; a command that needs the records
  // of the last run waits until release(). `finish` is called exactly once: with the result, or
  // here if the call is refused. `tail` is copied.
  void call(ShardIndex shard, ShardCommand command, Bytes tail, FinishCall finish);
  // Begins a call of the program whose command follows by send(): its number, or why it is refused,
  // and then `finish` is untouched.
  std::variant<OperationId, ServerStatus> admit(FinishCall& finish, CommandKind kind);
  // Begins a call of the server itself. Empty when too many are in progress.
  std::optional<OperationId> begin_own(FinishCall finish, CommandKind kind);

  // False if the mailbox of the shard is full.
  [[nodiscard]] bool send(ShardIndex shard, const ShardCommand& command, Bytes tail);
  // Whether commands that need records wait.
  bool is_holding() const;
  // Sends those that wait; from the first time that all could be sent, none waits.
  void release();

  // Ends a call, and counts it, with this status (and of a set, how many nodes stored the value).
  // Its function then gets the result from the caller; it is empty if there is no such call.
  Call take(OperationId operation, ServerStatus status, uint32_t stored = 0);
  // Ends a call without success. `unresolved`: of a join.
  void fail(OperationId operation, ServerStatus status, const std::string& unresolved);
  // Ends all calls with `stopped`.
  void abandon();

  uint32_t count() const;
  uint32_t program_count() const;  // Without the server's own.
  // May be read by any thread, without the lock.
  const CallCounters& counters() const { return counters_; }

 private:
  // Sets and gets that came before the records of the last run were loaded: a get would miss a
  // value held here, a set would not keep its own copy.
  struct Waiting {
    ShardIndex shard;
    ShardCommand command;
    std::vector<uint8_t> tail;
  };

  // Why a call of the program is refused now, and counts that.
  std::optional<ServerStatus> refuse(CommandKind kind);
  OperationId begin(FinishCall finish, CommandKind kind, bool is_own);
  Call take_locked(OperationId operation, ServerStatus status, uint32_t stored);

  mutable std::mutex mutex_;  // Guards all members, and pushing commands.
  Shards* shards_ = nullptr;
  bool is_accepting_ = false;
  bool is_holding_ = true;
  OperationId next_ = 1;
  uint32_t own_count_ = 0;
  std::unordered_map<OperationId, Call> calls_;
  std::deque<Waiting> waiting_;  // At most server_calls_max: each belongs to a call.
  CallCounters counters_;
};

}  // namespace xord
