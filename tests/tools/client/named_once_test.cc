// A command keeps whom the node that it asked has named, and asks under that id the next time.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "node/client/client_id.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tests/tools/load/scripted_node.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

TEST(NamedOnce, WhomANodeNamedIsKeptForTheNextCommand) {
  const TemporaryDirectory cache;
  const Id id = id_of(0x33);
  const ScriptedNode named({}, 0);
  const ScriptedNode via([&](const Request& request, const Packed& answer) {
    if (request.method != Method::find_node) return Datagrams{answer};
    return Datagrams{datagram([&](MutableBytes out) {
      rpcudp::ContactsReply reply(out, request.transaction, 1);
      std::array<uint8_t, rpcudp::contact_tail_max> tail;
      reply.add(id, Bytes(tail).first(rpcudp::encode_contact_tail(named.endpoint(), tail)));
      return reply.size();
    })};
  });
  const std::vector<std::string> words = {"key", "--via", via.endpoint().text()};
  const auto found = [&] {
    const CommandOutcome outcome =
        outcome_of(find_command, words, {{"XDG_CACHE_HOME", cache.path()}});
    EXPECT_EQ(outcome.code, ExitCode::done) << outcome.error;
    return outcome.out;
  };
  EXPECT_NE(found().find(id.hex()), std::string::npos);
  std::ostringstream kept;
  kept << std::ifstream(cache.at("xord/named-ids")).rdbuf();
  EXPECT_EQ(kept.str(),
            via.endpoint().text() + " " + id.hex() + " " + named.endpoint().text() + "\n");
  EXPECT_EQ(via.asked().at(0).sender, client_id) << "it knew nobody";
  const size_t before = via.asked().size();
  EXPECT_NE(found().find(id.hex()), std::string::npos);
  EXPECT_EQ(via.asked().at(before).sender, id);
}

}  // namespace
}  // namespace xord
