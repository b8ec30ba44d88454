// File descriptors 0, 1 and 2 of a process that was started without some of them (`xord run 2>&-`).
// The kernel gives out the lowest free number, so a file of ours would become stderr, and the log
// would be written into it.
#pragma once

namespace xord {

// Opens a stand-in for each of the three that is closed. Reading it as stdin and writing it as
// stdout or stderr fail with EBADF, as they would without it. Call it before anything else is
// opened.
void fill_standard_descriptors();

}  // namespace xord
