#include "node/admission/charge_report.h"

#include <algorithm>
#include <array>

#include "reactor/base/check.h"

namespace xord {
namespace {

// In milliseconds.
uint32_t rounded_up(Duration duration) {
  DCHECK(duration >= Duration{});
  const int64_t whole = duration.whole_milliseconds();
  return static_cast<uint32_t>(whole + (milliseconds(whole) < duration));
}

ChargedPrefix report_of(const Ledger& ledger, Instant now, const Ledger::Account& account) {
  ChargedPrefix report;
  const Subnet subnet = account.prefix.subnet();
  report.address = subnet.address;
  report.prefix_bits = subnet.prefix_bits;
  report.charged = account.charged;
  report.refused = account.refused;
  for (size_t i = 0; i < limited_charges; ++i) {
    const auto charge = static_cast<Charge>(i);
    report.most[i] = ledger.most(account.prefix.level, charge);
    report.until[i] = rounded_up(ledger.limited_until(now, account, charge) - now);
  }
  if (report.refused == decltype(report.refused){}) return report;
  CHECK(account.limited_since <= account.limited_last && account.limited_last <= now);
  report.since = static_cast<uint32_t>((now - account.limited_since).whole_seconds());
  report.last = static_cast<uint32_t>((now - account.limited_last).whole_seconds());
  return report;
}

}  // namespace

size_t report_charges(const Ledger& ledger, Instant now, const IpAddress& source,
                      std::span<ChargedPrefix> out) {
  CHECK(out.size() >= charged_prefixes_max);
  size_t count = 0;
  if (!source.is_unspecified()) {
    for (size_t level = 0; level < prefix_levels; ++level) {
      const Prefix prefix = Prefix::of(source, static_cast<PrefixLevel>(level));
      out[count++] = report_of(ledger, now, ledger.account(now, prefix));
    }
    return count;
  }
  for (size_t i = 0; i < charges_count; ++i) {
    std::array<Ledger::Account, top_charged> accounts;
    const size_t found = ledger.top(now, static_cast<Charge>(i), accounts);
    DCHECK(found <= accounts.size());
    for (size_t at = 0; at < found; ++at) {
      const ChargedPrefix report = report_of(ledger, now, accounts[at]);
      const bool is_new = std::none_of(
          out.begin(), out.begin() + static_cast<ptrdiff_t>(count),
          [&](const ChargedPrefix& other) { return other.subnet() == report.subnet(); });
      if (is_new) out[count++] = report;
    }
  }
  return count;
}

}  // namespace xord
