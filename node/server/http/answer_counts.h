// How often each route of the HTTP API was answered with which status: the metric
// xord_admin_requests_total. Fixed after construction, 112 bytes a route. Any thread may count and
// read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace xord {

struct AnswerCount {
  std::string_view path;  // The route's pattern, "/v1/records/{id}".
  uint16_t status = 0;    // 0: one that is not in the list.
  uint64_t count = 0;

  bool operator==(const AnswerCount&) const = default;
};

class AnswerCounts {
 public:
  // Of answers to requests that came to no route.
  static constexpr std::string_view no_route = "other";

  // `paths`: without `no_route`; they outlive this. One that is there twice, by another method, is
  // counted as one.
  explicit AnswerCounts(const std::vector<std::string_view>& paths);

  // `path` is one of the above or `no_route`.
  void add(std::string_view path, uint16_t status);
  // Those above 0, by path, in the order of the paths.
  std::vector<AnswerCount> read() const;

 private:
  // The statuses of the API; the last entry stands for any other.
  static constexpr std::array<uint16_t, 14> statuses = {200, 202, 304, 400, 401, 403, 404,
                                                        405, 415, 421, 500, 501, 503, 0};
  using Row = std::array<std::atomic<uint64_t>, statuses.size()>;

  std::vector<std::string_view> paths_;  // The last is `no_route`.
  std::unique_ptr<Row[]> rows_;          // By path.
};

}  // namespace xord
