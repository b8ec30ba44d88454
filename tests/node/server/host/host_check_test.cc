// Process limits too low for a node: each is reported in a sentence with the number needed, before
// anything runs, and the same server starts once the limit is raised.
#include "node/server/host/host_check.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "node/server/http/http_connections.h"
#include "node/server/shards/shards.h"
#include "node/server/socket/control_socket.h"
#include "reactor/thread.h"
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

// The sentence; empty if the host has enough. `needs` learns how many tables fit.
std::string said(HostNeeds* needs, rlim_t files) {
  const LoweredLimit limit(RLIMIT_NOFILE, files);
  const auto error = check_host(needs);
  return error ? error->sentence : "";
}
HostNeeds small_needs() {
  HostNeeds needs;
  needs.threads = 1;
  needs.files_least = 200;
  needs.tables = 512;
  needs.addresses = 1 << 20;
  return needs;
}

TEST(HostCheck, WhatIsOpenAlreadyIsLeftOver) {
  HostNeeds needs = small_needs();
  const auto needed = [&] {
    const std::string sentence = said(&needs, 100);
    return std::stoi(sentence.substr(sentence.find("needs ") + 6));
  };
  const int before = needed();
  {
    const std::filesystem::directory_iterator open("/proc/self/fd");  // Itself among them.
    EXPECT_EQ(before, std::distance(begin(open), end(open)) + 200 + 32);
  }
  const int more[] = {dup(0), dup(0), dup(0)};
  EXPECT_EQ(needed(), before + 3);
  for (const int each : more) close(each);
  const auto least = static_cast<rlim_t>(before);
  EXPECT_EQ(said(&needs, least - 1), "the node needs " + std::to_string(before) +
                                         " file descriptors, and this process may have " +
                                         std::to_string(before - 1) +
                                         ": raise the limit (ulimit -n, LimitNOFILE=)");
  for (const auto& [files, tables] : {std::pair{least, 32u},
                                      {least + 1, 33u},
                                      {least + 479, 511u},
                                      {least + 480, 512u},
                                      {least + 481, 512u}}) {
    EXPECT_EQ(said(&needs, files), "");
    EXPECT_EQ(needs.tables, tables);
  }
}

TEST(HostCheck, WithoutProcTheStandardFilesCountAsOpen) {
  if (geteuid() != 0) GTEST_SKIP() << "changing the root needs root";
  const TemporaryDirectory empty;
  std::thread([&] {  // With a root of its own.
    ASSERT_EQ(unshare(CLONE_FS), 0);
    ASSERT_EQ(chroot(empty.path().c_str()), 0);
    HostNeeds needs = small_needs();
    EXPECT_EQ(said(&needs, 3 + 200 + 32), "");
    EXPECT_EQ(needs.tables, 32u);
    EXPECT_EQ(said(&needs, 3 + 200 + 31).rfind("the node needs 235 file descriptors", 0), 0u);
  })
      .join();
}

TEST(HostCheck, NeedsGrowWithWhatIsConfigured) {
  ServerConfig config = loopback_config("/d", 3);
  const HostNeeds before = needs_of(config, 1'000);
  EXPECT_EQ(before.threads, 13u);
  EXPECT_EQ(before.tables, 512u);
  EXPECT_EQ(before.files_least, 3 * 5 + control_connections_max + http_connections_max + 3 + 48);
  EXPECT_GT(before.addresses, reserved_bytes(config) + 13 * thread_stack_bytes);
  const auto grown_to = [&](const ServerConfig& other, uint64_t own_bytes = 1'000) {
    const HostNeeds needs = needs_of(other, own_bytes);
    return std::vector<uint64_t>{needs.threads - before.threads,
                                 needs.files_least - before.files_least,
                                 needs.addresses - before.addresses};
  };
  using Grown = std::vector<uint64_t>;
  EXPECT_EQ(grown_to(config, 1'007), (Grown{0, 0, 7}));
  ServerConfig larger = config;
  larger.memory_max += 5'000;
  EXPECT_EQ(grown_to(larger), (Grown{0, 0, 5'000}));
  ServerConfig wider = config;
  wider.listen.push_back(wider.listen[0]);
  EXPECT_EQ(grown_to(wider), (Grown{0, 3, 0})) << "a socket of each shard";
  ServerConfig administered = config;
  administered.admin.resize(2);
  EXPECT_EQ(grown_to(administered), (Grown{0, 2, 0}));
  config.shards = 4;
  EXPECT_EQ(grown_to(config), (Grown{2, 5, 2 * thread_stack_bytes}));
}

TEST(HostCheck, WithoutALimitOfTheProcessTheHostsIsNamed) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) {
    GTEST_SKIP() << "this process has a limit";
  }
  HostNeeds needs = small_needs();
  needs.addresses = uint64_t{1} << 50;  // More than a processor has.
  const auto error = check_host(&needs);
  ASSERT_TRUE(error);
  const std::string begins = "the node cannot reserve the ";
  ASSERT_EQ(error->sentence.rfind(begins, 0), 0u) << error->sentence;
  EXPECT_GE(std::stoull(error->sentence.substr(begins.size())), (1u << 30) + 8)
      << "in MiB, with what the program itself has";
  EXPECT_TRUE(error->sentence.ends_with(
      " MiB of addresses that it needs: lower memory-max, or raise the limit of the process or the "
      "host's (vm.overcommit_memory=2)"))
      << error->sentence;
}

TEST(HostCheck, AFileSizeOf128MebibytesIsEnough) {
  HostNeeds needs = small_needs();
  constexpr rlim_t least = 128 << 20;
  {
    const LoweredLimit enough(RLIMIT_FSIZE, least);
    EXPECT_FALSE(check_host(&needs));
  }
  const LoweredLimit less(RLIMIT_FSIZE, least - 1);
  EXPECT_TRUE(check_host(&needs));
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
