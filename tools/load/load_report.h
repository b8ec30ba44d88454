// The output of a load run: tables for the user, one JSON document for programs, percentiles for
// plots.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "tools/load/load_run.h"

namespace xord {

// Writes tables to `out` as results arrive, and the progress line to `passing` if it is not null.
// Both must outlive this object.
class LoadTables : public LoadObserver {
 public:
  LoadTables(const LoadPlan& plan, std::ostream* out, std::ostream* passing)
      : plan_(plan), out_(out), passing_(passing) {}

  void warming(std::string_view what, uint64_t done, uint64_t count) override;
  void warmed(const LoadResult& result) override;
  void stepping(const StepProgress& progress) override;
  void stepped(const StepResult& step) override;
  void finished(const LoadResult& result);

 private:
  void write_overload(const OverloadResult& overload);
  void write_rate_max(const LoadResult& result);
  void write_limits(const LoadResult& result);

  const LoadPlan& plan_;
  std::ostream* out_;
  std::ostream* passing_;
  bool head_written_ = false;
};

// The fields that docs/commands/load.md lists.
nlohmann::ordered_json json_of(const LoadPlan& plan, const LoadResult& result);

// The text format of HdrHistogram's plotter, in milliseconds.
std::string hgrm_of(const Histogram& histogram);

}  // namespace xord
