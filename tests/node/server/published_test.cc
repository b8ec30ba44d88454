// The list of what a server republishes each day: through the API, across restarts with other
// numbers of shards, and across SIGKILL.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <set>
#include <vector>

#include "node/server/server.h"
#include "tests/die_with_parent.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

std::set<Id> all_published(Server& server) {
  std::set<Id> keys;
  std::optional<Id> from = Id{};
  for (int pages = 0; from && pages < 100; ++pages) {
    const PublishedResult page = server.published(*from).get();
    EXPECT_EQ(page.status, ServerStatus::done);
    for (const PublishedKey& each : page.keys) EXPECT_TRUE(keys.insert(each.key).second);
    from = page.next;
  }
  return keys;
}

std::string name_of_key(int number) {
  return "key " + std::to_string(number);
}

TEST(Published, AKeptKeyIsListedUntilItIsForgottenWhateverTheNumberOfShards) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 1)));
  EXPECT_EQ(server.keep("mine", Value("value")).get().status, ServerStatus::done);
  EXPECT_EQ(server.keep("gone", Value("value")).get().status, ServerStatus::done);
  EXPECT_EQ(server.forget("gone").get().status, ServerStatus::done);
  EXPECT_EQ(server.forget("gone").get().status, ServerStatus::not_found);
  EXPECT_EQ(all_published(server), std::set<Id>{key_digest("mine")});
  server.stop();
  EXPECT_EQ(server.keep("mine", Value("value")).get().status, ServerStatus::stopped);

  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 3)));
  const PublishedResult page = server.published().get();
  ASSERT_EQ(page.keys.size(), 1u);
  EXPECT_EQ(page.keys[0].key, key_digest("mine"));
  EXPECT_EQ(page.keys[0].value_size, 6u);
  EXPECT_FALSE(page.next);
}

TEST(Published, ALongListComesInPagesInOrder) {
  TemporaryDirectory directory;
  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 2)));
  std::set<Id> kept;
  for (int i = 0; i < 700; ++i) {
    ASSERT_EQ(server.keep(name_of_key(i), Value(int64_t{i})).get().status, ServerStatus::done);
    kept.insert(key_digest(name_of_key(i)));
  }
  EXPECT_EQ(all_published(server), kept);
}

// A batch waits a second for more, so all of them await the disk together.
TEST(Published, AsManyKeysAsThereAreCallsMayAwaitTheDiskAtOnce) {
  TemporaryDirectory directory;
  Server server;
  ServerConfig config = loopback_config(directory.at("data"), 1);
  config.commit_window = seconds(1);
  ASSERT_FALSE(server.start(config));
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  std::vector<std::future<SetResult>> kept;
  for (uint32_t i = 0; i < Server::operations_max; ++i) {
    kept.push_back(server.keep(name_of_key(static_cast<int>(i)), Value("value")));
  }
  for (auto& each : kept) EXPECT_EQ(each.get().status, ServerStatus::done);
  EXPECT_EQ(all_published(server).size(), Server::operations_max);
}

// A server in a separate process, killed once it has reported enough kept keys.
TEST(Published, WhatWasKeptSurvivesSigkill) {
  TemporaryDirectory directory;
  int says[2];
  ASSERT_EQ(pipe(says), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    die_with_parent();
    Server server;
    if (server.start(loopback_config(directory.at("data"), 2))) _exit(1);
    for (int i = 0; i < 1000; ++i) {
      if (server.keep(name_of_key(i), Value("value")).get().status != ServerStatus::done) _exit(1);
      if (i % 3 == 0) server.forget(name_of_key(i)).get();
      const char done = 1;
      if (write(says[1], &done, 1) != 1) _exit(1);
    }
    pause();
  }
  close(says[1]);
  int kept = 0;
  for (char said = 0; kept < 50 && read(says[0], &said, 1) == 1;) ++kept;
  kill(child, SIGKILL);
  for (char said = 0; read(says[0], &said, 1) == 1;) ++kept;
  close(says[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GE(kept, 50);

  Server server;
  ASSERT_FALSE(server.start(loopback_config(directory.at("data"), 1)));
  const std::set<Id> listed = all_published(server);
  for (int i = 0; i < kept; ++i) {
    EXPECT_EQ(listed.contains(key_digest(name_of_key(i))), i % 3 != 0) << "key " << i;
  }
}

}  // namespace
}  // namespace xord
