// Fixes what a process inherits, before any command runs: standard descriptors, the limits that may
// be raised without privilege, and how it ends when memory or threads run out. Only main() calls
// this: a test, or a program that embeds a node, is left alone.
#pragma once

namespace xord {

// Throws Failure (environment) if the process cannot run any command. All threads started
// afterwards have stacks of the same size, whatever `ulimit -s` says.
void prepare_process();

}  // namespace xord
