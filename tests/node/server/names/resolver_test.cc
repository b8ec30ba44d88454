#include "node/server/names/resolver.h"

#include <gtest/gtest.h>

#include "tests/lowered_limit.h"

namespace xord {
namespace {

TEST(Resolver, GivesEachEndpointOnceInTheOrderOfTheNames) {
  const ResolvedNames resolved =
      resolve_all({"127.0.0.2:20", "[::1]:30", "127.0.0.2:20", "127.0.0.1:10"});
  ASSERT_EQ(resolved.endpoints.size(), 3u);
  EXPECT_EQ(resolved.endpoints[0].text(), "127.0.0.2:20");
  EXPECT_EQ(resolved.endpoints[1].text(), "[::1]:30");
  EXPECT_EQ(resolved.endpoints[2].text(), "127.0.0.1:10");
  EXPECT_EQ(resolved.unresolved, "");
}

TEST(Resolver, NamesWhatItCannotResolveAndGoesOn) {
  const ResolvedNames resolved = resolve_all({"nonsense", "127.0.0.1:1"});
  EXPECT_EQ(resolved.endpoints.size(), 1u);
  EXPECT_NE(resolved.unresolved.find("nonsense"), std::string::npos);
}

TEST(Resolver, RingsTheBellWhenTheAnswerIsThere) {
  Doorbell bell;
  Resolver resolver(bell);
  EXPECT_FALSE(resolver.take());
  resolver.begin({"127.0.0.1:7"});
  EXPECT_TRUE(resolver.is_busy());
  bell.wait(std::nullopt);
  const auto answer = resolver.take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->endpoints.size(), 1u);
  EXPECT_FALSE(resolver.is_busy());
  EXPECT_FALSE(resolver.take());
}

TEST(Resolver, WithoutAThreadItsAnswerSaysSo) {
  as_nobody_else([] {
    Doorbell bell;
    Resolver resolver(bell);
    {
      const LoweredLimit no_threads(RLIMIT_NPROC, 0);
      resolver.begin({"127.0.0.1:7"});
    }
    bell.wait(std::nullopt);
    const auto answer = resolver.take();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->endpoints.empty());
    EXPECT_EQ(answer->unresolved.rfind("cannot start a thread: ", 0), 0u) << answer->unresolved;
    EXPECT_FALSE(resolver.is_busy());
  });
}

TEST(Resolver, MayGoWhileItLooksUp) {
  Doorbell bell;
  for (int i = 0; i < 50; ++i) {
    Resolver resolver(bell);
    resolver.begin({"127.0.0.1:7"});
  }
}

TEST(Resolver, SaysOfEachNameWhyItCouldNotBeResolved) {
  const ResolvedNames resolved = resolve_all({"nonsense", "127.0.0.1:1", "host:0"});
  EXPECT_EQ(resolved.unresolved,
            "nonsense: not of the form host:port; host:0: not of the form host:port");
  EXPECT_TRUE(
      resolve_all({"no-such-host.invalid:7"}).unresolved.starts_with("no-such-host.invalid:7: "));
}

}  // namespace
}  // namespace xord
