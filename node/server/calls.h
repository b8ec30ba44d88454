// The embedding program's calls in progress, by the number that their results repeat. It has no
// lock of its own: the owner's lock guards it. Bounded by program_calls_max.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "node/contact.h"
#include "node/operation_result.h"
#include "node/server/server.h"
#include "reactor/base/bytes.h"
#include "reactor/base/instant.h"

namespace xord {

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
enum class CommandKind : uint8_t;

// The server's own joins (start-up, retries) run alongside those of its callers.
constexpr uint32_t own_calls_max = 16;
constexpr uint32_t program_calls_max = Server::operations_max + own_calls_max;

class Calls {
 public:
  struct Call {
    FinishCall finish;
    CommandKind kind{};
    MonotonicTime began;
  };

  // Empty, leaving `finish` untouched, when program_calls_max are in progress.
  std::optional<OperationId> begin(FinishCall& finish, CommandKind kind, MonotonicTime now) {
    if (calls_.size() >= program_calls_max) return std::nullopt;
    const OperationId id = next_++;
    calls_.emplace(id, Call{std::move(finish), kind, now});
    return id;
  }
  // Removes the call, whose function gets the result; the function is empty if there is no such
  // call.
  Call take(OperationId id) {
    const auto at = calls_.find(id);
    if (at == calls_.end()) return {};
    Call call = std::move(at->second);
    calls_.erase(at);
    return call;
  }
  std::vector<FinishCall> take_all() {
    std::vector<FinishCall> all;
    for (auto& [id, call] : calls_) all.push_back(std::move(call.finish));
    calls_.clear();
    return all;
  }
  uint32_t count() const { return static_cast<uint32_t>(calls_.size()); }

 private:
  OperationId next_ = 1;
  std::unordered_map<OperationId, Call> calls_;
};

}  // namespace xord
