// What rpcudp allows as a value, for code that reads or writes rows: as strict as a store over the
// wire.
#pragma once

#include "node/budget.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "storage/rocks/row.h"

namespace xord {

constexpr ValueRules value_rules{value_size_max, rpcudp::is_storable};
static_assert(value_size_max <= UINT16_MAX);  // The largest that an export can hold.

}  // namespace xord
