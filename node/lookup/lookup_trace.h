// The calls of one lookup as they were made and as they ended, for an operator who wants to see it.
// Fixed size; calls beyond traced_calls_max are counted and left out. Knows neither the lookup nor
// a clock: it is told.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "node/contact.h"
#include "node/lookup/lookup.h"
#include "node/operation_result.h"
#include "reactor/base/instant.h"

namespace xord {

class LookupTrace {
 public:
  void start(Instant now);
  // A call to `row` was made. `named_by`: the row whose answer named it, if any.
  void asked(Instant now, Lookup::Row row, std::optional<Lookup::Row> named_by,
             const Contact& contact);
  // The call to `row` became slow, or ended. `named`: contacts of an answer.
  void ended(Instant now, Lookup::Row row, TracedCall::Outcome outcome, size_t named = 0);
  // The lookup has finished with these nearest contacts.
  void finish(Instant now, std::span<const Contact> nearest);

  uint32_t took() const { return took_; }  // Microseconds, once finished.
  std::span<const TracedCall> calls() const { return {calls_.data(), count_}; }
  uint32_t left_out() const { return left_out_; }

 private:
  std::optional<uint8_t> index_of(Lookup::Row row) const;
  uint32_t since(Instant began, Instant now) const;

  Instant began_;
  uint32_t took_ = 0;
  uint32_t count_ = 0;
  uint32_t left_out_ = 0;
  std::array<TracedCall, traced_calls_max> calls_;
  std::array<Lookup::Row, traced_calls_max> rows_{};  // Of each.
};

}  // namespace xord
