#include "node/server/http/answer_counts.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {

AnswerCounts::AnswerCounts(const std::vector<std::string_view>& paths) {
  for (const std::string_view path : paths) {
    CHECK(path != no_route);
    if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) paths_.push_back(path);
  }
  paths_.push_back(no_route);
  rows_ = std::make_unique<Row[]>(paths_.size());
}

void AnswerCounts::add(std::string_view path, uint16_t status) {
  const auto row = std::find(paths_.begin(), paths_.end(), path);
  CHECK(row != paths_.end());
  const auto column = std::find(statuses.begin(), statuses.end() - 1, status);
  rows_[static_cast<size_t>(row - paths_.begin())][static_cast<size_t>(column - statuses.begin())]
      .fetch_add(1, std::memory_order_relaxed);
}

std::vector<AnswerCount> AnswerCounts::read() const {
  std::vector<AnswerCount> counts;
  for (size_t row = 0; row < paths_.size(); ++row) {
    for (size_t column = 0; column < statuses.size(); ++column) {
      const uint64_t count = rows_[row][column].load(std::memory_order_relaxed);
      if (count > 0) counts.push_back({paths_[row], statuses[column], count});
    }
  }
  return counts;
}

}  // namespace xord
