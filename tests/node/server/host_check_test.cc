// Process limits too low for a node: each is reported in a sentence with the number needed, before
// anything runs, and the same server starts once the limit is raised.
#include "node/server/host_check.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/lowered_limit.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

void expect_refused(const Server& server, const std::optional<ServerError>& error,
                    const std::vector<std::string>& words) {
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ServerErrorKind::environment);
  for (const std::string& word : words) {
    EXPECT_NE(error->sentence.find(word), std::string::npos) << error->sentence;
  }
  EXPECT_FALSE(server.is_running());
}

TEST(HostCheck, TooFewThreadsAreASentenceAndTheNumberThatIsNeeded) {
  as_nobody_else([] {
    TemporaryDirectory directory;
    Server server;
    const ServerConfig config = loopback_config(directory.at("data"), 2);
    // Limits from no thread at all to one too few, the admin thread's among them.
    for (const rlim_t most : {0, 2, 5, 12}) {
      const LoweredLimit few(RLIMIT_NPROC, most);
      expect_refused(server, server.start(config),
                     {"the limit of processes and threads is " + std::to_string(most)});
    }
    {
      const LoweredLimit few(RLIMIT_NPROC, 5);
      expect_refused(server, server.start(config), {"needs 11 more threads and can start 3"});
    }
    EXPECT_FALSE(server.start(config));
    EXPECT_TRUE(eventually([&] { return is_ready(server); }));
  });
}

TEST(HostCheck, TooFewFilesAreASentenceAndFewerTablesAreOpened) {
  TemporaryDirectory directory;
  Server server;
  const ServerConfig config = loopback_config(directory.at("data"));
  {
    const LoweredLimit few(RLIMIT_NOFILE, 64);
    expect_refused(server, server.start(config), {"file descriptors", "64"});
  }
  HostNeeds needs = needs_of(config, 0);
  {
    const LoweredLimit some(RLIMIT_NOFILE, 256);
    EXPECT_FALSE(check_host(&needs));
    EXPECT_LT(needs.tables, 256u);
    EXPECT_GE(needs.tables, 32u);
  }
  const LoweredLimit enough(RLIMIT_NOFILE, 1024);
  EXPECT_FALSE(check_host(&needs));
  EXPECT_EQ(needs.tables, 512u);
  EXPECT_FALSE(server.start(config));
}

TEST(HostCheck, AFileSizeThatTheDatabaseWouldPassIsASentence) {
  TemporaryDirectory directory;
  Server server;
  const LoweredLimit small(RLIMIT_FSIZE, 1 << 20);
  expect_refused(server, server.start(loopback_config(directory.at("data"))),
                 {"128 MiB", "1048576", "ulimit -f"});
}

TEST(HostCheck, AddressesThatCannotBeReservedAreASentence) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves terabytes of addresses";
#endif
  TemporaryDirectory directory;
  Server server;
  ServerConfig config = loopback_config(directory.at("data"));
  config.memory_max = uint64_t{1} << 40;
  for (const auto& [resource, name] :
       {std::pair{RLIMIT_AS, "ulimit -v"}, std::pair{RLIMIT_DATA, "ulimit -d"}}) {
    const LoweredLimit tight(resource, rlim_t{1} << 38);
    expect_refused(server, server.start(config), {"needs", "memory-max", name, "262144 MiB"});
  }
}

}  // namespace
}  // namespace xord
