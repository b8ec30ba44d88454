// Which xord this is, and what this machine lets it use.
#pragma once

#include <string>

namespace xord {

// "0.1.0 (commit 528f17e)"; without the commit when it was not built from a git checkout.
std::string version_text();
// What --version prints: the version, and for each I/O backend whether it works here, which is
// tried out, or why not.
std::string version_report();

}  // namespace xord
