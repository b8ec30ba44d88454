#include "node/server/key_digest.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

// From Python: kademlia.utils.digest("my-key").hex(), digest("").hex() and digest("ключ").hex().
TEST(KeyDigest, IsThatOfThePythonLibrary) {
  EXPECT_EQ(key_digest("my-key").hex(), "61ba747fe2f5b3d513c40550084c6284fbbc1094");
  EXPECT_EQ(key_digest("").hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(key_digest("ключ").hex(), "b36af61a5d76b466e25a17dd979530303417c16f");
}

TEST(KeyDigest, IsTheSameForTextAndItsBytes) {
  const uint8_t bytes[] = {'k', 'e', 'y'};
  EXPECT_EQ(key_digest(Bytes(bytes)), key_digest("key"));
  EXPECT_NE(key_digest("key"), key_digest("kez"));
}

}  // namespace
}  // namespace xord
