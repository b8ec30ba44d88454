#include "node/server/control/contact_json.h"

#include "reactor/base/check.h"

namespace xord {
namespace {

ControlJson seconds_or_null(uint32_t known) {
  return known == not_known ? ControlJson() : ControlJson(known);
}

}  // namespace

ControlJson json_of(const ContactRow& row) {
  CHECK(row.standing < std::size(contact_states));
  // In ms, to a microsecond.
  const auto round_trip =
      row.round_trip == not_known ? ControlJson() : ControlJson(row.round_trip / 1000.0);
  return {{"id", row.contact.id.hex()},
          {"endpoint", row.contact.endpoint.text()},
          {"state", contact_states[row.standing]},
          {"answered_ago_s", seconds_or_null(row.answered_ago)},
          {"up_s", row.up},
          {"srtt_ms", round_trip},
          {"failures", row.failures},
          {"depth", row.depth}};
}

}  // namespace xord
