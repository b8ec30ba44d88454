// The commands of the control socket (docs/CONTROL.md): one JSON object in, one out, each on a
// line. They ask the admin of what runs, from a thread that may wait; nothing here touches a shard.
#pragma once

#include <string>
#include <string_view>

namespace xord {

class Admin;

// Any bytes at all may be given: what is no request gets an answer that says so.
std::string answer_control(Admin& admin, std::string_view line);
// The answer to what cannot be served now.
std::string control_refusal(const std::string& sentence);

}  // namespace xord
