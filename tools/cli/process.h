// What a process is given by whoever starts it, put right before any command runs: standard
// descriptors, the limits that may be raised without a privilege, and how it ends when memory or
// threads run out. Only main() calls this: a test, or a program that embeds a node, is left as it
// is.
#pragma once

namespace xord {

// Throws Failure (environment) if the process cannot run any command. Threads that are started from
// here on have stacks of one size, whatever `ulimit -s` says.
void prepare_process();

}  // namespace xord
