#include "node/server/http/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

class TokenFileTest : public testing::Test {
 protected:
  // The token, or the error's sentence.
  std::string read(const std::string& text, mode_t mode = 0600) {
    const std::string path = directory.at("token");
    std::ofstream(path) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return read_at(path);
  }
  std::string read_at(const std::string& path) {
    const auto result = read_token_file(path);
    const auto* error = std::get_if<IoError>(&result);
    return error == nullptr ? std::get<std::string>(result) : error->sentence;
  }
  bool is_refused(const std::string& sentence, const std::string& why) {
    return sentence.find(why) != std::string::npos &&
           sentence.find(directory.path()) != std::string::npos;
  }

  TemporaryDirectory directory;
};

TEST_F(TokenFileTest, ATokenIsWhatStandsBetweenBlanks) {
  EXPECT_EQ(read("0123456789abcdef"), "0123456789abcdef");
  EXPECT_EQ(read("  0123456789ABCDEF-_~\r\n\n", 0400), "0123456789ABCDEF-_~");
  EXPECT_EQ(read("\t!~0123456789abcd"), "!~0123456789abcd") << "the outermost that are printed";
  const std::string longest(token_size_max, 'x');
  EXPECT_EQ(read(longest + "\n"), longest);
}

TEST_F(TokenFileTest, AFileThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0640u, 0604u, 0660u, 0601u, 0610u, 0644u}) {
    EXPECT_TRUE(is_refused(read("0123456789abcdef", mode), "run `chmod 600")) << mode;
  }
}

TEST_F(TokenFileTest, WhatIsNotATokenIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("0123456789abcde"),
        std::string("0123456789 abcdef"), std::string("0123456789abcdef\nsecond line"),
        std::string("0123456789abcd\xC3\xA9"), std::string("0123456789abcde\x7f"),
        std::string("0123456789abcdef\0", 17), std::string(token_size_max + 1, 'x'),
        std::string(1 << 20, 'x')}) {
    EXPECT_TRUE(is_refused(read(text), "has no token")) << text.substr(0, 40);
  }
}

TEST_F(TokenFileTest, WhatCannotBeReadIsRefused) {
  EXPECT_TRUE(is_refused(read_at(directory.at("none")), "No such file"));
  EXPECT_TRUE(is_refused(read_at(directory.path()), "is not a file"));
  const std::string pipe = directory.at("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(is_refused(read_at(pipe), "is not a file")) << "and nobody is waited for";
}

}  // namespace
}  // namespace xord
