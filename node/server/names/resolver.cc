#include "node/server/names/resolver.h"

#include <algorithm>
#include <mutex>

#include "node/server/names/resolve.h"
#include "reactor/base/check.h"
#include "reactor/thread.h"

namespace xord {

// Outlives the Resolver if a lookup does. The destructor of the Resolver clears `bell`, under the
// mutex.
struct Resolver::Shared {
  void answer_with(ResolvedNames names) {
    const std::lock_guard lock(mutex);
    if (bell == nullptr) return;
    CHECK(!answer);  // The last one was taken before this batch began.
    answer = std::move(names);
    bell->ring();
  }

  std::mutex mutex;
  Doorbell* bell = nullptr;
  std::optional<ResolvedNames> answer;
};

ResolvedNames resolve_all(const std::vector<std::string>& names) {
  ResolvedNames all;
  const auto failed = [&](const std::string& name, const std::string& why) {
    all.unresolved += (all.unresolved.empty() ? "" : "; ") + name + ": " + why;
  };
  for (const std::string& name : names) {
    const std::optional<HostPort> host_port = parse_host_port(name);
    if (!host_port) {
      failed(name, "not of the form host:port");
      continue;
    }
    const Resolved resolved = resolve(*host_port);
    if (resolved.endpoints.empty()) failed(name, resolved.error);
    for (const Endpoint& endpoint : resolved.endpoints) {
      const auto known = std::find(all.endpoints.begin(), all.endpoints.end(), endpoint);
      if (known == all.endpoints.end()) all.endpoints.push_back(endpoint);
    }
  }
  return all;
}

Resolver::Resolver(Doorbell& answered) : answered_(answered), shared_(std::make_shared<Shared>()) {
  shared_->bell = &answered_;
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->bell = nullptr;
}

void Resolver::begin(std::vector<std::string> names) {
  CHECK(!busy_);
  busy_ = true;
  Thread thread;
  const auto error = thread.start("xord-resolver", [shared = shared_, names = std::move(names)] {
    shared->answer_with(resolve_all(names));
  });
  if (error) return shared_->answer_with({{}, error->sentence});
  thread.detach();
}

std::optional<ResolvedNames> Resolver::take() {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->answer) return std::nullopt;
  CHECK(busy_);
  std::optional<ResolvedNames> answer = std::move(shared_->answer);
  shared_->answer.reset();
  busy_ = false;
  return answer;
}

}  // namespace xord
