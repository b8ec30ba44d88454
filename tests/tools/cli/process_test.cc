// What `xord` makes of the limits that it is started with. Each case is a process of its own.
#include "tools/cli/process.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "reactor/thread.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

struct Ended {
  int code = -1;  // Or 1000 and its signal.
  std::string err;
};

Ended in_a_process(const std::function<int()>& act) {
  int pipe_of_err[2];
  EXPECT_EQ(pipe(pipe_of_err), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_of_err[1], STDERR_FILENO);
    close(pipe_of_err[0]);
    close(pipe_of_err[1]);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    _exit(act());
  }
  close(pipe_of_err[1]);
  Ended ended;
  char c;
  while (read(pipe_of_err[0], &c, 1) == 1) ended.err += c;
  close(pipe_of_err[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
  return ended;
}

using Resource = decltype(RLIMIT_STACK);

// The soft limit after prepare_process(), if it was `soft` of at most `hard`.
rlim_t raised(Resource resource, rlim_t soft, rlim_t hard) {
  int answer[2];
  EXPECT_EQ(pipe(answer), 0);
  const Ended ended = in_a_process([&] {
    const rlimit before{soft, hard};
    if (setrlimit(resource, &before) != 0) return 9;
    prepare_process();
    rlimit after{};
    getrlimit(resource, &after);
    return write(answer[1], &after.rlim_cur, sizeof after.rlim_cur) > 0 ? 0 : 8;
  });
  EXPECT_EQ(ended.code, 0) << ended.err;
  rlim_t limit = 0;
  close(answer[1]);
  EXPECT_EQ(read(answer[0], &limit, sizeof limit), static_cast<ssize_t>(sizeof limit));
  close(answer[0]);
  return limit;
}

TEST(Process, RaisesItsLimitsAsFarAsItMayAndLowersNone) {
  constexpr rlim_t mib = 1 << 20;
  rlimit own{};
  getrlimit(RLIMIT_NOFILE, &own);
  if (own.rlim_max < 16'384) GTEST_SKIP() << "this process may open few files: see ulimit -Hn";
  EXPECT_EQ(raised(RLIMIT_NOFILE, 256, 16'384), 8'192u);
  EXPECT_EQ(raised(RLIMIT_NOFILE, 256, 1'024), 1'024u);
  EXPECT_EQ(raised(RLIMIT_NOFILE, 10'000, 16'384), 10'000u);
  EXPECT_EQ(raised(RLIMIT_STACK, mib, 64 * mib), 8 * mib);
  EXPECT_EQ(raised(RLIMIT_STACK, mib, 2 * mib), 2 * mib);
  EXPECT_EQ(raised(RLIMIT_STACK, 16 * mib, 64 * mib), 16 * mib);
  EXPECT_EQ(raised(RLIMIT_STACK, mib / 4, mib / 4), mib / 4) << "just enough";
}

TEST(Process, RefusesToRunWithLessStackThanItNeeds) {
  const Ended ended = in_a_process([] {
    const rlimit small{128 << 10, (256 << 10) - 1};
    if (setrlimit(RLIMIT_STACK, &small) != 0) return 9;
    try {
      prepare_process();
    } catch (const Failure& failure) {
      const std::string sentence = failure.what();
      if (write(STDERR_FILENO, sentence.data(), sentence.size()) < 0) return 8;
      return static_cast<int>(failure.code());
    }
    return 0;
  });
  EXPECT_EQ(ended.code, static_cast<int>(ExitCode::environment));
  EXPECT_EQ(ended.err,
            "this process may have a stack of 255 KiB and needs 256 KiB: raise the limit (ulimit "
            "-s, LimitSTACK=)");
}

TEST(Process, GivesEachThreadTheSameStackAndSurvivesTheLimitOfAFile) {
  const Ended ended = in_a_process([] {
    prepare_process();
    pthread_attr_t attributes;
    size_t size = 0;
    if (pthread_getattr_default_np(&attributes) != 0) return 9;
    pthread_attr_getstacksize(&attributes, &size);
    if (size != thread_stack_bytes) return 1;
    struct sigaction action {};
    sigaction(SIGXFSZ, nullptr, &action);
    return action.sa_handler == SIG_IGN ? 0 : 2;
  });
  EXPECT_EQ(ended.code, 0) << ended.err;
}

int arenas() {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* stream = open_memstream(&text, &size);
  EXPECT_TRUE(stream != nullptr && malloc_info(0, stream) == 0);
  std::fclose(stream);
  int count = 0;
  const std::string said(text, size);
  for (size_t at = 0; (at = said.find("<heap nr=", at)) != said.npos; ++at) ++count;
  std::free(text);
  return count;
}

// How many arenas one more thread adds. Where tests of this program had threads before, it may find
// one that is free.
int arenas_added(Resource resource, rlim_t limit) {
  return in_a_process([&] {
           const rlimit limited{limit, limit};
           if (setrlimit(resource, &limited) != 0) return 99;
           prepare_process();
           const int before = arenas();
           std::thread([] { std::free(std::malloc(1'000)); }).join();
           return arenas() - before;
         })
      .code;
}

// Each arena reserves 64 MiB of address space, of which there is little then.
TEST(Process, AllThreadsShareOneArenaWhereAddressSpaceOrDataIsLimited) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has its own malloc, and needs terabytes of addresses";
#endif
  constexpr rlim_t some = rlim_t{16} << 30;
  EXPECT_EQ(arenas_added(RLIMIT_AS, some), 0);
  EXPECT_EQ(arenas_added(RLIMIT_DATA, some), 0);
}

TEST(Process, EndsWithASentenceWhereMemoryOrThreadsAreOut) {
  const auto uncaught = [](auto&& what) {
    return in_a_process([&]() noexcept -> int {
      prepare_process();
      what();
      return 0;
    });
  };
  Ended ended = uncaught([] { throw std::bad_alloc(); });
  EXPECT_EQ(ended.code, static_cast<int>(ExitCode::environment));
  EXPECT_EQ(ended.err,
            "xord: out of memory: raise the limit of the process (ulimit -v) or give it less to "
            "do, such as a lower --memory-max.\n");
  ended = uncaught([] {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_EQ(ended.code, static_cast<int>(ExitCode::environment));
  EXPECT_EQ(ended.err,
            "xord: no more threads: raise the limit of this user's processes (ulimit -u) or of the "
            "container (pids.max).\n");
  ended = uncaught([] { throw std::system_error(std::make_error_code(std::errc::io_error)); });
  EXPECT_EQ(ended.code, 1'000 + SIGABRT) << "a fault of ours";
  ended = uncaught([] { throw 1; });
  EXPECT_EQ(ended.code, 1'000 + SIGABRT);
}

}  // namespace
}  // namespace xord
