#include "tools/control/control_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "node/server/control/control_command.h"
#include "node/server/socket/control_address.h"
#include "reactor/base/check.h"
#include "reactor/base/nesting.h"
#include "reactor/io_error.h"
#include "reactor/monotonic.h"
#include "storage/files/data_directory.h"
#include "tools/cli/failure.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t answer_bytes_max = 256 << 20;
constexpr size_t answer_nesting_max = 32;  // The counters have 4.
// What a node refuses ends the command that asked.
constexpr bool is_exit_code(ControlCode code, ExitCode exit) {
  return static_cast<int>(code) == static_cast<int>(exit);
}
static_assert(is_exit_code(ControlCode::refused, ExitCode::not_found) &&
              is_exit_code(ControlCode::usage, ExitCode::usage) &&
              is_exit_code(ControlCode::environment, ExitCode::environment));

// A signal between a check and the wait is noticed at most this much later.
constexpr Duration looked_each = milliseconds(200);

[[noreturn]] void fail(const std::string& sentence) {
  throw Failure(ExitCode::environment, sentence);
}

// Explains why nothing answers at the control socket: the directory or the node does not exist, or
// the process that holds the directory is not listening.
std::string why_absent(const std::string& data_dir) {
  const std::string not_running = "no node is running on " + data_dir;
  std::error_code ignored;
  if (!std::filesystem::exists(data_dir, ignored)) return not_running + " (no such directory)";
  const auto opened = DataDirectory::open_to_read(data_dir);
  const auto* error = std::get_if<IoError>(&opened);
  if (error == nullptr) return not_running + "; start one with `xord run`";
  if (error->error_number != EWOULDBLOCK) return not_running + ": " + error->sentence;
  return "the node on " + data_dir +
         " does not answer: it is starting or stopping, or another tool holds the directory; try "
         "again in a moment";
}

// Anyone who may write to a directory could listen there, would be sent values, and would be
// believed. Root may ask any user's node.
bool is_trusted(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return geteuid() == 0 || peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

int connect_to_control(const std::string& data_dir) {
  const std::string path = data_dir + "/" + control_name;
  const int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const ControlAddress address(data_dir);
  if (connection >= 0 && address.is_valid() &&
      connect(connection, address.address(), address.size()) == 0) {
    if (is_trusted(connection)) return connection;
    close(connection);
    fail("the process that answers at " + path +
         " belongs to another user: name a --data-dir of this user");
  }
  const int error = errno;
  if (connection >= 0) close(connection);
  const bool is_absent = error == ENOENT || error == ECONNREFUSED;
  fail(is_absent ? why_absent(data_dir) : io_error("cannot connect to " + path, error).sentence);
}

ControlClient::ControlClient(const std::string& data_dir)
    : path_(data_dir + "/" + control_name), socket_(connect_to_control(data_dir)) {
  CHECK(socket_ >= 0);
}

ControlClient::~ControlClient() {
  close(socket_);
}

std::string ControlClient::answer_to(std::string line, Duration timeout) {
  CHECK(line.find('\n') == line.npos && timeout > Duration{});
  line += '\n';
  if (send(socket_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    fail(io_error("cannot write to " + path_, errno).sentence);
  }
  const MonotonicTime deadline = monotonic_time() + timeout;
  std::string answer;
  while (answer.empty() || answer.back() != '\n') {
    stop_if_interrupted();
    const Duration left = deadline - monotonic_time();
    if (left <= Duration{} || answer.size() > answer_bytes_max) {
      fail("the node did not answer over " + path_ + " within " + show_duration(timeout) +
           "; its host may be overloaded");
    }
    receive_some(answer, std::min(left, looked_each));
  }
  return answer;
}

void ControlClient::receive_some(std::string& answer, Duration most) {
  CHECK(socket_ >= 0 && most > Duration{});
  timeval give_up{};
  give_up.tv_sec = most.whole_seconds();
  give_up.tv_usec = 1 + most.nanoseconds % 1'000'000'000 / 1000 % 999'999;
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &give_up, sizeof give_up);
  char piece[16384];
  const ssize_t size = recv(socket_, piece, sizeof piece, 0);
  if (size > 0) answer.append(piece, static_cast<size_t>(size));
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
  fail("the node at " + path_ + " hung up before it answered; it may have stopped");
}

Json ControlClient::ask(const Json& request, Duration timeout) {
  const std::string line = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string text = answer_to(line, timeout);
  // Code that copies or prints a JSON value recurses for each level.
  if (line_nested_deeper_than(answer_nesting_max, NestedText::json, text)) {
    fail("the node's answer is nested more than " + std::to_string(answer_nesting_max) +
         " deep, which this xord does not understand: is it a different version?");
  }
  const Json answer = Json::parse(text, nullptr, false);
  if (answer.is_object() && answer.contains("result")) return answer["result"];
  if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
    const int code = answer.value("code", static_cast<int>(ExitCode::environment));
    throw Failure(static_cast<ExitCode>(code), answer["error"].get<std::string>());
  }
  fail("the node's answer is not understood; it may be a different version of xord");
}

Json ask_control(const std::string& data_dir, const Json& request, Duration timeout) {
  return ControlClient(data_dir).ask(request, timeout);
}

}  // namespace xord
