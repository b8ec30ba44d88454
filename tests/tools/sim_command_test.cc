// `xord sim`: how it ends when it is interrupted, and how a run is to be repeated.
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "tools/commands.h"
#include "tools/failure.h"

namespace xord {
namespace {

// Ctrl-C as soon as the seed is told, which is before the network is made.
class InterruptingBuffer : public std::stringbuf {
 public:
  int sync() override { return std::raise(SIGINT); }
};

TEST(SimCommand, AnInterruptEndsTheSeedThatIsUnderWay) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{}, {"--seeds", "1000"}, {"--for", "1h"}}) {
    std::vector<std::string> arguments = {"--scenario", "join", "--nodes", "20", "--seed", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::ostringstream out;
    InterruptingBuffer buffer;
    std::ostream err(&buffer);
    Terminal terminal{out, err, {}};
    ExitCode code = ExitCode::done;
    try {
      code = sim_command(arguments, terminal);
    } catch (const Failure& failure) {
      code = failure.code();
    }
    EXPECT_EQ(code, ExitCode::interrupted);
    EXPECT_EQ(out.str(), "") << "half a run is no report";
  }
}

}  // namespace
}  // namespace xord
