// What a load run is to do, as plain values filled in from the command line (load_flags.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/io_choice.h"
#include "tools/load/load_exchange.h"

namespace xord {

struct LoadPlan {
  Endpoint target;
  // How often each kind of request is sent, relative to the others.
  std::array<uint32_t, request_kinds> mix{100, 0, 0, 0, 0};
  static_assert(request_kinds == 5);

  // Open loop: requests a second, one step for each rate. Empty: closed loop, `window` requests
  // open.
  std::vector<double> rates;
  uint32_t window = 64;
  bool overload = false;            // Offers far more than the node can answer (overload.h).
  bool find_max = false;            // Searches for the highest rate within slo and loss_max.
  Duration slo = milliseconds(10);  // The limit for p99.
  double loss_max = 0.001;
  Duration length = seconds(10);   // The measured part of a step.
  Duration settling = seconds(1);  // The same load before it, not measured.
  Duration timeout = seconds(1);   // A request that is not answered by then is lost.

  uint32_t sources = 16;
  uint32_t contacts = 0;  // Further sources, silent after the warm-up.
  // True: each source has its own id, which the node files. False: all share client_id, which a
  // xord never files, and a Python node files once.
  bool is_filed = false;
  AnswerPings answer_pings = AnswerPings::yes;
  Duration id_change_every{};  // 0: never. Else how often some source takes a new id, in turn.

  uint32_t keys = 10'000;        // Stored in the warm-up if there are hits; zipf draws from them.
  bool keys_are_stored = false;  // An earlier run with the same seed stored them.
  Spread key_spread = Spread::uniform;
  double zipf_exponent = 0.99;
  ValueSizes value_sizes;
  uint32_t near_bits = 0;
  uint64_t seed = 0;

  CheckDepth check = CheckDepth::content;
  Waiting waiting = Waiting::spin;
  IoChoice io = IoChoice::epoll;
  int server_pid = 0;    // 0: unknown. Else its CPU time is measured in each step.
  std::string data_dir;  // Of the target, on this host. Empty: its counters are not read.

  bool json = false;
  std::string hgrm_file;  // Empty: none.
};

}  // namespace xord
