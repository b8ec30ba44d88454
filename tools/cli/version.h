// The version of this xord, and which I/O backends work on this machine.
#pragma once

#include <string>

namespace xord {

// "0.1.0 (commit 528f17e)"; without the commit if not built from a git checkout.
std::string version_text();
// The text of --version: the version, and for each I/O backend whether it works here, found out by
// trying it, or why not.
std::string version_report();

}  // namespace xord
