#include "node/server/host/host_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace xord {
namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

std::optional<GroupLimitFound> grant(uint64_t mebibytes) {
  return GroupLimitFound{mebibytes * mib, "/sys/fs/cgroup/memory.max"};
}
MemoryFit fit(const ServerConfig& config, uint64_t granted, uint32_t shards_auto = 2) {
  const auto fitted = fit_memory(config, shards_auto, grant(granted));
  if (const auto* error = std::get_if<ServerError>(&fitted)) {
    ADD_FAILURE() << error->sentence;
    return {};
  }
  return std::get<MemoryFit>(fitted);
}

TEST(HostMemory, WhereThereIsEnoughNothingIsSaidAndAutoIsOneGibibyte) {
  const MemoryFit plenty = fit({}, 24'000);
  EXPECT_EQ(plenty.memory_max, 1024 * mib);
  EXPECT_EQ(plenty.shards, 2u);
  EXPECT_EQ(plenty.log_bytes_max, 32 * mib);
  EXPECT_EQ(plenty.block_bytes_max, 16 * mib);
  EXPECT_EQ(plenty.warning + plenty.note, "");
  const auto unknown = fit_memory({}, 2, std::nullopt);
  EXPECT_EQ(std::get<MemoryFit>(unknown).memory_max, 1024 * mib);
}

TEST(HostMemory, AutoIsHalfOfWhatTheNodeItselfLeaves) {
  const MemoryFit small = fit({}, 512);
  EXPECT_EQ(small.memory_max, (512 * mib - small.own_bytes) / 2 / mib * mib);
  EXPECT_EQ(small.note,
            "memory-max is 185 MiB, because this process may use 512 MiB "
            "(/sys/fs/cgroup/memory.max) of memory");
  EXPECT_EQ(small.warning, "");
}

TEST(HostMemory, WhatIsGivenAndCannotFitIsWarnedOfWithBothNumbers) {
  ServerConfig config;
  config.memory_max = 1024 * mib;
  const MemoryFit tight = fit(config, 512);
  EXPECT_EQ(tight.memory_max, 1024 * mib);
  EXPECT_EQ(tight.warning,
            "memory-max is 1024 MiB, the node itself takes up to 142 MiB, and this process may use "
            "512 MiB (/sys/fs/cgroup/memory.max) of memory: the kernel will kill it once its "
            "records have grown; lower memory-max to 370MiB, or raise the limit");
  config.memory_max = 370 * mib;
  EXPECT_EQ(fit(config, 512).warning, "");
  config.memory_max = 371 * mib;
  EXPECT_NE(fit(config, 512).warning, "");
}

TEST(HostMemory, InSixtyFourMebibytesANodeOfOneShardRuns) {
  const MemoryFit least = fit({}, 64);
  EXPECT_EQ(least.shards, 1u);
  EXPECT_LE(least.own_bytes + least.memory_max, 64 * mib);
  EXPECT_LT(least.log_bytes_max, 8 * mib);
  EXPECT_NE(least.note.find("shards is 1 instead of 2, because each takes 39 MiB"),
            std::string::npos)
      << least.note;
}

TEST(HostMemory, WhereItCannotRunTheNumberThatItNeedsIsNamed) {
  ServerConfig config;
  config.shards = 2;
  const auto refused = fit_memory(config, 8, grant(64));
  ASSERT_TRUE(std::holds_alternative<ServerError>(refused));
  EXPECT_EQ(std::get<ServerError>(refused).kind, ServerErrorKind::environment);
  EXPECT_EQ(std::get<ServerError>(refused).sentence,
            "a node of 2 shards needs 93 MiB of memory, and this process may use 64 MiB "
            "(/sys/fs/cgroup/memory.max): raise the limit, or lower --shards");
  EXPECT_EQ(fit(config, 93).shards, 2u);  // With this much it runs.
  EXPECT_TRUE(std::holds_alternative<ServerError>(fit_memory({}, 8, grant(32))));
}

TEST(HostMemory, OneShardThatCannotRunIsToldToKnowFewerContacts) {
  const auto refused = fit_memory({}, 1, grant(32));
  ASSERT_TRUE(std::holds_alternative<ServerError>(refused));
  EXPECT_EQ(std::get<ServerError>(refused).sentence,
            "a node of 1 shard needs 54 MiB of memory, and this process may use 32 MiB "
            "(/sys/fs/cgroup/memory.max): raise the limit, or lower --contacts-max");
}

TEST(HostMemory, AutoHasAsManyShardsAsFit) {
  EXPECT_EQ(fit({}, 93).shards, 2u);
  EXPECT_EQ(fit({}, 93).note,
            "memory-max is 1 MiB, because this process may use 93 MiB "
            "(/sys/fs/cgroup/memory.max) of memory");
  EXPECT_EQ(fit({}, 92).shards, 1u);
  EXPECT_EQ(fit({}, 24'000, 64).shards, 64u);
  EXPECT_EQ(fit({}, 300, 64).shards, 7u) << "of 39 MiB each";
  EXPECT_EQ(fit({}, 54, 64).shards, 1u);
  ServerConfig config;
  config.shards = 1;
  EXPECT_EQ(fit(config, 24'000, 64).shards, 1u);
  EXPECT_EQ(fit(config, 24'000, 64).note, "");
}

TEST(HostMemory, TheDatabaseGetsAFourthAndAnEighthOfWhatTheShardsLeave) {
  const MemoryFit little = fit({}, 47 + 24, 1);
  EXPECT_EQ(little.log_bytes_max, 6 * mib);
  EXPECT_EQ(little.block_bytes_max, 3 * mib);
  EXPECT_EQ(little.own_bytes, 47 * mib + 6 * mib + 6 * mib / 4 + 3 * mib);
  const MemoryFit least = fit({}, 54, 1);
  EXPECT_EQ(least.log_bytes_max, 4 * mib);
  EXPECT_EQ(least.block_bytes_max, 1 * mib);
  ServerConfig known;
  known.contacts_max = 1'000;
  EXPECT_EQ(fit(known, 24'000, 1).own_bytes, fit({}, 24'000, 1).own_bytes - (65'536 - 1'000) * 112);
}

TEST(HostMemory, MebibytesAreRoundedUp) {
  EXPECT_EQ(mebibytes(0), "0 MiB");
  EXPECT_EQ(mebibytes(1), "1 MiB");
  EXPECT_EQ(mebibytes(mib), "1 MiB");
  EXPECT_EQ(mebibytes(mib + 1), "2 MiB");
}

}  // namespace
}  // namespace xord
