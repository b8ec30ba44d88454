// The one encoding that the Python encoder, and ours, uses for a request with a key: the bytes
// before the sender's id, and those between it and the key. Nearly all requests are encoded this
// way: the parser compares before it reads, and the kernel steers by it. Any other encoding means
// the same, but is slower.
#pragma once

#include <string_view>

#include "node/wire/message.h"

namespace xord::rpcudp {

struct Canonical {
  std::string_view head;  // Of the body: call, method, arguments, the sender's type and length.
  Method method;
};
inline constexpr Canonical canonicals[] = {
    {"\x92\xa9"
     "find_node"
     "\x92\xc4\x14",
     Method::find_node},
    {"\x92\xaa"
     "find_value"
     "\x92\xc4\x14",
     Method::find_value},
    {"\x92\xa5"
     "store"
     "\x93\xc4\x14",
     Method::store},
};
inline constexpr std::string_view canonical_key_head = "\xc4\x14";  // Binary of 20 bytes.
static_assert(static_cast<size_t>(canonical_key_head[1]) == id_size);

}  // namespace xord::rpcudp
