// How much may be sent because of one datagram from an unproven source: at most `amplification_max`
// times its payload, our own ping included, so that a forger gains nothing from us. One object per
// datagram, so that no credit carries over. All arithmetic of this rule is here; code that sends to
// such a source spends first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/check.h"

namespace xord {

class ReplyBudget {
 public:
  // For a datagram of `received` payload bytes. `amplification_max` is 0 or more; the product is
  // rounded down to whole bytes.
  static ReplyBudget unproven(size_t received, double amplification_max) {
    CHECK(amplification_max >= 0);
    const double allowed = static_cast<double>(received) * amplification_max;
    constexpr double most = 1 << 30;  // Far above any datagram; keeps the conversion defined.
    return ReplyBudget(static_cast<size_t>(allowed < most ? allowed : most));
  }

  // Payload bytes that may still be sent.
  size_t left() const { return left_; }
  bool fits(size_t size) const { return size <= left_; }
  // Accounts for `size` bytes to be sent; false, with no change, when they do not fit.
  [[nodiscard]] bool spend(size_t size) {
    if (!fits(size)) return false;
    left_ -= size;
    return true;
  }

 private:
  explicit ReplyBudget(size_t left) : left_(left) {}
  size_t left_;
};

}  // namespace xord
