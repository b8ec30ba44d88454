// What the programs of this folder share: flags that both have, and how flags are read.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"
#include "tests/attack/packet_link.h"
#include "tests/attack/peers.h"

namespace xord {

// The value that `text` was read as. Ends the process with a sentence if it could not be read.
template <class Value>
Value need(const std::optional<Value>& value, const std::string& text) {
  if (value) return *value;
  std::fprintf(stderr, "cannot read %s\n", text.c_str());
  std::exit(2);
}

inline Duration seconds_of(double count) {
  return nanoseconds(static_cast<int64_t>(count * 1e9));
}

// Who asks whom for what. Each function ends the process with a sentence if it cannot read a flag.
struct AskOptions {
  std::string device = "v1";
  std::string to = "45.33.7.1:8468";
  std::string sources;
  std::vector<std::string> methods = {"find_node"};
  std::string key;
  size_t value_size = 0;
  uint64_t seed = 0;

  Subnet sources_net() const { return need(Subnet::parse(sources), sources); }
  PacketLink link() const {
    return PacketLink(device, need(Endpoint::parse(to), to), sources_net());
  }
  std::vector<Method> methods_named() const {
    std::vector<Method> found;
    for (const auto& name : methods) found.push_back(need(method_named(name), name));
    CHECK(!found.empty());
    return found;
  }
  // Empty: none was given.
  std::optional<Id> key_id() const {
    if (key.empty()) return std::nullopt;
    return need(Id::from_hex(key), key);
  }
};

inline void add_flags(CLI::App& app, AskOptions& options) {
  app.add_option("--device", options.device);
  app.add_option("--to", options.to);
  app.add_option("--sources", options.sources, "a prefix");
  app.add_option("--methods", options.methods)->delimiter(',');
  app.add_option("--key", options.key, "40 digits");
  app.add_option("--value-size", options.value_size)->check(CLI::Range(size_t{0}, stored_max));
  app.add_option("--seed", options.seed);
}

// Ends the process if `argv` is wrong or asks for help.
inline void read_flags(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
}

}  // namespace xord
