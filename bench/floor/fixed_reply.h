// What the floor answers: the request's transaction, followed by the same bytes each time.
#pragma once

#include <cstring>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {

class FixedReply {
 public:
  explicit FixedReply(size_t size) : bytes_(size, 0) {
    CHECK(size >= rpcudp::header_size);
    bytes_[0] = 1;  // A reply.
  }
  size_t size() const { return bytes_.size(); }

  // Writes the reply to `request` to `out`, which has room for size(); false when it is not a valid
  // request.
  bool write(Bytes request, uint8_t* out) const {
    if (request.size() < rpcudp::header_size || request[0] != 0) return false;
    std::memcpy(out, bytes_.data(), bytes_.size());
    std::memcpy(out + 1, request.data() + 1, rpcudp::header_size - 1);
    return true;
  }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace xord
