#include "tools/sim/census.h"

#include <algorithm>

#include "node/budget.h"
#include "reactor/base/check.h"

namespace xord::sim {

std::vector<uint32_t> Census::members() const {
  std::vector<uint32_t> members;
  for (uint32_t i = 0; i < world_.hosts_count(); ++i) {
    const Host& host = world_.host(i);
    const bool is_node = host.kind == HostKind::xord || host.kind == HostKind::python;
    if (host.is_up() && is_node && host.is_public) members.push_back(i);
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

Census::Tables Census::tables(std::span<const uint32_t> members, size_t sample, Rng& rng) const {
  Tables tables;
  size_t looked = 0;
  for (size_t i = 0; i < sample && !members.empty(); ++i) {
    const uint32_t index = members[rng.bounded(members.size())];
    const Host& host = world_.host(index);
    CHECK(host.is_up());
    if (host.node == nullptr) continue;
    const auto contacts = host.node->contacts(world_.local_now(index));
    const auto is_alive = [&](const Contact& contact) {
      const auto other = world_.host_at(contact.endpoint);
      return other && world_.host(*other).is_up() && world_.host(*other).id == contact.id;
    };
    size_t alive = 0;
    for (const auto& [contact, age] : contacts) alive += is_alive(contact);
    std::vector<uint32_t> around = nearest(members, host.id, bucket_size + 1);
    std::erase(around, index);
    size_t known = 0;
    for (const uint32_t other : around) {
      known += std::any_of(contacts.begin(), contacts.end(), [&](const auto& entry) {
        return entry.first.id == world_.host(other).id;
      });
    }
    ++looked;
    tables.contacts += static_cast<double>(contacts.size());
    tables.alive +=
        static_cast<double>(alive) / static_cast<double>(std::max<size_t>(contacts.size(), 1));
    tables.nearest_known +=
        static_cast<double>(known) / static_cast<double>(std::max<size_t>(around.size(), 1));
  }
  const double scale = 1.0 / static_cast<double>(std::max<size_t>(looked, 1));
  return {tables.contacts * scale, tables.alive * scale, tables.nearest_known * scale};
}

bool Census::is_exact(std::span<const uint32_t> members, uint32_t asker, const Id& target,
                      std::span<const Contact> found) const {
  CHECK(asker < world_.hosts_count());
  std::vector<uint32_t> expected = nearest(members, target, bucket_size + 1);
  std::erase(expected, asker);
  if (expected.size() > bucket_size) expected.resize(bucket_size);
  std::vector<Contact> staying(found.begin(), found.end());
  std::erase_if(staying, [&](const Contact& contact) {
    const auto host = world_.host_at(contact.endpoint);
    return host && world_.host(*host).kind == HostKind::program;
  });
  if (found.size() < expected.size()) return false;
  if (staying.size() < found.size()) expected.resize(std::min(expected.size(), staying.size()));
  return std::equal(expected.begin(), expected.end(), staying.begin(), staying.end(),
                    [&](uint32_t host, const Contact& contact) {
                      return world_.host(host).id == contact.id &&
                             world_.host(host).endpoint == contact.endpoint;
                    });
}

}  // namespace xord::sim
