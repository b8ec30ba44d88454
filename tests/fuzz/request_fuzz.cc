// Any bytes as a request: what is read lies within them, means the same in both encodings that we
// can write, and is never storable when it must be refused.
#include <vector>

#include "node/wire/rpcudp/msgpack.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/fuzz/target.h"

namespace xord {
namespace {

using Octets = std::vector<uint8_t>;

bool is_within(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_fields(Bytes datagram, const Request& request) {
  CHECK(datagram.size() > rpcudp::header_size && datagram.size() <= rpcudp::request_size_max);
  CHECK(request.method < Method::count);
  CHECK(equal(request.transaction, datagram.subspan(1, transaction_size)));
  CHECK(is_within(request.value, datagram));
  const bool is_store = request.method == Method::store;
  CHECK(is_store != request.value.empty());
  CHECK(is_store || (request.acceptable && !request.age));
  if (!is_store) return;
  CHECK(!request.acceptable || rpcudp::is_storable(request.value));
  CHECK(!request.acceptable || request.value.size() <= value_size_max);
}

// As the Python library would have sent it.
size_t write_canonical(const Request& request, MutableBytes out) {
  const Ask ask{request.method, request.target, request.value, request.age};
  return rpcudp::encode_request(out, request.transaction, request.sender, ask);
}

// The same with its method as str32 and its ids as bin16: a form that no peer sends and all must
// read.
Octets write_wide(const Request& request) {
  const std::string_view name = name_of(request.method);
  Octets wide{0};
  const auto append = [&](Bytes bytes) { wide.insert(wide.end(), bytes.begin(), bytes.end()); };
  const auto append_id = [&](const Id& id) {
    append(std::array<uint8_t, 3>{0xc5, 0, id_size});
    append(id.bytes);
  };
  append(request.transaction);
  append(std::array<uint8_t, 8>{0xdc, 0, 2, 0xdb, 0, 0, 0, static_cast<uint8_t>(name.size())});
  append(bytes_of(name));
  const uint8_t arity = request.method == Method::stun    ? 0
                        : request.method == Method::ping  ? 1
                        : request.method == Method::store ? 3
                                                          : 2;
  append(std::array<uint8_t, 5>{0xdd, 0, 0, 0, arity});
  if (arity > 0) append_id(request.sender);
  if (arity > 1) append_id(request.target);
  append(request.value);
  return wide;
}

void check_equal(const Request& a, const Request& b) {
  CHECK(a.method == b.method && a.sender == b.sender && a.target == b.target);
  CHECK(equal(a.transaction, b.transaction) && equal(a.value, b.value));
  CHECK(a.acceptable == b.acceptable);
}

void check_spellings(const Request& request) {
  Octets canonical(rpcudp::request_size_max);
  canonical.resize(write_canonical(request, canonical));
  CHECK(!canonical.empty());
  Request read;
  CHECK(rpcudp::parse_request(canonical, &read) == ParseError::none);
  check_equal(request, read);
  CHECK(request.age == read.age);
  const Octets wide = write_wide(request);
  if (wide.size() > rpcudp::request_size_max) return;
  CHECK(rpcudp::parse_request(wide, &read) == ParseError::none);
  check_equal(request, read);
}

void check(Bytes datagram) {
  Request request;
  if (rpcudp::parse_request(datagram, &request) != ParseError::none) return;
  check_fields(datagram, request);
  if (request.acceptable) check_spellings(request);
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  xord::check({data, size});
  return 0;
}
