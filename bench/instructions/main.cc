// Runs COUNT requests of one kind through a whole node, and nothing else: for counting instructions
// (bench/run.py --instructions runs it under callgrind, twice, and subtracts).
//
//   instructions answer|ask friendly|unfriendly KIND COUNT
//
// `ask` only makes the requests: their cost is not the node's.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/loaded_node.h"

namespace xord {
namespace {

RequestKind kind_of(std::string_view name) {
  for (size_t i = 0; i < request_kinds; ++i) {
    const auto kind = static_cast<RequestKind>(i);
    if (name_of(kind) == name) return kind;
  }
  std::fprintf(stderr, "instructions: no such kind of request\n");
  std::exit(2);
}

void run(bool answers, bool is_friendly, RequestKind kind, uint64_t count) {
  LoadedNodeShape shape = is_friendly ? LoadedNodeShape{} : LoadedNodeShape::unfriendly();
  shape.records = 10'000;  // The instruction count does not depend on the number of records.
  LoadedNode node(shape);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const Datagram request = node.next(kind);
    bytes += answers ? node.receive(request) : request.bytes.size();
  }
  std::printf("%lu bytes\n", bytes);
}

}  // namespace
}  // namespace xord

int main(int count, char** texts) {
  if (count != 5) {
    std::fprintf(stderr, "usage: instructions answer|ask friendly|unfriendly KIND COUNT\n");
    return 2;
  }
  xord::run(std::string_view(texts[1]) == "answer", std::string_view(texts[2]) == "friendly",
            xord::kind_of(texts[3]), std::strtoull(texts[4], nullptr, 10));
  return 0;
}
