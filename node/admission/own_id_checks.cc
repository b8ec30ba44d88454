#include "node/admission/own_id_checks.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"

namespace xord {

OwnIdChecks::Row& OwnIdChecks::row_of(const Endpoint& endpoint) {
  CHECK(endpoint.port != 0);  // That of an empty row.
  for (Row& row : rows_) {
    if (row.endpoint == endpoint) return row;
  }
  Row& oldest = *std::min_element(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return a.looked_at < b.looked_at;
  });
  oldest = {};
  oldest.endpoint = endpoint;
  return oldest;
}

bool OwnIdChecks::should_ping(const Endpoint& endpoint, Instant now) {
  if (now < next_ping_) return false;
  Row& row = row_of(endpoint);
  if (row.found == Found::own) {
    row.looked_at = now;
    return false;
  }
  if (now < row.looked_at + (row.found == Found::other ? again : silent)) return false;
  row.looked_at = now;
  next_ping_ = now + pace;
  return true;
}

bool OwnIdChecks::found_own(const Endpoint& endpoint, Instant now) {
  Row& row = row_of(endpoint);
  row.looked_at = now;
  return std::exchange(row.found, Found::own) != Found::own;
}

bool OwnIdChecks::found_other(const Endpoint& endpoint, Instant now) {
  Row& row = row_of(endpoint);
  row.looked_at = now;
  row.found = Found::other;
  if (now < row.told_at + again) return false;
  row.told_at = now;
  return true;
}

}  // namespace xord
