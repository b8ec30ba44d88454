// Starts the first node of a network and runs until SIGINT or SIGTERM.
//
//   first_node PORT DATA_DIR
//
// The Python library's README, "start a first node":
//
//   node = Server()
//   await node.listen(5678)
//   await asyncio.Future()
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "node/server/server.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: first_node PORT DATA_DIR\n";
    return 2;
  }
  // Blocked before the server's threads start, so that they inherit it and sigwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  xord::Server server;
  if (auto error = server.listen(static_cast<uint16_t>(std::atoi(argv[1])), argv[2])) {
    std::cerr << error->sentence << "\n";
    return static_cast<int>(error->kind);
  }
  // Port 0 took a free one: nodes that want to join need to know which.
  std::cout << "listening on port " << server.endpoints().front().port << std::endl;

  int signal = 0;
  sigwait(&signals, &signal);
  server.stop();
  return 0;
}
