#include "tools/cli/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "reactor/base/check.h"

namespace xord {
namespace {

// A word of another program, and ours. The first row whose word exists decides.
struct Habit {
  std::string_view typed;
  std::string_view meant;
};

constexpr Habit habits[] = {
    {"port", "listen"},
    {"port", "via"},
    {"port", "target"},
    {"p", "listen"},
    {"p", "via"},
    {"p", "target"},
    {"host", "listen"},
    {"host", "via"},
    {"host", "target"},
    {"bind", "listen"},
    {"bind-address", "listen"},
    {"address", "listen"},
    {"address", "via"},
    {"address", "target"},
    {"addr", "listen"},
    {"addr", "via"},
    {"addr", "target"},
    {"ip", "listen"},
    {"ip", "via"},
    {"ip", "target"},
    {"interface", "listen"},
    {"endpoint", "listen"},
    {"endpoint", "via"},
    {"endpoint", "target"},
    {"server", "via"},
    {"server", "target"},
    {"server", "bootstrap"},
    {"node", "via"},
    {"node", "target"},
    {"node", "bootstrap"},
    {"seed", "bootstrap"},
    {"seed-node", "bootstrap"},
    {"seed-node", "via"},
    {"seed-nodes", "bootstrap"},
    {"seeds", "bootstrap"},
    {"join", "bootstrap"},
    {"peer", "bootstrap"},
    {"peer", "via"},
    {"peers", "bootstrap"},
    {"peers", "via"},
    {"initial-peers", "bootstrap"},
    {"bootnode", "bootstrap"},
    {"bootnodes", "bootstrap"},
    {"bootstrap-node", "bootstrap"},
    {"bootstrap-nodes", "bootstrap"},
    {"bootstrap", "via"},
    {"connect", "bootstrap"},
    {"connect", "via"},
    {"url", "target"},
    {"dir", "data-dir"},
    {"directory", "data-dir"},
    {"data", "data-dir"},
    {"datadir", "data-dir"},
    {"db", "data-dir"},
    {"db-dir", "data-dir"},
    {"db-path", "data-dir"},
    {"path", "data-dir"},
    {"storage", "data-dir"},
    {"d", "data-dir"},
    {"log", "log-level"},
    {"verbose", "log-level"},
    {"verbosity", "log-level"},
    {"v", "log-level"},
    {"debug", "log-level"},
    {"quiet", "log-level"},
    {"q", "log-level"},
    {"json", "log-format"},
    {"colour", "color"},
    {"no-color", "color"},
    {"threads", "shards"},
    {"workers", "shards"},
    {"cores", "shards"},
    {"cpus", "shards"},
    {"conf", "config"},
    {"cfg", "config"},
    {"config-file", "config"},
    {"c", "config"},
    {"f", "config"},
    {"memory", "memory-max"},
    {"maxmemory", "memory-max"},
    {"mem", "memory-max"},
    {"cache", "memory-max"},
    {"disk", "storage-max"},
    {"quota", "storage-max"},
    {"expire", "ttl"},
    {"expiry", "ttl"},
    {"lifetime", "ttl"},
    {"wait", "timeout"},
    {"w", "timeout"},
    {"t", "timeout"},
    {"n", "count"},
    {"c", "count"},
    {"i", "interval"},
    {"hex", "id"},
    {"key-id", "id"},
    {"digest", "id"},
    {"input", "file"},
    {"from-file", "file"},
    {"f", "file"},
    {"persist", "keep"},
    {"clients", "sources"},
    {"connections", "sources"},
    {"concurrency", "window"},
    {"qps", "rate"},
    {"rps", "rate"},
    {"time", "duration"},
};

constexpr Habit command_habits[] = {
    {"start", "run"},
    {"serve", "run"},
    {"server", "run"},
    {"daemon", "run"},
    {"node", "run"},
    {"join", "run"},
    {"put", "set"},
    {"add", "set"},
    {"write", "set"},
    {"publish", "set"},
    {"read", "get"},
    {"fetch", "get"},
    {"cat", "get"},
    {"value", "get"},
    {"lookup", "find"},
    {"find-node", "find"},
    {"findnode", "find"},
    {"nearest", "find"},
    {"nodes", "find"},
    {"bench", "load"},
    {"benchmark", "load"},
    {"stress", "load"},
    {"simulate", "sim"},
    {"simulation", "sim"},
    {"status", "store stats"},
    {"stats", "store stats"},
    {"shutdown", "stop"},
    {"quit", "stop"},
    {"kill", "stop"},
    {"info", "status"},
    {"metrics", "stats"},
    {"counters", "stats"},
    {"hup", "reload"},
    {"log-level", "loglevel"},
    {"healthcheck", "health"},
    {"health-check", "health"},
    {"ready", "health"},
    {"readyz", "health"},
    {"alive", "health"},
    {"check", "store check"},
    {"verify", "store check"},
    {"export", "store export"},
    {"dump", "store export"},
    {"import", "store import"},
    {"restore", "store import"},
    {"purge", "store purge"},
    {"delete", "store purge"},
    {"del", "store purge"},
    {"rm", "store purge"},
    {"remove", "store purge"},
    {"snapshot", "store snapshot"},
    {"backup", "store snapshot"},
    {"unpublish", "forget"},
    {"ratelimit", "limits"},
    {"rate-limit", "limits"},
    {"throttle", "limits"},
    {"throttled", "limits"},
    {"abuse", "limits"},
    {"blocked", "explain"},
    {"banned", "explain"},
    {"why", "explain"},
    {"clients", "limits"},
    {"top", "limits"},
    {"peers", "contacts"},
    {"nodes", "contacts"},
    {"neighbours", "contacts"},
    {"neighbors", "contacts"},
    {"routing", "contacts"},
    {"table", "contacts"},
    {"buckets", "contacts"},
    {"values", "records"},
    {"list", "published"},
    {"ls", "published"},
    {"keys", "published"},
};

std::string as_habit(std::string_view typed) {
  std::string word;
  for (const char c : typed) {
    word += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    return x == y || ((x == '_' || x == '-') && (y == '_' || y == '-'));
  };
  // Three rows of the usual table: the one before the last, the last, and the current.
  std::vector<size_t> older(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
    std::swap(older, last);
    std::swap(last, row);
  }
  CHECK(last[b.size()] <= std::max(a.size(), b.size()));  // Replacing all of it.
  return last[b.size()];
}

std::optional<std::string> nearest_word(std::string_view typed,
                                        std::span<const std::string_view> words) {
  std::optional<std::string> best;
  size_t best_distance = 0;
  for (const std::string_view word : words) {
    const bool is_beginning = typed.size() >= 3 && word.starts_with(typed);
    const size_t distance = is_beginning ? 1 : edit_distance(typed, word);
    if (distance > std::max<size_t>(1, word.size() / 3)) continue;
    if (best && distance >= best_distance) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view typed, std::span<const std::string_view> words,
                       std::string_view prefix) {
  const auto word = nearest_word(typed, words);
  return word ? "; perhaps you mean " + std::string(prefix) + *word : "";
}

std::optional<std::string> meant_by_habit(std::string_view typed,
                                          std::span<const std::string_view> words) {
  const std::string word = as_habit(typed);
  for (const Habit& habit : habits) {
    if (habit.typed != word) continue;
    if (std::find(words.begin(), words.end(), habit.meant) != words.end()) {
      return std::string(habit.meant);
    }
  }
  return std::nullopt;
}

std::optional<std::string> command_meant_by_habit(std::string_view typed) {
  const std::string word = as_habit(typed);
  for (const Habit& habit : command_habits) {
    if (habit.typed == word) return std::string(habit.meant);
  }
  return std::nullopt;
}

}  // namespace xord
