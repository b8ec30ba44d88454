// A seeded hash of an endpoint, of a contact and of a source prefix, for tables of fixed size. The
// seed is a secret: without it nobody can choose endpoints that meet in one row. Rows compare whole
// endpoints where a collision would matter, so the hash need not be more than well spread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/contact.h"
#include "reactor/base/bytes.h"
#include "reactor/base/endpoint.h"

namespace xord {

// The seed of prefix_hash() for records, which outlive the run, from a secret that does, too.
uint64_t prefix_seed_of(Bytes secret);

uint64_t endpoint_hash(const Endpoint& endpoint, uint64_t seed);
uint64_t contact_hash(const Contact& contact, uint64_t seed);
// Of the /24 of an IPv4 address, or the /64 of an IPv6 address: what one site usually holds.
uint64_t prefix_hash(const IpAddress& address, uint64_t seed);

}  // namespace xord
