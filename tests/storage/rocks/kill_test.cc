// kill -9 at any moment: what was acknowledged is served afterwards. The storing process is a child
// that is really killed; the witness of what was acknowledged is a log outside the data directory,
// synced before the acknowledgement counts.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "reactor/base/rng.h"
#include "tests/die_with_parent.h"
#include "tests/storage/rocks/disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

constexpr uint64_t keys = 300;

// One line of the witness: this version of this key was acknowledged.
struct Witnessed {
  uint64_t key;
  uint64_t version;
  uint64_t sent;    // The latest version sent of any key.
  uint64_t expiry;  // As acknowledged.
};

constexpr NodeSeconds ttl = 86'400;

// A minute per version, so that equal stores move times, some of them on disk.
Instant time_of(uint64_t version) {
  return instant_of(first_node_seconds) + minutes(static_cast<int64_t>(version));
}

std::string value_of(uint64_t key, uint64_t version) {
  return std::to_string(key) + " " + std::to_string(version) + " " +
         std::string((key * 7 + version * 31) % 500, 'x');
}

// Stores versions of keys, several pending at a time, until it is killed.
[[noreturn]] void store_until_killed(const std::string& directory, int witness, uint64_t seed,
                                     uint64_t first_version, const Disk::Options& options) {
  Rng rng(seed);
  Disk disk(directory, options);
  disk.wait_until_loaded();
  std::map<uint64_t, uint64_t> last;  // Latest version by key, for keys stored in this run.
  for (uint64_t version = first_version;; ++version) {
    for (auto& shard : disk.shards) shard->now = time_of(version);
    std::vector<Witnessed> batch;
    std::vector<std::optional<Ticket>> tickets;
    const uint64_t count = 1 + rng.bounded(40);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key = rng.bounded(keys);
      TestShard& shard = disk.owner(numbered_key(key));
      const bool is_equal = last.contains(key) && rng.chance(0.5);
      if (!is_equal) last[key] = version;
      const StoreOutcome outcome = shard.begin_store(numbered_key(key), value_of(key, last[key]));
      if (outcome.kind == StoreOutcome::Kind::refused) abort();
      const bool is_pending = outcome.kind == StoreOutcome::Kind::pending;
      batch.push_back({key, last[key], version, 0});
      tickets.push_back(is_pending ? std::optional(outcome.ticket) : std::nullopt);
    }
    for (auto& shard : disk.shards) shard->flush();
    for (size_t i = 0; i < batch.size(); ++i) {
      TestShard& shard = disk.owner(numbered_key(batch[i].key));
      if (tickets[i]) {
        shard.run_until([&] { return shard.finished.contains(*tickets[i]); });
        if (shard.finished[*tickets[i]] != Finished::Kind::stored) abort();
      }
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      TestShard& shard = disk.owner(numbered_key(batch[i].key));
      batch[i].version = last[batch[i].key];
      batch[i].expiry = shard.store.find(shard.now, numbered_key(batch[i].key)).times.expiry;
      if (write(witness, &batch[i], sizeof batch[i]) != sizeof batch[i]) abort();
    }
    if (fsync(witness) != 0) abort();
  }
}

// The child is a new run of this program: a forked copy would lack RocksDB's background threads. It
// gets its arguments in the environment, and never reaches main().
struct ChildArguments {
  uint64_t seed;
  uint64_t first_version;
  unsigned long long memory_max;
  unsigned shards;
  unsigned durability;
  int witness;
  char directory[256];
};
constexpr char child_variable[] = "XORD_KILL_TEST_CHILD";
constexpr char child_format[] = "%" SCNu64 " %" SCNu64 " %llu %u %u %d %255s";

[[maybe_unused]] const bool is_parent = [] {
  const char* text = std::getenv(child_variable);
  if (text == nullptr) return true;
  die_with_parent();
  ChildArguments child{};
  if (std::sscanf(text, child_format, &child.seed, &child.first_version, &child.memory_max,
                  &child.shards, &child.durability, &child.witness, child.directory) != 7) {
    abort();
  }
  Disk::Options options;
  options.store.memory_max = child.memory_max;
  options.store.ttl = ttl;
  options.shards = child.shards;
  options.durability = static_cast<Durability>(child.durability);
  options.start = time_of(child.first_version);
  store_until_killed(child.directory, child.witness, child.seed, child.first_version, options);
}();

class KillTest : public ::testing::TestWithParam<Durability> {
 protected:
  // Runs a child that stores, and kills it after it has witnessed some more.
  void run_and_kill(uint64_t seed, const Disk::Options& options) {
    const std::string path = outside.at("witness");
    const int witness = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
    ASSERT_GE(witness, 0);
    const off_t before = lseek(witness, 0, SEEK_END);
    const std::string variable = std::string(child_variable) + "=" + std::to_string(seed) + " " +
                                 std::to_string(next_version) + " " +
                                 std::to_string(options.store.memory_max) + " " +
                                 std::to_string(options.shards) + " " +
                                 std::to_string(static_cast<unsigned>(options.durability)) + " " +
                                 std::to_string(witness) + " " + inside.path();
    std::vector<char*> environment{const_cast<char*>(variable.c_str())};
    for (char** at = environ; *at != nullptr; ++at) environment.push_back(*at);
    environment.push_back(nullptr);
    char* arguments[] = {const_cast<char*>("kill-test-child"), nullptr};
    pid_t child = 0;
    ASSERT_EQ(
        posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environment.data()), 0);
    const auto wanted =
        static_cast<off_t>(1 + Rng(seed).bounded(2000)) * static_cast<off_t>(sizeof(Witnessed));
    int status = 0;
    pid_t ended = 0;
    while (lseek(witness, 0, SEEK_END) < before + wanted && ended == 0) {
      ended = waitpid(child, &status, WNOHANG);
    }
    ASSERT_EQ(ended, 0) << "the child ended by itself, status " << status;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    read_witness(witness, before);
    close(witness);
  }

  void read_witness(int witness, off_t from) {
    Witnessed line{};
    for (off_t at = from; pread(witness, &line, sizeof line, at) == sizeof line;
         at += sizeof line) {
      acknowledged[line.key] = line;
      ++lines;
    }
    // At most one batch of versions was sent but not witnessed. (A batch of equal stores has only
    // older ones.)
    for (const auto& [key, one] : acknowledged) next_version = std::max(next_version, one.sent);
    next_version += 2;
  }

  // Serves what was acknowledged, or a later version that was sent but not witnessed.
  void expect_nothing_lost(Disk::Options options) {
    options.start = time_of(next_version);
    Disk disk(inside.path(), options);
    disk.wait_until_loaded();
    for (const auto& [key, line] : acknowledged) {
      const uint64_t version = line.version;
      const std::string served = disk.get(numbered_key(key));
      bool is_known = false;
      for (uint64_t v = version; v < next_version && !is_known; ++v) {
        is_known = served == value_of(key, v);
      }
      EXPECT_TRUE(is_known) << "key " << key << ", version " << version << ", served " << served;
      TestShard& shard = disk.owner(numbered_key(key));
      const NodeSeconds expiry = shard.store.find(shard.now, numbered_key(key)).times.expiry;
      EXPECT_GE(expiry + ttl / 24, line.expiry) << "key " << key;
    }
  }

  TemporaryDirectory inside;
  TemporaryDirectory outside;
  std::map<uint64_t, Witnessed> acknowledged;
  uint64_t next_version = 1;
  uint64_t lines = 0;
};

TEST_P(KillTest, NothingAcknowledgedIsLostWhateverTheMomentAndTheNumberOfShards) {
  const uint64_t seed = 20'261'124;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 6; ++round) {
    Disk::Options options;
    options.durability = GetParam();
    options.shards = rng.chance(0.5) ? 1 : 3;
    options.store.memory_max = rng.chance(0.5) ? 0 : 1 << 20;
    options.store.ttl = ttl;
    run_and_kill(rng.next(), options);
    options.shards = rng.chance(0.5) ? 1 : 3;
    expect_nothing_lost(options);
    if (HasFailure()) return;
  }
  EXPECT_GT(lines, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Both, KillTest, ::testing::Values(Durability::sync, Durability::os),
                         [](const auto& named) {
                           return named.param == Durability::sync ? "Sync" : "Os";
                         });

}  // namespace
}  // namespace xord
