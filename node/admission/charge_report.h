// What a shard's ledger says about one address, or about those that have taken most, in the form in
// which it is sent to the control socket (node/operation_result.h).
#pragma once

#include <cstddef>
#include <span>

#include "node/admission/ledger.h"
#include "node/operation_result.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

// Writes the accounts of `source` and of the prefixes around it, narrowest first, or, if it is
// unspecified (0.0.0.0, ::), the top_charged by each charge, in no particular order and
// each once. Returns how many; at most charged_prefixes_max, for which `out` must have room. The
// latter visits every row of the ledger.
size_t report_charges(const Ledger& ledger, Instant now, const IpAddress& source,
                      std::span<ChargedPrefix> out);

}  // namespace xord
