#include "tools/control/admin_url.h"

#include <gtest/gtest.h>

#include "tools/cli/failure.h"

namespace xord {
namespace {

struct Read {
  const char* written;
  const char* text;
  const char* host_field;
};

TEST(AdminUrl, IsAnAddressOverHttpOrTheSocketOfAPath) {
  for (const Read& each : {
           Read{"http://127.0.0.1:9", "http://127.0.0.1:9", "127.0.0.1:9"},
           Read{"http://127.0.0.1", "http://127.0.0.1:8470", "127.0.0.1:8470"},
           Read{"http://127.0.0.1:9/", "http://127.0.0.1:9", "127.0.0.1:9"},
           Read{"127.0.0.1:9", "http://127.0.0.1:9", "127.0.0.1:9"},
           Read{"node.example", "http://node.example:8470", "node.example:8470"},
           Read{"0.0.0.0:9", "http://127.0.0.1:9", "127.0.0.1:9"},
           Read{"[2001:db8::1]:9", "http://[2001:db8::1]:9", "[2001:db8::1]:9"},
           Read{"http://[::1]", "http://[::1]:8470", "[::1]:8470"},
           Read{"2001:db8::1", "http://[2001:db8::1]:8470", "[2001:db8::1]:8470"},
           Read{"[fe80::1%eth0]:9", "http://[fe80::1%eth0]:9", "[fe80::1]:9"},
           Read{"unix:/run/xord/admin", "unix:/run/xord/admin", "localhost"},
           Read{"unix:a/b?c@d", "unix:a/b?c@d", "localhost"},
       }) {
    const AdminUrl url = parse_admin_url(each.written);
    EXPECT_EQ(url.text(), each.text) << each.written;
    EXPECT_EQ(url.host_field(), each.host_field) << each.written;
    EXPECT_EQ(parse_admin_url(url.text()), url) << each.written;
    EXPECT_EQ(url.is_unix(), url.text().starts_with("unix:")) << each.written;
  }
}

struct Wrong {
  std::string written;
  std::string said;  // A part of the sentence.
};

TEST(AdminUrl, SaysWhatToWriteInsteadOfWhatItDoesNotTake) {
  for (const Wrong& each : {
           Wrong{"https://node.example", "asks for encryption, which a node's admin port does not"},
           Wrong{"https://node.example/v1", "write http://HOST:PORT, and let ssh carry it"},
           Wrong{"ftp://node.example", "a kind that is not known: write http://HOST:PORT or unix:"},
           Wrong{"http://http://a", "a kind that is not known"},
           Wrong{"http://ada@node.example", "name the file with the token by --admin-token-file"},
           Wrong{"ada:secret@node.example", "has a user's name"},
           Wrong{"http://node.example/v1/status", "write http://HOST:PORT, the command adds the"},
           Wrong{"http://node.example//", "goes on after the port"},
           Wrong{"node.example/", "goes on after the port"},
           Wrong{"http://node.example?a=b", "goes on after the port"},
           Wrong{"http://node.example#a", "goes on after the port"},
           Wrong{"", "is not HOST:PORT: write it like node.example, 192.0.2.1:8470 or [2001:db8:"},
           Wrong{"http://", "is not HOST:PORT"},
           Wrong{"http:///", "is not HOST:PORT"},
           Wrong{"node.example:", "is not HOST:PORT"},
           Wrong{"node.example:0", "is not HOST:PORT"},
           Wrong{"node.example:65536", "is not HOST:PORT"},
           Wrong{"a b", "is not HOST:PORT"},
           Wrong{"::1:8470", "write [::1]:8470, or [::1:8470]:8470"},
           Wrong{"fe80::1", "write it like [fe80::1%eth0]:8470"},
           Wrong{"unix:", "write one like unix:/run/xord/admin"},
           Wrong{"unix:/" + std::string(107, 'a'), "has no path of 1 to 107 bytes"},
       }) {
    try {
      parse_admin_url(each.written);
      ADD_FAILURE() << each.written;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::usage) << each.written;
      EXPECT_NE(std::string(failure.what()).find(each.said), std::string::npos) << failure.what();
    }
  }
}

}  // namespace
}  // namespace xord
