// Drives a fuzz target without libFuzzer, with a subset of libFuzzer's command line, so that every
// test run sends the corpus and some seeded mutations of it through each target, under any compiler
// and sanitizer: NAME_fuzz -runs=N -seed=S CORPUS_FOLDER. It measures no coverage: finding new
// ground is libFuzzer's job (preset fuzz). An input that ends the process is printed in full.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/rng.h"
#include "tests/fuzz/target.h"

namespace xord::fuzz {
namespace {

using Octets = std::vector<uint8_t>;

constexpr size_t input_size_max = 16 * 1024;
// An input takes milliseconds: one that takes this long hangs, and is printed.
constexpr unsigned input_seconds_max = 60;

Octets input;  // The target's current input, for the handler below.

// The process is ending: only async-signal-safe calls.
void print_input(int signal) {
  const auto print = [](std::string_view text) {
    if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
  };
  print("\nthe input that did it, as hexadecimal digits (xxd -r -p makes it a file):\n");
  for (const uint8_t byte : input) {
    constexpr char digits[] = "0123456789abcdef";
    const char pair[] = {digits[byte >> 4], digits[byte & 15]};
    print({pair, sizeof pair});
  }
  print("\n");
  std::signal(signal, SIG_DFL);
  raise(signal);
}

Octets contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The files of a folder in name order, so that a seed means the same on every machine.
std::vector<Octets> corpus_of(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Octets> corpus;
  for (const auto& path : paths) corpus.push_back(contents(path));
  return corpus;
}

class Mutator {
 public:
  Mutator(const std::vector<Octets>& corpus, uint64_t seed) : corpus_(corpus), rng_(seed) {}

  Octets next() {
    bytes_ = any();
    const uint64_t changes = 1 + rng_.bounded(6);
    for (uint64_t i = 0; i < changes; ++i) change();
    bytes_.resize(std::min(bytes_.size(), input_size_max));
    return bytes_;
  }

 private:
  const Octets& any() { return corpus_[rng_.bounded(corpus_.size())]; }
  size_t place() { return rng_.bounded(bytes_.size() + 1); }
  size_t place_of_byte() { return rng_.bounded(bytes_.size()); }
  // The distance from `at` to the end, or a shorter one.
  size_t size_at(size_t at) { return rng_.bounded(std::min<size_t>(bytes_.size() - at, 64) + 1); }
  auto iterator(size_t at) { return bytes_.begin() + static_cast<std::ptrdiff_t>(at); }

  uint8_t telling_byte() {
    constexpr uint8_t telling[] = {0x00, 0x01, 0x14, 0x7f, 0x80, 0x90, 0x91, 0x92, 0x93, 0xa5,
                                   0xc0, 0xc1, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xcb, 0xcc, 0xce,
                                   0xcf, 0xd0, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff};
    return telling[rng_.bounded(std::size(telling))];
  }

  void change() {
    if (bytes_.empty()) bytes_.push_back(0);
    const size_t at = place_of_byte();
    switch (rng_.bounded(8)) {
      case 0:
        bytes_[at] = static_cast<uint8_t>(bytes_[at] ^ (1u << rng_.bounded(8)));
        break;
      case 1:
        bytes_[at] = telling_byte();
        break;
      case 2:
        bytes_[at] = static_cast<uint8_t>(rng_.next());
        break;
      case 3:
        bytes_.insert(iterator(place()), telling_byte());
        break;
      case 4:
        bytes_.erase(iterator(at), iterator(at + size_at(at)));
        break;
      case 5: {  // Copies a piece of itself to another place.
        const Octets piece(iterator(at), iterator(at + size_at(at)));
        bytes_.insert(iterator(place()), piece.begin(), piece.end());
        break;
      }
      case 6: {  // From here on like another input.
        const Octets& other = any();
        const size_t from = rng_.bounded(other.size() + 1);
        bytes_.resize(at);
        bytes_.insert(bytes_.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
      default:
        bytes_.resize(at);
        break;
    }
  }

  const std::vector<Octets>& corpus_;
  Rng rng_;
  Octets bytes_;
};

void feed(Octets bytes) {
  input = std::move(bytes);
  alarm(input_seconds_max);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  alarm(0);
}

int run(uint64_t runs, uint64_t seed, const std::string& folder) {
  const std::vector<Octets> corpus = corpus_of(folder);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no file to begin with\n", folder.c_str());
    return 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    std::signal(signal, print_input);
  }
  for (const Octets& bytes : corpus) feed(bytes);
  Mutator mutator(corpus, seed);
  for (uint64_t i = 0; i < runs; ++i) feed(mutator.next());
  std::printf("%zu files and %lu mutations of seed %lu\n", corpus.size(),
              static_cast<unsigned long>(runs), static_cast<unsigned long>(seed));
  return 0;
}

}  // namespace
}  // namespace xord::fuzz

int main(int argc, char** argv) {
  uint64_t runs = 0;
  uint64_t seed = 1;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("-runs=")) {
      runs = std::stoull(argv[i] + 6);
    } else if (word.starts_with("-seed=")) {
      seed = std::stoull(argv[i] + 6);
    } else if (word.starts_with("-")) {
      std::fprintf(stderr, "%s needs libFuzzer: build with the preset fuzz\n", argv[i]);
      return 2;
    } else {
      folder = word;
    }
  }
  return xord::fuzz::run(runs, seed, folder);
}
