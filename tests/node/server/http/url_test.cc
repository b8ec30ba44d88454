#include "node/server/http/url.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

TEST(Url, PercentsBecomeBytes) {
  EXPECT_EQ(percent_decoded(""), "");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
  EXPECT_EQ(percent_decoded("a%2Fb%2f%C3%A9"), "a/b/\xC3\xA9");
  EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decoded("%2541"), "%41") << "once";
}

TEST(Url, BadPercentsAreRefused) {
  for (const char* text : {"%", "a%", "%4", "%zz", "%4g", "%-1", "a%2"}) {
    EXPECT_FALSE(percent_decoded(text)) << text;
  }
}

TEST(Url, WhatIsEncodedIsSafeAndReadBackAsItWas) {
  EXPECT_EQ(percent_encoded("az-AZ_09.~"), "az-AZ_09.~");
  EXPECT_EQ(percent_encoded("2001:db8::1"), "2001%3Adb8%3A%3A1");
  EXPECT_EQ(percent_encoded("a b+c/d?e&f=g#h%"), "a%20b%2Bc%2Fd%3Fe%26f%3Dg%23h%25");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
  EXPECT_EQ(query_value("x=" + percent_encoded(all), "x"), all);
}

TEST(Url, AQueryIsReadByName) {
  EXPECT_EQ(query_value("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(query_value("a=1&b=2", "b"), "2");
  EXPECT_EQ(query_value("verbose", "verbose"), "");
  EXPECT_EQ(query_value("a=", "a"), "");
  EXPECT_EQ(query_value("a=x+y%26z", "a"), "x y&z");
  EXPECT_EQ(query_value("%61=1", "a"), "1");
  EXPECT_EQ(query_value("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_value("ab=1&&=&b", "b"), "");
  EXPECT_EQ(query_value("a&a=1", "a"), "") << "the first counts";
  EXPECT_EQ(query_value("a=1&b=", "b"), "");
  EXPECT_EQ(query_value("a=%2B+%2b", "a"), "+ +") << "a plus that is encoded stays one";
}

TEST(Url, WhatIsNotInAQueryIsEmpty) {
  EXPECT_FALSE(query_value("", "a"));
  EXPECT_FALSE(query_value("ab=1", "a"));
  EXPECT_FALSE(query_value("&&&", "a"));
  EXPECT_FALSE(query_value("a=%zz", "a"));
}

}  // namespace
}  // namespace xord
