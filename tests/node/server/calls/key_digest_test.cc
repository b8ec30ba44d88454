#include "node/server/calls/key_digest.h"

#include <gtest/gtest.h>

#include "tests/golden/vectors.h"

namespace xord {
namespace {

// From Python: kademlia.utils.digest("my-key").hex(), digest("").hex() and digest("ключ").hex().
TEST(KeyDigest, IsThatOfThePythonLibrary) {
  EXPECT_EQ(key_digest("my-key").hex(), "61ba747fe2f5b3d513c40550084c6284fbbc1094");
  EXPECT_EQ(key_digest("").hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(key_digest("ключ").hex(), "b36af61a5d76b466e25a17dd979530303417c16f");
}

// The key's name as the Python library takes it: str() of anything that is neither text nor bytes.
std::vector<uint8_t> name_of_key(const nlohmann::json& typed) {
  const std::string type = typed.at("t");
  if (type == "bin") return golden::octets(typed.at("hex"));
  if (type == "str") return golden::octets(typed.at("utf8"));
  std::string text = "None";
  if (type == "int") text = typed.at("v");
  if (type == "float") text = typed.at("text");
  if (type == "bool") text = typed.at("v") ? "True" : "False";
  return {text.begin(), text.end()};
}

TEST(KeyDigest, IsThatOfEveryGoldenKey) {
  ASSERT_FALSE(golden::rpcudp().key_digests.empty());
  for (const golden::KeyDigest& each : golden::rpcudp().key_digests) {
    EXPECT_EQ(key_digest(Bytes(name_of_key(each.key))), each.digest) << each.name;
  }
}

TEST(KeyDigest, IsTheSameForTextAndItsBytes) {
  const uint8_t bytes[] = {'k', 'e', 'y'};
  EXPECT_EQ(key_digest(Bytes(bytes)), key_digest("key"));
  EXPECT_NE(key_digest("key"), key_digest("kez"));
}

}  // namespace
}  // namespace xord
