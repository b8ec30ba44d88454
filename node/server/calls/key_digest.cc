#include "node/server/calls/key_digest.h"

#include <openssl/sha.h>

namespace xord {

Id key_digest(Bytes key) {
  static_assert(SHA_DIGEST_LENGTH == id_size);
  Id digest;
  SHA1(key.data(), key.size(), digest.bytes.data());
  return digest;
}

Id key_digest(std::string_view key) {
  return key_digest(bytes_of(key));
}

}  // namespace xord
