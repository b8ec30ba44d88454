// The control socket over real connections: lines and their bounds, and how a connection begins and
// ends.
#include "node/server/socket/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "node/server/socket/control_address.h"
#include "tests/lowered_limit.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

// A client: sends bytes, reads lines. A read of which nothing comes in 30 s is a failure. A refused
// client may find the connection closed before it has sent anything.
class Client {
 public:
  explicit Client(const std::string& directory) : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    const ControlAddress address(directory);
    is_connected_ = connect(socket_, address.address(), address.size()) == 0;
    const timeval give_up{30, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &give_up, sizeof give_up);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool is_connected() const { return is_connected_; }
  void send_bytes(const std::string& bytes) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(sent == static_cast<ssize_t>(bytes.size()) || errno == EPIPE ||
                errno == ECONNRESET);
  }
  // Without its newline; if the connection ends first, what arrived before.
  std::string line() {
    size_t end = 0;
    char piece[4096];
    while ((end = buffer_.find('\n')) == std::string::npos) {
      const ssize_t size = recv(socket_, piece, sizeof piece, 0);
      EXPECT_FALSE(size < 0 && errno == EAGAIN) << "neither a line nor the end";
      if (size <= 0) return std::exchange(buffer_, {});
      buffer_.append(piece, static_cast<size_t>(size));
    }
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  // Whether there is something to read, or the end.
  bool has_input() const {
    char first = 0;
    return recv(socket_, &first, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }
  std::string ask(const std::string& request) {
    send_bytes(request + "\n");
    return line();
  }

 private:
  int socket_;
  bool is_connected_ = false;
  std::string buffer_;
};

class ControlSocketTest : public testing::Test {
 protected:
  static std::string echo(std::string_view line) { return "you said " + std::string(line); }
  static std::string refuse(const std::string& sentence) { return "no: " + sentence; }
  static void no_http(int socket) { close(socket); }

  TemporaryDirectory directory;
};

TEST_F(ControlSocketTest, ALineIsAnsweredWithALineAsOftenAsOneLikes) {
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  Client client(directory.path());
  ASSERT_TRUE(client.is_connected());
  EXPECT_EQ(client.ask("a"), "you said a");
  client.send_bytes("b\nc\nd");
  EXPECT_EQ(client.line(), "you said b");
  EXPECT_EQ(client.line(), "you said c");
  client.send_bytes("e\n");
  EXPECT_EQ(client.line(), "you said de");
}

TEST_F(ControlSocketTest, OnlyItsOwnerMayConnect) {
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  struct stat status {};
  ASSERT_EQ(stat(directory.at("control").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ControlSocketTest, APathBeyond107BytesIsReached) {
  const std::string deep = directory.at(std::string(60, 'd') + "/" + std::string(60, 'e'));
  std::filesystem::create_directories(deep);
  ControlSocket control(deep, echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  Client client(deep);
  ASSERT_TRUE(client.is_connected());
  EXPECT_EQ(client.ask("a"), "you said a");
}

// The name of a socket has 107 bytes and a zero; a longer path is reached another way.
TEST_F(ControlSocketTest, APathOfAnyLengthIsReachedWhetherItJustFitsOrNot) {
  const size_t own = directory.at("").size() + std::string("/control").size();
  for (const size_t length : {106u, 107u, 108u, 109u}) {
    ASSERT_LT(own, length);
    const std::string long_name = directory.at(std::string(length - own, 'd'));
    std::filesystem::create_directories(long_name);
    ControlSocket control(long_name, echo, refuse, no_http);
    ASSERT_FALSE(control.open()) << length;
    EXPECT_EQ(Client(long_name).ask("a"), "you said a") << length;
    const ControlAddress address(long_name);
    EXPECT_TRUE(address.is_valid());
    EXPECT_LE(address.size(), sizeof(sockaddr_un));
  }
}

TEST_F(ControlSocketTest, ADirectoryThatIsNotThereHasNoAddress) {
  const ControlAddress address(directory.at(std::string(120, 'd')));
  EXPECT_FALSE(address.is_valid());
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(ControlSocketTest, ALineThatIsTooLongIsRefusedAndItsConnectionEnds) {
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  Client client(directory.path());
  client.send_bytes(std::string(control_line_max + 1, 'x'));
  EXPECT_EQ(client.line().rfind("no: a request has at most", 0), 0u);
  EXPECT_EQ(client.line(), "");
  EXPECT_EQ(Client(directory.path()).ask("a"), "you said a");
}

TEST_F(ControlSocketTest, TheLongestLineIsAnswered) {
  ControlSocket control(
      directory.path(), [](std::string_view line) { return std::to_string(line.size()); }, refuse,
      no_http);
  ASSERT_FALSE(control.open());
  Client client(directory.path());
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(client.ask(std::string(control_line_max, 'x')), std::to_string(control_line_max));
  }
  EXPECT_EQ(client.ask(""), "0");
}

TEST_F(ControlSocketTest, OneConnectionTooManyIsToldSoAndAnEndedOneGivesItsPlaceBack) {
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  std::vector<std::unique_ptr<Client>> clients;
  for (uint32_t i = 0; i < control_connections_max; ++i) {
    clients.push_back(std::make_unique<Client>(directory.path()));
    EXPECT_EQ(clients.back()->ask("a"), "you said a");
  }
  Client refused(directory.path());
  EXPECT_EQ(refused.line().rfind("no: the node serves 8 control connections", 0), 0u);
  EXPECT_EQ(refused.line(), "");
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return Client(directory.path()).ask("b") == "you said b"; }));
}

TEST_F(ControlSocketTest, AConnectionForWhichThereIsNoThreadIsToldSo) {
  as_nobody_else([] {
    TemporaryDirectory own;
    ControlSocket control(own.path(), echo, refuse, no_http);
    ASSERT_FALSE(control.open());
    {
      const LoweredLimit no_threads(RLIMIT_NPROC, 0);
      Client refused(own.path());
      EXPECT_EQ(refused.line().rfind("no: the node cannot start a thread", 0), 0u);
      EXPECT_EQ(refused.line(), "");
    }
    EXPECT_EQ(Client(own.path()).ask("a"), "you said a");
  });
}

TEST_F(ControlSocketTest, WithoutAThreadToAcceptItIsNotOpened) {
  as_nobody_else([] {
    TemporaryDirectory own;
    {
      const LoweredLimit no_threads(RLIMIT_NPROC, 0);
      ControlSocket none(own.path(), echo, refuse, no_http);
      const auto error = none.open();
      ASSERT_TRUE(error);
      EXPECT_EQ(error->sentence.rfind("cannot start a thread: ", 0), 0u) << error->sentence;
    }
    ControlSocket control(own.path(), echo, refuse, no_http);
    EXPECT_FALSE(control.open());
    EXPECT_EQ(Client(own.path()).ask("a"), "you said a");
  });
}

TEST_F(ControlSocketTest, ASocketThatADeadNodeLeftIsReplaced) {
  {
    const ControlAddress address(directory.path());
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(dead, address.address(), address.size()), 0);
    close(dead);
  }
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  EXPECT_EQ(Client(directory.path()).ask("a"), "you said a");
}

TEST_F(ControlSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(directory.at("control")) << "mine";
  ControlSocket control(directory.path(), echo, refuse, no_http);
  const auto error = control.open();
  ASSERT_TRUE(error);
  EXPECT_NE(error->sentence.find(directory.at("control")), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(directory.at("control")), 4u);
}

TEST_F(ControlSocketTest, ClosingAnswersWhatIsInProgressTakesNothingNewAndRemovesTheName) {
  std::promise<void> asked;
  std::promise<void> go_on;
  auto may_answer = go_on.get_future();
  ControlSocket control(
      directory.path(),
      [&](std::string_view line) {
        asked.set_value();
        may_answer.wait();
        return echo(line);
      },
      refuse, no_http);
  ASSERT_FALSE(control.open());
  Client client(directory.path());
  Client silent(directory.path());
  client.send_bytes("a\n");
  asked.get_future().wait();
  control.close();
  EXPECT_FALSE(std::filesystem::exists(directory.at("control")));
  EXPECT_FALSE(Client(directory.path()).is_connected());
  EXPECT_EQ(silent.line(), "");
  go_on.set_value();
  EXPECT_EQ(client.line(), "you said a");
  EXPECT_EQ(client.line(), "");
}

TEST_F(ControlSocketTest, ClosingAgainTouchesNoOtherFile) {
  const auto open_files = [] {
    const std::filesystem::directory_iterator each("/proc/self/fd");
    return std::distance(begin(each), end(each));
  };
  const auto before = open_files();
  ControlSocket control(directory.path(), echo, refuse, no_http);
  ASSERT_FALSE(control.open());
  EXPECT_EQ(open_files(), before + 1);
  control.close();
  EXPECT_EQ(open_files(), before) << "nothing stays open";
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);  // Takes the number that was freed.
  control.close();
  EXPECT_EQ(fcntl(other, F_GETFD), FD_CLOEXEC);
  close(other);
}

TEST_F(ControlSocketTest, AConnectionThatBeginsWithACapitalLetterIsHandedOver) {
  std::promise<int> handed_over;
  ControlSocket control(directory.path(), echo, refuse,
                        [&](int socket) { handed_over.set_value(socket); });
  ASSERT_FALSE(control.open());
  Client client(directory.path());
  client.send_bytes("GET / HTTP/1.1\r\n");
  const int socket = handed_over.get_future().get();
  char first = 0;
  EXPECT_EQ(recv(socket, &first, 1, 0), 1);
  EXPECT_EQ(first, 'G') << "with all that was sent";
  close(socket);
  EXPECT_EQ(Client(directory.path()).ask("get"), "you said get");
  EXPECT_EQ(Client(directory.path()).ask("{A}"), "you said {A}");
}

TEST_F(ControlSocketTest, OnlyACapitalLetterBeginsHttp) {
  std::atomic<int> handed_over{0};
  ControlSocket control(directory.path(), echo, refuse, [&](int socket) {
    ++handed_over;
    close(socket);
  });
  ASSERT_FALSE(control.open());
  for (const char* first : {"@", "[", "a", "z", "0", "{"}) {
    EXPECT_EQ(Client(directory.path()).ask(first), std::string("you said ") + first);
  }
  EXPECT_EQ(handed_over, 0);
  for (const char* first : {"A", "Z"}) EXPECT_EQ(Client(directory.path()).ask(first), "");
  EXPECT_EQ(handed_over, 2);
}

std::set<std::string> threads() {
  std::set<std::string> all;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
    all.insert(each.path().filename());
  }
  return all;
}
// Whether the thread waits for something.
bool is_asleep(const std::string& thread) {
  std::ifstream file("/proc/self/task/" + thread + "/stat");
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  return stat.find(") S ") != std::string::npos;
}

// A program that embeds a node may have handlers, which run on any thread.
TEST_F(ControlSocketTest, ASignalWhileItWaitsChangesNothing) {
  static std::atomic<int> signals;
  signals = 0;
  std::atomic<int> handed_over{0};
  ControlSocket control(directory.path(), echo, refuse, [&](int socket) {
    ++handed_over;
    close(socket);
  });
  ASSERT_FALSE(control.open());
  struct sigaction counting {};
  struct sigaction before {};
  counting.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(sigaction(SIGUSR2, &counting, &before), 0);
  for (const char* text : {"GET / HTTP/1.1\r\n", "get\n"}) {
    const std::set<std::string> earlier = threads();
    Client client(directory.path());
    std::string thread;
    ASSERT_TRUE(eventually([&] {
      for (const std::string& each : threads()) {
        if (!earlier.contains(each)) thread = each;
      }
      return !thread.empty() && is_asleep(thread);
    }));
    const int seen = signals;
    EXPECT_EQ(syscall(SYS_tgkill, getpid(), std::stoi(thread), SIGUSR2), 0);
    ASSERT_TRUE(eventually([&] { return signals > seen && is_asleep(thread); }));
    client.send_bytes(text);
    EXPECT_EQ(client.line(), text[0] == 'G' ? "" : "you said get");
  }
  EXPECT_EQ(handed_over, 1);
  EXPECT_EQ(sigaction(SIGUSR2, &before, nullptr), 0);
}

// The real times, since what an operator waits for is those. Each client would keep its place for
// long: some say nothing, one a byte now and then, and one does not read its answer.
TEST_F(ControlSocketTest, ClientsThatHoldUpTheOthersLoseTheirPlacesAfterTenSeconds) {
  const std::string long_answer(4 << 20, 'x');  // More than the kernel keeps for a reader.
  ControlSocket control(
      directory.path(), [&](std::string_view line) { return line == "long" ? long_answer : "yes"; },
      refuse, no_http);
  ASSERT_FALSE(control.open());
  Client dripping(directory.path());
  Client deaf(directory.path());
  std::vector<std::unique_ptr<Client>> silent;
  while (silent.size() < control_connections_max - 2) {
    silent.push_back(std::make_unique<Client>(directory.path()));
  }
  EXPECT_EQ(silent.front()->ask("a"), "yes") << "what it said before does not count";
  deaf.send_bytes("long\n");
  EXPECT_EQ(Client(directory.path()).line().rfind("no: the node serves 8", 0), 0u);
  bool is_dripping_over = false;
  bool is_silent_over = false;
  uint32_t served = 0;
  const auto try_all = [&] {
    if (!is_dripping_over) dripping.send_bytes("x");
    is_dripping_over = is_dripping_over || dripping.has_input();
    is_silent_over = is_silent_over || silent.back()->has_input();
    return is_dripping_over && is_silent_over && Client(directory.path()).ask("b") == "yes";
  };
  ASSERT_TRUE(eventually(try_all));
  const std::string told = "no: no request came within 10 s: connect again";
  EXPECT_EQ(dripping.line(), told);
  for (const auto& client : silent) EXPECT_EQ(client->line(), told);
  // All places are free again, the deaf one's too.
  std::vector<std::unique_ptr<Client>> all;
  const auto take_another = [&] {
    all.push_back(std::make_unique<Client>(directory.path()));
    const bool is_served = all.back()->ask("c") == "yes";
    served += is_served;
    if (!is_served) all.pop_back();
    return served == control_connections_max;
  };
  EXPECT_TRUE(eventually(take_another));
}

// ---- The commands of a real node.

class ControlCommandsTest : public testing::Test {
 protected:
  ControlCommandsTest() { EXPECT_FALSE(server.start(loopback_config(directory.path()))); }
  nlohmann::json ask(const std::string& line) {
    return nlohmann::json::parse(Client(directory.path()).ask(line));
  }

  TemporaryDirectory directory;
  Server server;
};

TEST_F(ControlCommandsTest, StatsAreThoseOfTheServer) {
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  const nlohmann::json result = ask(R"({"command": "stats"})").at("result");
  EXPECT_EQ(result.at("id"), server.id().hex());
  EXPECT_EQ(result.at("storage_state"), "ready");
  EXPECT_EQ(result.at("sockets").at(0).at("endpoint"), address_of(server));
  EXPECT_TRUE(result.at("total").contains("storage"));
}

TEST_F(ControlCommandsTest, WhatIsNoRequestIsToldWhatOneIs) {
  for (const char* line :
       {"", "stats", "{}", "[1]", "{\"command\": 1}", "\xff\xfe", "{\"command\":"}) {
    const nlohmann::json answer = ask(line);
    EXPECT_EQ(answer.at("code"), 2) << line;
    EXPECT_NE(answer.at("error").get<std::string>().find("JSON object"), std::string::npos);
  }
  EXPECT_EQ(ask(std::string(control_line_max - 1, '[')).at("code"), 2);
  const nlohmann::json deep = ask("{\"command\": \"stats\", \"a\": " + std::string(60'000, '['));
  EXPECT_EQ(deep.at("code"), 2);
  EXPECT_EQ(deep.at("error"), "the request is nested more than 8 deep: no command needs that");
  const nlohmann::json unknown = ask(R"({"command": "statz"})");
  EXPECT_EQ(unknown.at("code"), 2);
  EXPECT_NE(unknown.at("error").get<std::string>().find("stats"), std::string::npos);
}

// The manifest of a database; RocksDB holds it open, and copies it by name.
std::string manifest_of(const std::string& database) {
  for (const auto& at : std::filesystem::directory_iterator(database)) {
    if (at.path().filename().string().starts_with("MANIFEST-")) return at.path().string();
  }
  return "";
}

// The first snapshot is held up in the database itself: the manifest is replaced by a pipe, which
// opens when the test writes to it.
TEST_F(ControlCommandsTest, SnapshotsAreMadeOneAtATime) {
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  const std::string manifest = manifest_of(directory.at("db"));
  const std::string kept = directory.at("kept");
  std::filesystem::rename(manifest, kept);
  ASSERT_EQ(mkfifo(manifest.c_str(), 0600), 0);
  const auto snapshot = [&](const std::string& name) {
    return ask(R"({"command": "snapshot", "directory": ")" + directory.at(name) + "\"}");
  };
  auto first = std::async(std::launch::async, [&] { return snapshot("first"); });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory.at("first")); }));
  const nlohmann::json refused = snapshot("second");
  EXPECT_EQ(refused.at("code"), 4);
  EXPECT_EQ(refused.at("error").get<std::string>().rfind("another snapshot", 0), 0u);
  EXPECT_FALSE(std::filesystem::exists(directory.at("second")));

  close(open(manifest.c_str(), O_WRONLY | O_CLOEXEC));  // An empty file: not a manifest.
  EXPECT_EQ(first.get().at("code"), 4);
  EXPECT_FALSE(std::filesystem::exists(directory.at("first")));
  std::filesystem::rename(kept, manifest);
  EXPECT_TRUE(snapshot("first").contains("result"));
}

TEST_F(ControlCommandsTest, ANodeOnASnapshotHasTheIdTheContactsAndTheRecords) {
  ASSERT_TRUE(eventually([&] { return is_ready(server); }));
  std::optional<Server> other(std::in_place);
  ASSERT_FALSE(other->start(loopback_config(directory.at("other"))));
  ASSERT_EQ(server.bootstrap({address_of(*other)}).get().status, ServerStatus::done);
  ASSERT_EQ(server.set("key", int64_t{7}).get().status, ServerStatus::done);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory.at("contacts")); }));
  const std::string copy = directory.at("copy");
  EXPECT_TRUE(ask(R"({"command": "snapshot", "directory": ")" + copy + "\"}").contains("result"));
  other.reset();
  Server restored;
  ASSERT_FALSE(restored.start(loopback_config(copy)));
  EXPECT_EQ(restored.id(), server.id());
  EXPECT_TRUE(eventually([&] { return restored.stats().contacts == 1; }));
  EXPECT_EQ(restored.get("key").get().value, Value(int64_t{7}));
}

TEST_F(ControlCommandsTest, AStoppedServerHasNoSocketAndARestartedOneHasOneAgain) {
  server.stop();
  EXPECT_FALSE(Client(directory.path()).is_connected());
  ASSERT_FALSE(server.start(loopback_config(directory.path())));
  EXPECT_TRUE(ask(R"({"command": "stats"})").contains("result"));
}

}  // namespace
}  // namespace xord
