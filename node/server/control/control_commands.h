// The commands of the control socket (docs/CONTROL.md): one JSON object in, one out, each on one
// line. They ask the running server's admin, from a thread that may wait; nothing here touches a
// shard.
#pragma once

#include <string>
#include <string_view>

namespace xord {

class Admin;

// `line` may be any bytes: if it is not a request, the answer says so.
std::string answer_control(Admin& admin, std::string_view line);
// The answer to a request that cannot be served now.
std::string control_refusal(const std::string& sentence);

}  // namespace xord
