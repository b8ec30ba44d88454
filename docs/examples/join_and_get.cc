// Joins a network by way of a node of it, and prints the value of a key.
//
//   join_and_get HOST:PORT DATA_DIR KEY
//
// The Python library's README, "bootstrap and get":
//
//   node = Server()
//   await node.listen(8469)
//   await node.bootstrap([("123.123.123.123", 5678)])
//   result = await node.get("my-key")
//   print(result)
#include <iostream>

#include "node/server/server.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: join_and_get HOST:PORT DATA_DIR KEY\n";
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
  const xord::GetResult got = server.get(argv[3]).get();
  if (got.status != xord::ServerStatus::done || !got.value) {
    std::cerr << "no value: " << xord::name_of(got.status) << "\n";
    return 1;
  }
  std::cout << xord::render_value(*got.value) << "\n";
  return 0;
}
