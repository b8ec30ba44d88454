// The golden vectors of the rpcudp dialect (tests/golden/rpcudp.json): datagrams that the Python
// library emitted, or that were made by hand and run through it, with their meaning. For tests
// only: loading allocates, and a vector that cannot be read ends the program. The notes in the file
// explain its fields; docs/WIRE.md explains the dialect.
#pragma once

#include <nlohmann/json.hpp>

#include <bit>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "node/wire/message.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"

namespace xord::golden {

using Octets = std::vector<uint8_t>;

inline Octets octets(const nlohmann::json& hex) {
  const auto bytes = from_hex(hex.get<std::string>());
  CHECK(bytes);
  return *bytes;
}

// A valid request or reply: "meaning" as in the file.
struct Message {
  std::string name;
  Octets datagram;
  bool is_from_library = false;  // Otherwise made by hand: legal, in another encoding.
  nlohmann::json meaning;

  bool is_request() const { return meaning.at("kind") == "request"; }
  // For a request its own, for a reply that of the request it answers.
  std::string method_name() const { return meaning.at(is_request() ? "method" : "to_method"); }
  Method method() const {
    const std::string name_of_it = method_name();
    if (name_of_it == "ping") return Method::ping;
    if (name_of_it == "stun") return Method::stun;
    if (name_of_it == "store") return Method::store;
    CHECK(name_of_it == "find_node" || name_of_it == "find_value");
    return name_of_it == "find_node" ? Method::find_node : Method::find_value;
  }
  Octets transaction() const { return octets(meaning.at("msg_id")); }
  // Argument `index` of a request, which is an id.
  Id id_argument(size_t index) const {
    return Id::from(octets(meaning.at("args").at(index).at("hex")));
  }
};

// What may be sent back for a malformed datagram.
enum class Answer : uint8_t {
  none,
  refusal_at_most,  // Nothing, or an answer to a store.
  any,              // Nothing, or the answer to the request it resembles.
};

struct Malformed {
  std::string name;
  Octets datagram;
  Answer answer{};
};

// A malformed reply to a request of ours; bytes 1..20 are to be replaced by its transaction. The
// call then fails, or its answer has no contacts.
struct MalformedReply {
  std::string name;
  Octets datagram;

  // The requests to which this may be a reply.
  std::vector<Method> methods() const {
    if (name.find("_ping_") != std::string::npos) return {Method::ping};
    return {Method::find_node, Method::find_value};
  }
};

struct KeyDigest {
  std::string name;
  nlohmann::json key;
  Id digest;
};

struct Vectors {
  std::vector<Message> messages;
  std::vector<Malformed> malformed;
  std::vector<MalformedReply> malformed_replies;
  std::vector<KeyDigest> key_digests;
};

// A typed value of the file, if a record may have its type.
inline std::optional<Value> value_of(const nlohmann::json& typed) {
  const std::string type = typed.at("t");
  if (type == "bool") return Value(typed.at("v").get<bool>());
  if (type == "str") return Value(std::string(text_of(octets(typed.at("utf8")))));
  if (type == "bin") return Value(octets(typed.at("hex")));
  if (type == "float") {
    const Octets bits = octets(typed.at("bits"));
    return Value(std::bit_cast<double>(load_be64(bits.data())));
  }
  if (type != "int") return std::nullopt;
  const std::string text = typed.at("v");
  const char* end = text.data() + text.size();
  int64_t number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc{}) return Value(number);
  uint64_t large = 0;
  CHECK(std::from_chars(text.data(), end, large).ec == std::errc{});
  return Value(large);
}

// Equal in type and bits: 1 and true differ, but nan equals nan.
inline bool same(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  const auto* number = std::get_if<double>(&a);
  if (number == nullptr) return a == b;
  return std::bit_cast<uint64_t>(*number) == std::bit_cast<uint64_t>(std::get<double>(b));
}

inline Answer answer_of(const std::string& text) {
  if (text == "none") return Answer::none;
  if (text == "none_or_false_or_true") return Answer::refusal_at_most;
  CHECK(text == "none_or_any");
  return Answer::any;
}

inline Vectors load(const std::string& path) {
  std::ifstream file(path);
  CHECK(file);
  const nlohmann::json json = nlohmann::json::parse(file);
  Vectors vectors;
  for (const auto& each : json.at("vectors")) {
    const auto& meaning = each.at("meaning");
    if (meaning.at("kind") == "key_digest") {
      vectors.key_digests.push_back(
          {each.at("name"), meaning.at("key"), Id::from(octets(each.at("hex")))});
    } else {
      vectors.messages.push_back(
          {each.at("name"), octets(each.at("hex")), each.at("origin") == "library", meaning});
    }
  }
  for (const auto& each : json.at("malformed")) {
    vectors.malformed.push_back({each.at("name"), octets(each.at("hex")),
                                 answer_of(each.at("expect").at("reply").get<std::string>())});
  }
  for (const auto& each : json.at("malformed_replies")) {
    CHECK(each.at("expect").at("treat_as") == "failed_or_empty_answer");
    vectors.malformed_replies.push_back({each.at("name"), octets(each.at("hex"))});
  }
  return vectors;
}

// The vectors of tests/golden/rpcudp.json, read once.
inline const Vectors& rpcudp() {
  static const Vectors vectors = load(XORD_GOLDEN "/rpcudp.json");
  return vectors;
}

}  // namespace xord::golden
