// What a peer of the node says, and who says it: the datagrams of rpcudp that the programs of this
// folder send, and endpoints drawn from a prefix. Written by hand, so that an attack does not
// change with the code that it attacks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "reactor/base/bytes.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"

namespace xord {

enum class Method : uint8_t { ping, find_node, find_value, store, count };
constexpr std::array<std::string_view, 4> method_names = {"ping", "find_node", "find_value",
                                                          "store"};
std::optional<Method> method_named(std::string_view name);

constexpr size_t transaction_size = 20;

// What to ask. `value_size` bytes are stored, with this age in seconds if it is not 0: those that
// belong to the number `value`, or if that is 0, to the transaction.
struct Question {
  Method method{};
  Id sender;
  Id key;
  size_t value_size = 0;
  uint32_t age = 0;
  uint64_t value = 0;
};

// The size of a store's value that fits the largest request.
constexpr size_t stored_max = 8'137;

// Writes one datagram and returns its length. `out` has room for datagram_max bytes.
size_t write_request(MutableBytes out, uint64_t transaction, const Question& question);
// Answers `request` as a node that knows nobody does. 0 if it is not a request of the four.
size_t write_reply(MutableBytes out, Bytes request, const Id& own_id);

bool is_ping(Bytes datagram);
// The number that a reply's transaction holds; empty for anything else.
std::optional<uint64_t> transaction_of_reply(Bytes datagram);

// What a reply says to its asker.
enum class Verdict : uint8_t { served, denied };
// `denied` is what a peer would take for an answer and is none: no contact, no value, `false`.
Verdict verdict_on(Method method, Bytes reply);
// Whether `reply`, to a find_value, holds just what a store of this size and `value` stored.
bool holds_value(Bytes reply, size_t value_size, uint64_t value);

// Endpoints of a prefix, by number: the same for the same seed. 0.0.0.0/0 leaves out what no
// public host has.
class Sources {
 public:
  Sources(const Subnet& net, uint64_t seed) : net_(net), seed_(seed) {}
  Endpoint operator[](uint64_t number) const;

 private:
  Subnet net_;
  uint64_t seed_;
};

// Ids that look random.
struct Ids {
  // Of the bits of `near`, an id shares at least `bits_min` and less than `bits_max`.
  Id near;
  uint32_t bits_min = 0;
  uint32_t bits_max = 0;  // 0: any id at all.

  // Always the same for the same endpoint, as a node keeps its own.
  Id of(const Endpoint& endpoint) const;
  Id of_number(uint64_t number) const;
};

// A number that looks random, of a number (splitmix64, Steele et al. 2014).
uint64_t scattered(uint64_t number);

}  // namespace xord
