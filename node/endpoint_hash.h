// A seeded hash of an endpoint, of a contact and of a source prefix, for tables of fixed size. The
// seed is a secret: without it no one can choose endpoints that share a row. Rows compare whole
// endpoints where a collision would matter, so the hash only has to be well spread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/contact.h"
#include "reactor/base/bytes.h"
#include "reactor/base/endpoint.h"

namespace xord {

// The seed of site_hash() for records, which outlive the run, derived from a secret that also
// does.
uint64_t prefix_seed_of(Bytes secret);

uint64_t endpoint_hash(const Endpoint& endpoint, uint64_t seed);
uint64_t contact_hash(const Contact& contact, uint64_t seed);
// For the first `bits` of an address: at most 32 of an IPv4 address, 64 of an IPv6 address.
uint64_t prefix_hash(const IpAddress& address, uint32_t bits, uint64_t seed);
// For the /24 of an IPv4 address, or the /48 of an IPv6 address: the most that one party usually
// has.
uint64_t site_hash(const IpAddress& address, uint64_t seed);

}  // namespace xord
