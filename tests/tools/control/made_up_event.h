// An event as GET /v1/events sends it, and what the control command `limits` answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace xord {

inline nlohmann::ordered_json made_up_event(int shards = 2) {
  using Json = nlohmann::ordered_json;
  Json event = {
      {"number", 7},
      {"id", std::string(40, 'a')},
      {"version", "0.1.0 (commit 0123abc)"},
      {"state", "ready"},
      {"reasons", Json::array()},
      {"uptime_s", 3725.5},
      {"limits", {{"contacts", 65536}, {"records", 10'000'000}}},
      {"series",
       {{"requests_ping", 12.0},  {"requests_find_node", 2000.0},  {"requests_find_value", 3.5},
        {"requests_store", 4.0},  {"requests_stun", 0.0},          {"received_bytes", 1572864.0},
        {"sent_bytes", 2048.0},   {"kernel_drops", 0.0},           {"malformed", 1.0},
        {"limited", 2.0},         {"calls_answered", 90.0},        {"calls_expired", 10.0},
        {"calls_malformed", 0.0}, {"call_p50_s", 0.0125},          {"call_p95_s", nullptr},
        {"contacts", 5000.0},     {"contacts_answerable", 4812.0}, {"network_size", 250000.0},
        {"records", 1'200'000.0}, {"disk_free_bytes", 34e9},       {"writes_pending", 6.0},
        {"busiest", 0.5},         {"commit_p99_s", 0.00025}}},
      {"shards", Json::array()},
      {"log", Json::array()}};
  for (int i = 0; i < shards; ++i) {
    event["shards"].push_back({{"busy", (i + 1) / 100.0},
                               {"requests", 512.0 + i},
                               {"records", 10 * i},
                               {"queue", i},
                               {"turn_s", 0.0001}});
  }
  return event;
}

inline nlohmann::ordered_json made_up_line(int number, const std::string& message) {
  return {{"number", number},
          {"time_s", 1796018400.1 + number},
          {"level", "info"},
          {"message", message},
          {"fields", {{"of", "records"}, {"used", 9}}}};
}

// The prefix 192.0.2.N/32 took 8 * N of work, 8192 * (9 - N) bytes and 8 reads, in eight seconds.
inline nlohmann::ordered_json made_up_limits(int prefixes, int refused = 0) {
  using Json = nlohmann::ordered_json;
  Json limits = {{"limits", "on"}, {"prefixes", Json::array()}};
  for (int i = 0; i < prefixes; ++i) {
    limits["prefixes"].push_back(
        {{"network", "rpcudp"},
         {"prefix", "192.0.2." + std::to_string(i) + "/32"},
         {"charged", {{"excess", 8192 * (9 - i)}, {"reads", 8}, {"work", 8 * i}}},
         {"limits", {{{"limit", "excess"}, {"most", 1}, {"refused", refused}}}}});
  }
  return limits;
}

}  // namespace xord
