// How the calls of a Server ended (node/server/server.h), as its futures and callbacks have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/contact.h"
#include "node/operation_result.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/id.h"

namespace xord {

// How a call ended.
enum class ServerStatus : uint8_t {
  done,
  not_found,     // get: no node that was asked has a value.
  not_stored,    // set: no node acknowledged it.
  no_contacts,   // No node answered: the network was not reached. bootstrap() first.
  refused,       // Too many calls in progress: try again later.
  unacceptable,  // set: not a valid value: too long (8,140 bytes encoded), or not UTF-8. reload:
                 // the configuration is impossible, here or everywhere.
  bad_address,   // bootstrap: none of the names could be resolved.
  stopped,       // The server is not running, or was stopped in the meantime.
};
std::string_view name_of(ServerStatus status);

struct GetResult {
  ServerStatus status{};
  // done: the value, one of the five types that the Python library stores. Empty when a peer sent
  // anything else.
  std::optional<Value> value;
  std::vector<uint8_t> wire;  // done: the value, byte for byte as its publisher encoded it.
};

struct SetResult {
  ServerStatus status{};
  // done: how many nodes acknowledged the value, including this one if it keeps a copy.
  uint32_t stored = 0;
};

struct ForgetResult {
  ServerStatus status{};  // not_found: the key is not in the list.
};

struct PublishedResult {
  ServerStatus status{};
  std::vector<PublishedKey> keys;  // In order.
  std::optional<Id> next;          // Where to continue; empty: these are the last.
};

struct FindResult {
  ServerStatus status{};
  std::vector<Contact> contacts;  // done: the nearest to the target that answer, nearest first.
};

struct BootstrapResult {
  ServerStatus status{};
  std::vector<Contact> contacts;  // done: the nodes nearest to this one.
  std::string unresolved;         // The names that could not be resolved, and why; empty: none.
};

struct ReloadResult {
  ServerStatus status{};
  std::string refused_because;       // Not done: a sentence, as ServerError has.
  std::vector<std::string> changed;  // done: the settings that have another value now.
  std::vector<std::string> restart;  // done: those that will have one after a restart.
};

}  // namespace xord
