// A fuzz target: a function of bytes that ends the process when a rule is broken. libFuzzer calls
// it (preset fuzz), and so does driver.cc in the ordinary test suite. It keeps no state between
// calls.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
