#include "tools/control/control_client.h"

#include <sys/socket.h>

#include <cerrno>
#include <filesystem>

#include "node/server/socket/control_address.h"
#include "reactor/base/check.h"
#include "reactor/io_error.h"
#include "storage/files/data_directory.h"
#include "tools/control/node_answer.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

NodeSocket connect_to_control(const std::string& data_dir) {
  const std::string path = data_dir + "/" + control_name;
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail(io_error("cannot connect to " + path, errno).sentence);
  NodeSocket connection(descriptor, path);
  const ControlAddress address(data_dir);
  if (!address.is_valid() || connect(descriptor, address.address(), address.size()) != 0) {
    const int error = errno;
    const bool is_absent = error == ENOENT || error == ECONNREFUSED;
    fail(is_absent ? why_absent(data_dir) : io_error("cannot connect to " + path, error).sentence);
  }
  if (!connection.is_trusted()) {
    fail("the process that answers at " + path +
         " belongs to another user: name a --data-dir of this user");
  }
  return connection;
}

ControlClient::ControlClient(const std::string& data_dir) : socket_(connect_to_control(data_dir)) {}

Json ControlClient::answer(const Json& request, Duration timeout) {
  const Deadline deadline(timeout);
  const std::string line = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  CHECK(line.find('\n') == line.npos && timeout > Duration{});
  socket_.send(line + '\n');
  std::string text;
  while (text.empty() || text.back() != '\n') {
    if (!socket_.receive(text, deadline)) socket_.fail_hung_up();
  }
  const Json answer = parse_answer(text);
  if (answer.is_object() && answer.contains("result")) return answer["result"];
  throw_refusal(answer, "error");
  fail_not_understood();
}

Json ask_control(const std::string& data_dir, const Json& request, Duration timeout) {
  return ControlClient(data_dir).ask(request, timeout);
}

}  // namespace xord
