#include "reactor/thread.h"

#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/cgroup.h"

namespace xord {
namespace {

struct Start {
  std::string name;
  std::function<void()> body;
};

void* run(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  if (!start->name.empty()) pthread_setname_np(pthread_self(), start->name.c_str());
  start->body();
  return nullptr;
}

}  // namespace

Thread::Thread(Thread&& other) noexcept
    : thread_(other.thread_), is_joinable_(std::exchange(other.is_joinable_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this == &other) return *this;
  join();
  thread_ = other.thread_;
  is_joinable_ = std::exchange(other.is_joinable_, false);
  return *this;
}

std::optional<IoError> Thread::start(const std::string& name, std::function<void()> body) {
  CHECK(!is_joinable_ && body != nullptr);
  auto start = std::make_unique<Start>(Start{name.substr(0, 15), std::move(body)});
  pthread_attr_t attributes;
  int refused = pthread_attr_init(&attributes);
  if (refused == 0) {
    refused = pthread_attr_setstacksize(&attributes, thread_stack_bytes);
    if (refused == 0) refused = pthread_create(&thread_, &attributes, run, start.get());
    pthread_attr_destroy(&attributes);
  }
  if (refused != 0) return thread_error("cannot start a thread", refused);
  (void)start.release();  // Now owned by the thread.
  is_joinable_ = true;
  return std::nullopt;
}

void Thread::join() {
  if (!std::exchange(is_joinable_, false)) return;
  CHECK(pthread_join(thread_, nullptr) == 0);
}

void Thread::detach() {
  if (std::exchange(is_joinable_, false)) pthread_detach(thread_);
}

uint32_t startable_threads(uint32_t count) {
  std::atomic<bool> may_end{false};
  std::vector<Thread> threads(count);
  uint32_t started = 0;
  for (Thread& thread : threads) {
    if (thread.start("", [&] { may_end.wait(false); })) break;
    ++started;
  }
  may_end.store(true);
  may_end.notify_all();
  threads.clear();  // Joins.
  return started;
}

IoError thread_error(const std::string& what, int error_number) {
  IoError error = io_error(what, error_number);
  std::string limits;
  rlimit limit{};
  if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    limits = std::to_string(limit.rlim_cur) + " for the user (ulimit -u, LimitNPROC=)";
  }
  if (const auto group = group_limit(GroupLimit::threads)) {
    limits += limits.empty() ? "" : " and ";
    limits += std::to_string(group->value) + " for the container (" + group->file + ")";
  }
  if (!limits.empty()) error.sentence += "; the limit of processes and threads is " + limits;
  return error;
}

}  // namespace xord
