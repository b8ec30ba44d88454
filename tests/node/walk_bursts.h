// All that a source may send to a node, right or wrong, as bursts of datagrams that come at once
// (tests/node/amplification_walk_test.cc).
#pragma once

#include <string>
#include <vector>

#include "tests/node/walk_scene.h"

namespace xord::testing {

struct Burst {
  std::string name;
  std::vector<Octets> datagrams;
};

// Each request under the id `sender`, of the fewest bytes, the most, and sizes between.
std::vector<Burst> requests(const Scene& scene, const Id& sender);
// Further stores: of the sizes at which they are held elsewhere, and such as are refused.
std::vector<Burst> stores(const Scene& scene, const Id& sender);
// The same, each more often than a source's requests are held.
std::vector<Burst> repeated(std::vector<Burst> bursts);
// Requests under other ids: that of the node, of a contact, and ever new ones.
std::vector<Burst> requests_of_others(Scene& scene);
// What is no request, or none that can be read.
std::vector<Burst> noise(const Scene& scene, const Id& sender);
// Replies to nothing, and to what others were asked, some of which name hosts that are nobody's.
std::vector<Burst> replies(Scene& scene, const Id& sender);

}  // namespace xord::testing
