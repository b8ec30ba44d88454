#include "tools/sim/census.h"

#include <algorithm>

#include "node/budget.h"

namespace xord::sim {

std::vector<uint32_t> Census::members() const {
  std::vector<uint32_t> members;
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    const Host& host = world_.host(i);
    if (host.is_up() && host.kind != HostKind::hostile && host.is_public) members.push_back(i);
  }
  return members;
}

std::vector<uint32_t> Census::nearest(std::span<const uint32_t> members, const Id& target,
                                      size_t count) const {
  std::vector<uint32_t> order(members.begin(), members.end());
  count = std::min(count, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(),
      [&](uint32_t a, uint32_t b) { return nearer(target, world_.host(a).id, world_.host(b).id); });
  order.resize(count);
  return order;
}

bool Census::is_exact(std::span<const uint32_t> members, uint32_t asker, const Id& target,
                      std::span<const Contact> found) const {
  std::vector<uint32_t> expected = nearest(members, target, bucket_size + 1);
  std::erase(expected, asker);
  if (expected.size() > bucket_size) expected.resize(bucket_size);
  return std::equal(expected.begin(), expected.end(), found.begin(), found.end(),
                    [&](uint32_t host, const Contact& contact) {
                      return world_.host(host).id == contact.id &&
                             world_.host(host).endpoint == contact.endpoint;
                    });
}

}  // namespace xord::sim
