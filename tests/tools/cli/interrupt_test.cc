// What SIGINT and SIGTERM do to a command, and what is left of that afterwards.
#include "tools/cli/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

#include "tools/cli/failure.h"

namespace xord {
namespace {

void of_ours(int) {}
int caught = 0;
void count(int signal) {
  caught = signal;
}

void (*handler_of(int signal))(int) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

class InterruptTest : public testing::TestWithParam<int> {
 protected:
  ~InterruptTest() override {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
};
INSTANTIATE_TEST_SUITE_P(Both, InterruptTest, testing::Values(SIGINT, SIGTERM));

TEST_P(InterruptTest, IsRequestedBySignalAndForgottenWithItsEnd) {
  EXPECT_FALSE(Interrupt::requested());
  {
    const Interrupt interrupt;
    EXPECT_FALSE(Interrupt::requested());
    EXPECT_NO_THROW(stop_if_interrupted());
    std::raise(GetParam());
    EXPECT_TRUE(Interrupt::requested());
    try {
      stop_if_interrupted();
      ADD_FAILURE();
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::interrupted);
      EXPECT_EQ(std::string(failure.what()), "interrupted");
    }
  }
  EXPECT_FALSE(Interrupt::requested());
  EXPECT_EQ(handler_of(SIGINT), SIG_IGN);
  EXPECT_EQ(handler_of(SIGTERM), SIG_IGN);
  {
    const Interrupt next;
    EXPECT_FALSE(Interrupt::requested()) << "the next one starts without a signal";
  }
}

TEST_P(InterruptTest, WithoutASignalTheHandlersAreTheFormerOnes) {
  std::signal(GetParam(), of_ours);
  {
    const Interrupt interrupt;
    EXPECT_NE(handler_of(GetParam()), of_ours);
  }
  EXPECT_EQ(handler_of(GetParam()), of_ours);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  { const Interrupt interrupt; }
  EXPECT_EQ(handler_of(SIGINT), SIG_DFL);
  EXPECT_EQ(handler_of(SIGTERM), SIG_DFL);
}

TEST_P(InterruptTest, ACatcherHandsItsSignalOn) {
  caught = 0;
  {
    const SignalCatcher catcher(count);
    std::raise(GetParam());
  }
  EXPECT_EQ(caught, GetParam());
  EXPECT_FALSE(Interrupt::requested()) << "another one's signal";
}

}  // namespace
}  // namespace xord
