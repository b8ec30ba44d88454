#include "reactor/steering.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/shard.h"

namespace xord {
namespace {

// An index outside any group: the kernel falls back to hashing.
constexpr uint32_t no_shard = ~uint32_t{0};

constexpr uint16_t load_word = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t load_half = BPF_LD | BPF_H | BPF_ABS;
constexpr uint16_t load_byte = BPF_LD | BPF_B | BPF_ABS;

// Writes one rule: comparisons that jump past the rule when they fail, then a return.
class RuleWriter {
 public:
  explicit RuleWriter(std::vector<sock_filter>& program)
      : program_(program), begin_(program.size()) {}

  void write(const SteeringRule& rule, uint32_t shards) {
    CHECK(shards >= 1 && shards <= shards_max);
    // A load past the end of the datagram would end the program with shard 0.
    append(BPF_LD | BPF_W | BPF_LEN, 0);
    append(BPF_JMP | BPF_JGE | BPF_K, size_least(rule));
    for (const SteeringRule::Match& match : rule.matches) compare(match);
    if (rule.target == SteeringRule::Target::index) {
      append(load_byte, rule.offset);
    } else {  // shard_of()
      append(load_half, rule.offset);
      append(BPF_ALU | BPF_MUL | BPF_K, shards);
      append(BPF_ALU | BPF_RSH | BPF_K, 16);
    }
    append(BPF_RET | BPF_A, 0);
    link();
  }

 private:
  static uint32_t size_least(const SteeringRule& rule) {
    uint32_t least = rule.offset + (rule.target == SteeringRule::Target::index ? 1u : 2u);
    for (const SteeringRule::Match& match : rule.matches) {
      least = std::max(least, match.offset + static_cast<uint32_t>(match.bytes.size()));
    }
    return least;
  }

  void compare(const SteeringRule::Match& match) {
    const Bytes bytes = bytes_of(match.bytes);
    for (size_t at = 0; at < bytes.size();) {
      const uint8_t* from = bytes.data() + at;
      const auto offset = static_cast<uint32_t>(match.offset + at);
      const size_t left = bytes.size() - at;
      if (left >= 4) {
        compare(load_word, offset, load_be32(from));
        at += 4;
      } else if (left >= 2) {
        compare(load_half, offset, load_be16(from));
        at += 2;
      } else {
        compare(load_byte, offset, *from);
        at += 1;
      }
    }
  }
  void compare(uint16_t load, uint32_t offset, uint32_t value) {
    append(load, offset);
    append(BPF_JMP | BPF_JEQ | BPF_K, value);
  }

  void append(int code, uint32_t operand) {
    program_.push_back({static_cast<uint16_t>(code), 0, 0, operand});
  }

  // Makes each comparison of this rule jump past it when it fails.
  void link() {
    for (size_t at = begin_; at < program_.size(); ++at) {
      sock_filter& instruction = program_[at];
      if (BPF_CLASS(instruction.code) != BPF_JMP) continue;
      const size_t distance = program_.size() - at - 1;
      CHECK(distance <= UINT8_MAX);
      instruction.jf = static_cast<uint8_t>(distance);
    }
  }

  std::vector<sock_filter>& program_;
  const size_t begin_;
};

}  // namespace

std::vector<sock_filter> steering_program(std::span<const SteeringRule> rules, uint32_t shards) {
  std::vector<sock_filter> program;
  for (const SteeringRule& rule : rules) RuleWriter(program).write(rule, shards);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, no_shard));
  CHECK(program.size() <= BPF_MAXINSNS);
  return program;
}

int attach_steering(int fd, std::span<const sock_filter> program) {
  CHECK(!program.empty() && program.size() <= BPF_MAXINSNS);
  // The kernel copies the program and does not write to it.
  const sock_fprog attached{static_cast<uint16_t>(program.size()),
                            const_cast<sock_filter*>(program.data())};
  const int refused =
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached);
  return refused == 0 ? 0 : errno;
}

}  // namespace xord
