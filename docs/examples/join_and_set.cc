// Joins a network by way of a node of it, and stores a value.
//
//   join_and_set HOST:PORT DATA_DIR KEY VALUE
//
// The Python library's README, "bootstrap and set":
//
//   node = Server()
//   await node.listen(5678)
//   await node.bootstrap([("123.123.123.123", 5678)])
//   await node.set("my-key", "my awesome value")
#include <iostream>

#include "node/server/server.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: join_and_set HOST:PORT DATA_DIR KEY VALUE\n";
    return 2;
  }
  xord::Server server;
  if (auto error = server.listen(0, argv[2])) {
    std::cerr << error->sentence << "\n";
    return static_cast<int>(error->kind);
  }
  const xord::BootstrapResult joined = server.bootstrap({argv[1]}).get();
  if (joined.status != xord::ServerStatus::done) {
    std::cerr << "nobody answered at " << argv[1] << " " << joined.unresolved << "\n";
    return 3;
  }
  const xord::SetResult set = server.set(argv[3], std::string(argv[4])).get();
  std::cout << "stored on " << set.stored << " nodes\n";
  return set.status == xord::ServerStatus::done ? 0 : 1;
}
