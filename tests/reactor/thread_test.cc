#include "reactor/thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

#include "tests/lowered_limit.h"

namespace xord {
namespace {

TEST(Thread, RunsByItsNameAndIsJoined) {
  char name[16] = {};
  Thread thread;
  ASSERT_FALSE(thread.start("a name of more than 15",
                            [&] { pthread_getname_np(pthread_self(), name, sizeof name); }));
  EXPECT_TRUE(thread.is_joinable());
  thread.join();
  EXPECT_FALSE(thread.is_joinable());
  EXPECT_STREQ(name, "a name of more ");
  EXPECT_FALSE(thread.start("", [] {}));  // It may then run something else.
}

TEST(Thread, IsMovedAndTheOneThatItReplacesIsJoinedFirst) {
  std::atomic<bool> has_run = false;
  Thread first;
  ASSERT_FALSE(first.start("", [&] { has_run = true; }));
  Thread second;
  ASSERT_FALSE(second.start("", [] {}));
  first = std::move(second);
  EXPECT_TRUE(has_run);
  EXPECT_TRUE(first.is_joinable());
  EXPECT_FALSE(second.is_joinable());
  Thread third(std::move(first));
  EXPECT_FALSE(first.is_joinable());
  EXPECT_TRUE(third.is_joinable());
  third.detach();
  EXPECT_FALSE(third.is_joinable());
}

TEST(Thread, HasAStackOfItsOwnSizeWhateverTheLimitSays) {
  size_t size = 0;
  const LoweredLimit odd(RLIMIT_STACK, 1 << 20);
  Thread thread;
  ASSERT_FALSE(thread.start("", [&] {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
  }));
  thread.join();
  EXPECT_GE(size, thread_stack_bytes) << "the C library may reuse a larger one";
}

TEST(Thread, ThatCannotBeStartedNamesTheLimitAndItsNumber) {
  as_nobody_else([] {
    const LoweredLimit no_threads(RLIMIT_NPROC, 0);
    Thread thread;
    const auto error = thread.start("", [] { FAIL(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->error_number, EAGAIN);
    EXPECT_NE(error->sentence.find("the limit of processes and threads is 0 for the user"),
              std::string::npos)
        << error->sentence;
    EXPECT_FALSE(thread.is_joinable());
    thread.join();
  });
}

TEST(Thread, AsManyAsCanBeStartedAreCounted) {
  as_nobody_else([] {
    EXPECT_EQ(startable_threads(3), 3u);
    // This thread is the user's first.
    const LoweredLimit two(RLIMIT_NPROC, 3);
    EXPECT_EQ(startable_threads(2), 2u);
    EXPECT_EQ(startable_threads(5), 2u);
  });
}

}  // namespace
}  // namespace xord
