// Any bytes as the requests of a control connection to a running node, a request a line: asked one
// by one, or sent through the socket in pieces of any size. Each complete line has exactly one line
// of JSON as its answer, a result or a sentence with its code, and afterwards the node serves as
// before.
//
// The first byte says how: 0, one by one; else the largest piece. The node is started once. What an
// input kept or stored is erased after it, and a snapshot is only ever made below the scratch
// folder, whatever directory the request names.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "node/server/socket/control_address.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "tests/fuzz/target.h"
#include "tests/own_loopback.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::string>;

constexpr size_t lines_max = 64;

// Created once, and removed when the process ends cleanly.
class RunningNode {
 public:
  RunningNode() : admin_(config(), node_doors()) {
    CHECK(!admin_.start());
    const MonotonicTime deadline = monotonic_time() + seconds(30);
    while (admin_.stats().storage_state != StorageState::ready) {
      CHECK(monotonic_time() < deadline);
      poll(nullptr, 0, 5);
    }
    std::filesystem::create_directory(snapshots());
  }

  Admin& admin() { return admin_; }
  std::string directory() const { return place_.at("data"); }
  std::string snapshots() const { return place_.at("snapshots"); }

 private:
  ServerConfig config() const {
    ServerConfig config;
    config.listen = {{DialectName::rpcudp, own_loopback(), false}};
    config.data_dir = directory();
    config.shards = 1;
    config.io = IoChoice::epoll;
    config.log_level = LogLevel::off;
    config.durability = Durability::os;
    config.records_max = 1000;
    config.contacts_max = 1000;
    config.memory_max = 1 << 20;
    return config;
  }

  TemporaryDirectory place_;
  Admin admin_;
};

RunningNode& running() {
  static RunningNode node;
  return node;
}

// The line, with the directory of a snapshot moved below the scratch folder.
std::string contained(const std::string& line) {
  Json request = Json::parse(line, nullptr, false);
  if (!request.is_object() || request.value("command", Json()) != "snapshot") return line;
  const Json named = request.value("directory", Json());
  if (!named.is_string()) return line;
  std::string name = named.get<std::string>().substr(0, 300);  // Longer than a name can be.
  if (!name.starts_with('/')) return line;
  std::replace(name.begin(), name.end(), '/', '_');
  request["directory"] = running().snapshots() + "/" + name;
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The complete lines of `text`, and what follows the last newline in `rest`.
Lines lines_of(std::string_view text, std::string* rest) {
  Lines lines;
  size_t start = 0;
  for (size_t end = 0; lines.size() < lines_max; start = end + 1) {
    end = text.find('\n', start);
    if (end == std::string_view::npos) break;
    lines.push_back(contained(std::string(text.substr(start, end - start))));
  }
  *rest = text.substr(start, text.find('\n', start) - start);
  return lines;
}

Json check_answer(const std::string& answer) {
  CHECK(answer.find('\n') == std::string::npos);
  const Json json = Json::parse(answer, nullptr, false);
  CHECK(json.is_object());
  if (json.contains("result")) {
    CHECK(json.size() == 1 && json["result"].is_object());
    return json;
  }
  CHECK(json.size() == 2 && json["error"].is_string() && json["code"].is_number_unsigned());
  CHECK(!json["error"].get<std::string>().empty());
  const std::set<uint32_t> codes = {1, 2, 4};
  CHECK(codes.contains(json["code"].get<uint32_t>()));
  return json;
}

Json ask(const Json& request) {
  const Json answer = check_answer(answer_control(running().admin(), request.dump()));
  CHECK(answer.contains("result"));
  return answer["result"];
}

// A connection of its own: sends `text` in pieces, and returns all answers.
std::string answers_to(const std::string& text, size_t piece_max) {
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const ControlAddress address(running().directory());
  CHECK(client >= 0 && connect(client, address.address(), address.size()) == 0);
  std::string answers;
  for (size_t at = 0;;) {
    if (at == text.size()) shutdown(client, SHUT_WR);  // Again does no harm.
    pollfd wait{client, static_cast<short>(at < text.size() ? POLLIN | POLLOUT : POLLIN), 0};
    CHECK(poll(&wait, 1, 30'000) > 0);
    if ((wait.revents & POLLOUT) != 0) {
      const size_t size = std::min(piece_max, text.size() - at);
      const ssize_t sent = send(client, text.data() + at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      CHECK(sent > 0);
      at += static_cast<size_t>(sent);
    } else {
      char piece[4096];
      const ssize_t size = recv(client, piece, sizeof piece, 0);
      CHECK(size >= 0);
      if (size == 0) break;
      answers.append(piece, static_cast<size_t>(size));
    }
  }
  close(client);
  return answers;
}

void try_socket(const Lines& requests, const std::string& rest, size_t piece_max) {
  std::string text;
  for (const std::string& request : requests) text += request + "\n";
  text += rest;
  // A capital letter begins HTTP, which is not what this is about.
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = '{';
  const std::string answers = answers_to(text, piece_max);
  CHECK(answers.empty() || answers.back() == '\n');
  size_t count = 0;
  for (size_t start = 0; start < answers.size(); ++count) {
    const size_t end = answers.find('\n', start);
    check_answer(answers.substr(start, end - start));
    start = end + 1;
  }
  CHECK(count == requests.size());
}

void reset() {
  ask({{"command", "stats"}});
  for (;;) {
    const Json page = ask({{"command", "published"}});
    for (const Json& key : page["keys"]) ask({{"command", "forget"}, {"id", key["id"]}});
    if (page["keys"].empty()) break;
  }
  ask({{"command", "purge"}, {"all", true}});
  for (const auto& made : std::filesystem::directory_iterator(running().snapshots())) {
    std::filesystem::remove_all(made.path());
  }
}

}  // namespace
}  // namespace xord

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string rest;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const xord::Lines requests = xord::lines_of(text, &rest);
  if (data[0] == 0) {
    for (const std::string& request : requests) {
      xord::check_answer(xord::answer_control(xord::running().admin(), request));
    }
  } else {
    xord::try_socket(requests, rest, data[0]);
  }
  xord::reset();
  return 0;
}
