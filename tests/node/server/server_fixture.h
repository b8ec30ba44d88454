// Shared by the tests of a running Server: configurations for loopback on free ports, and waiting
// for a condition with a deadline.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "node/server/server.h"
#include "reactor/monotonic.h"
#include "tests/own_loopback.h"
#include "tests/temporary_directory.h"

namespace xord {

// On an address only this process uses and a free port, silent, and small enough for many servers
// in one process.
inline ServerConfig loopback_config(const std::string& data_dir, uint32_t shards = 1,
                                    IoChoice io = IoChoice::epoll) {
  ServerConfig config;
  config.listen = {{DialectName::rpcudp, own_loopback(), false}};
  config.data_dir = data_dir;
  config.shards = shards;
  config.io = io;
  config.log_level = LogLevel::off;
  config.records_max = 10'000;
  config.contacts_max = 1'000;
  config.memory_max = 1 << 20;
  return config;
}

// Whether `condition` became true within `within`. It is polled: nothing is assumed about how long
// anything takes, only that it does not take for ever.
inline bool eventually(const std::function<bool()>& condition, Duration within = seconds(30)) {
  const MonotonicTime deadline = monotonic_time() + within;
  while (!condition()) {
    if (monotonic_time() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline bool is_ready(const Server& server) {
  return server.stats().storage_state == StorageState::ready;
}

inline std::string address_of(const Server& server) {
  return server.endpoints().front().text();
}

// "stored 3" or "refused": for messages of failed expectations.
inline std::string describe(ServerStatus status) {
  return std::string(name_of(status));
}

}  // namespace xord
