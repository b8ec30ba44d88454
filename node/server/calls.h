// The calls of the embedding program that are under way, by the number that their result repeats.
// It has no lock of its own: its owner's guards it. Bounded by calls_max.
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

namespace xord {

// How a call ended, whatever it asked. Borrowed for the duration of the callback.
struct CallResult {
  ServerStatus status{};
  uint32_t stored = 0;
  Bytes value;
  std::vector<Contact> contacts;
  std::string unresolved;  // bootstrap only.
};
using FinishCall = std::function<void(const CallResult&)>;

// Server's own joins (start-up, retries) run beside those of its callers.
constexpr uint32_t own_calls_max = 16;
constexpr uint32_t calls_max = Server::operations_max + own_calls_max;

class Calls {
 public:
  // Empty, and `finish` untouched, when calls_max are under way.
  std::optional<OperationId> begin(FinishCall& finish) {
    if (calls_.size() >= calls_max) return std::nullopt;
    const OperationId id = next_++;
    calls_.emplace(id, std::move(finish));
    return id;
  }
  // What to call with the result; empty function when there is no such call.
  FinishCall take(OperationId id) {
    const auto at = calls_.find(id);
    if (at == calls_.end()) return {};
    FinishCall finish = std::move(at->second);
    calls_.erase(at);
    return finish;
  }
  std::vector<FinishCall> take_all() {
    std::vector<FinishCall> all;
    for (auto& [id, finish] : calls_) all.push_back(std::move(finish));
    calls_.clear();
    return all;
  }
  uint32_t count() const { return static_cast<uint32_t>(calls_.size()); }

 private:
  OperationId next_ = 1;
  std::unordered_map<OperationId, FinishCall> calls_;
};

}  // namespace xord
