// The outcome of a request of ours.
#pragma once

#include <cstdint>

#include "node/calls/in_flight.h"
#include "node/wire/message.h"
#include "reactor/base/instant.h"

namespace xord {

struct Outcome {
  enum class Kind : uint8_t {
    answered,   // `reply` is what was asked for.
    malformed,  // There was a reply, but it was of no use. The call is over.
    slow,       // Past its adaptive timeout; still open, an answer still counts.
    expired,    // Past its lifetime. The call is over.
  };
  Kind kind{};
  Call call;
  // For an answered call only.
  Duration round_trip;
  bool came_back = false;        // Our request reached us: we asked ourselves.
  const Reply* reply = nullptr;  // Borrowed for the duration of the call that passes it.
  // A stranger's pong (Requester::ping_stranger): its round trip is unknown, and it may come again.
  bool is_by_cookie = false;
};

}  // namespace xord
