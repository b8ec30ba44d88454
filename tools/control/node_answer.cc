#include "tools/control/node_answer.h"

#include "node/server/control/control_command.h"
#include "node/server/http/problem.h"
#include "reactor/base/check.h"
#include "reactor/base/nesting.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t answer_nesting_max = 32;  // The counters have 4.

template <class Code>
constexpr bool are_exit_codes() {
  return static_cast<int>(Code::refused) == static_cast<int>(ExitCode::not_found) &&
         static_cast<int>(Code::usage) == static_cast<int>(ExitCode::usage) &&
         static_cast<int>(Code::environment) == static_cast<int>(ExitCode::environment);
}
static_assert(are_exit_codes<ControlCode>() && are_exit_codes<ProblemCode>());

}  // namespace

Json parse_answer(const std::string& text) {
  // Code that copies or prints a JSON value recurses for each level.
  if (line_nested_deeper_than(answer_nesting_max, NestedText::json, text)) {
    throw Failure(ExitCode::environment,
                  "the node's answer is nested more than " + std::to_string(answer_nesting_max) +
                      " deep, which this xord does not understand: it may be a different version");
  }
  return Json::parse(text, nullptr, false);
}

void throw_refusal(const Json& answer, const char* member) {
  CHECK(member != nullptr);
  if (!answer.is_object() || !answer.contains(member) || !answer[member].is_string()) return;
  ExitCode exit = ExitCode::environment;
  for (const ExitCode known : {ExitCode::not_found, ExitCode::usage}) {
    if (answer.contains("code") && answer["code"] == static_cast<int>(known)) exit = known;
  }
  throw Failure(exit, answer[member].get<std::string>());
}

void fail_not_understood() {
  throw Failure(ExitCode::environment,
                "the node's answer is not understood; it may be a different version of xord");
}

}  // namespace xord
