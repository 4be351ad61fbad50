#include "core/hosts.h"

#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

constexpr HostEvent kOk = HostEvent::kAnsweredHttp1;

class HostsTest : public ::testing::Test {
 protected:
  void At(int64_t ms) { hosts_.SetTime(Milliseconds(ms)); }
  void Take(const std::string& host, int count = 1) {
    for (int i = 0; i < count; ++i) hosts_.Take(host);
  }
  // One request from beginning to end.
  void Ask(const std::string& host, HostEvent event, int count = 1) {
    for (int i = 0; i < count; ++i) {
      hosts_.Take(host);
      hosts_.Release(host, event);
    }
  }

  Hosts hosts_{HostLimits{}};
};

TEST_F(HostsTest, GivesAnUnknownHostFewPlaces) {
  EXPECT_EQ(hosts_.Free("a"), 2);
  Take("a");
  EXPECT_EQ(hosts_.Free("a"), 1);
  Take("a");
  EXPECT_EQ(hosts_.Free("a"), 0);
}

TEST_F(HostsTest, GivesAHostThatAnswersItsPlaces) {
  Take("a", 2);
  hosts_.Release("a", kOk);
  EXPECT_EQ(hosts_.Free("a"), 5);
  hosts_.Release("a", kOk);
  EXPECT_EQ(hosts_.Free("a"), 6);
}

TEST_F(HostsTest, WidensForHttp2) {
  Ask("a", HostEvent::kAnsweredHttp2);
  EXPECT_EQ(hosts_.Free("a"), 32);
  Ask("a", kOk);
  EXPECT_EQ(hosts_.Free("a"), 6);
}

TEST_F(HostsTest, KeepsTheTotal) {
  for (const char* host : {"a", "b", "c"}) Ask(host, HostEvent::kAnsweredHttp2);
  Take("a", 32);
  Take("b", 30);
  EXPECT_EQ(hosts_.Free("c"), 2);
  EXPECT_EQ(hosts_.Free("d"), 2);
  Take("c", 2);
  EXPECT_EQ(hosts_.Free("d"), 0);
  EXPECT_EQ(hosts_.in_flight(), 64);
}

TEST_F(HostsTest, HangingHostsCannotHoldEveryPlace) {
  Ask("good", kOk);
  for (int i = 0; i < 200; ++i) {
    const std::string host = "dead" + std::to_string(i);
    Take(host, hosts_.Free(host));
  }
  EXPECT_EQ(hosts_.in_flight(), 48);
  EXPECT_EQ(hosts_.Free("good"), 6);
}

TEST_F(HostsTest, BusyHostsLeaveUnknownOnesTheirShare) {
  for (const char* host : {"a", "b"}) Ask(host, HostEvent::kAnsweredHttp2);
  Take("a", 32);
  Take("b", 16);
  int unknown = 0;
  while (hosts_.Free("dead" + std::to_string(unknown)) > 0) {
    Take("dead" + std::to_string(unknown++));
  }
  EXPECT_EQ(unknown, 16);
}

TEST_F(HostsTest, UnknownHostsAreTriedOneRequestEachWhenThereAreMany) {
  for (int i = 0; i < 4; ++i) Take("host" + std::to_string(i), 2);
  EXPECT_EQ(hosts_.Free("next"), 1);
  Take("next");
  EXPECT_EQ(hosts_.Free("next"), 0);
}

TEST_F(HostsTest, AHostThatAnsweredMakesRoomForUnknownOnes) {
  for (int i = 0; i < 48; ++i) Take("host" + std::to_string(i));
  EXPECT_EQ(hosts_.Free("next"), 0);
  hosts_.Release("host0", kOk);
  EXPECT_EQ(hosts_.Free("next"), 1);
}

TEST_F(HostsTest, AHostThatFailsTwiceIsUnknownAgain) {
  Ask("a", kOk);
  Ask("a", HostEvent::kNoConnection);
  EXPECT_EQ(hosts_.Free("a"), 6);
  Ask("a", HostEvent::kNoConnection);
  EXPECT_EQ(hosts_.Free("a"), 2);
  Ask("a", kOk);
  EXPECT_EQ(hosts_.Free("a"), 6);
}

TEST_F(HostsTest, RestsAfterFiveFailuresInARow) {
  At(1000);
  Ask("a", HostEvent::kNoConnection, 4);
  EXPECT_GT(hosts_.Free("a"), 0);
  Ask("a", HostEvent::kNoConnection);
  EXPECT_EQ(hosts_.Free("a"), 0);
  EXPECT_EQ(hosts_.Free("b"), 2) << "others are not affected";
  EXPECT_EQ(hosts_.NextChange(), Milliseconds(31'000));
  At(30'999);
  EXPECT_EQ(hosts_.Free("a"), 0);
  At(31'000);
  EXPECT_EQ(hosts_.Free("a"), 1) << "one request tries it";
  EXPECT_EQ(hosts_.NextChange(), std::nullopt);
}

TEST_F(HostsTest, AnAnswerInBetweenStartsTheCountAgain) {
  Ask("a", HostEvent::kNoConnection, 4);
  Ask("a", kOk);
  Ask("a", HostEvent::kNoConnection, 4);
  EXPECT_GT(hosts_.Free("a"), 0);
}

TEST_F(HostsTest, NeutralEndsCountNothing) {
  Ask("a", HostEvent::kNeutral, 20);
  EXPECT_EQ(hosts_.Free("a"), 2);
}

TEST_F(HostsTest, GivesUpAfterThreeRestsWithoutSuccess) {
  int64_t now = 0;
  At(now);
  Ask("a", HostEvent::kNoConnection, 5);
  for (int rest = 1; rest <= 3; ++rest) {
    EXPECT_TRUE(hosts_.TakeGivenUp().empty()) << rest;
    now += 30'000;
    At(now);
    EXPECT_EQ(hosts_.Free("a"), 1) << rest;
    Ask("a", HostEvent::kNoConnection);
    EXPECT_EQ(hosts_.Free("a"), 0) << rest;
  }
  EXPECT_EQ(hosts_.TakeGivenUp(), std::vector<std::string>{"a"});
  EXPECT_TRUE(hosts_.TakeGivenUp().empty());
  At(now + 30'000);
  EXPECT_EQ(hosts_.Free("a"), 2) << "starts afresh";
}

TEST_F(HostsTest, ASuccessAfterARestForgetsTheRests) {
  Ask("a", HostEvent::kNoConnection, 5);
  At(30'000);
  Ask("a", kOk);
  EXPECT_EQ(hosts_.Free("a"), 6);
  Ask("a", HostEvent::kNoConnection, 4);
  EXPECT_GT(hosts_.Free("a"), 0);
}

TEST_F(HostsTest, RequestsUnderWayWhenARestBeginsCountOnce) {
  Ask("a", kOk);
  Take("a", 6);
  At(1000);
  for (int i = 0; i < 6; ++i) hosts_.Release("a", HostEvent::kNoConnection);
  EXPECT_EQ(hosts_.NextChange(), Milliseconds(31'000));
  At(31'000);
  EXPECT_EQ(hosts_.Free("a"), 1);
}

TEST_F(HostsTest, SlowsDownAtOnceAfterThrottling) {
  Ask("a", kOk);
  Take("a", 6);
  At(1000);
  for (int i = 0; i < 6; ++i) hosts_.Release("a", HostEvent::kThrottled);
  EXPECT_EQ(hosts_.Free("a"), 0);
  EXPECT_EQ(hosts_.NextChange(), Milliseconds(1100)) << "one burst counts once";
  At(1100);
  EXPECT_EQ(hosts_.Free("a"), 1) << "one at a time";
  Take("a");
  EXPECT_EQ(hosts_.Free("a"), 0);
  EXPECT_EQ(hosts_.NextChange(), Milliseconds(1200));
  EXPECT_EQ(hosts_.Free("b"), 2) << "others are not affected";
}

TEST_F(HostsTest, AStormOfThrottlingLeavesAlmostNoRequests) {
  Ask("a", kOk);
  int requests = 0;
  for (int64_t now = 0; now < 60'000; ++now) {
    At(now);
    if (hosts_.Free("a") == 0) continue;
    Ask("a", HostEvent::kThrottled);
    ++requests;
  }
  EXPECT_LE(requests, 40);
  EXPECT_GE(requests, 25) << "but it goes on asking";
}

TEST_F(HostsTest, RecoversSlowlyAfterThrottling) {
  Ask("a", kOk);
  At(1000);
  Ask("a", HostEvent::kThrottled);
  int64_t now = 1000;
  int answers = 0;
  while (hosts_.Free("a") < 6) {
    const auto next = hosts_.NextChange();
    if (hosts_.Free("a") == 0) {
      ASSERT_TRUE(next.has_value());
      now = next->count();
      At(now);
    }
    Ask("a", kOk);
    ++answers;
    ASSERT_LT(answers, 1000);
  }
  EXPECT_GE(now, 1800);
  EXPECT_LE(now, 10'000);
  EXPECT_GE(answers, 20);
  EXPECT_EQ(hosts_.NextChange(), std::nullopt);
}

TEST_F(HostsTest, AServerThatRefusesEachUrlOnceIsNotAskedEverSlower) {
  Ask("a", kOk);
  int requests = 0;
  for (int64_t now = 0; now < 10'000; ++now) {
    At(now);
    if (hosts_.Free("a") == 0) continue;
    Ask("a", requests % 2 == 0 ? HostEvent::kThrottled : kOk);
    ++requests;
  }
  EXPECT_GE(requests, 90);
  EXPECT_LE(requests, 120);
}

TEST_F(HostsTest, PausesAsLongAsTheHostAskedFor) {
  Ask("a", kOk);
  Take("a");
  At(1000);
  hosts_.Release("a", HostEvent::kThrottled, Milliseconds(7000));
  At(7999);
  EXPECT_EQ(hosts_.Free("a"), 0);
  At(8000);
  EXPECT_EQ(hosts_.Free("a"), 1);
}

TEST_F(HostsTest, ForgetsIdleHostsButNoneThatRests) {
  Ask("resting", HostEvent::kNoConnection, 5);
  Take("busy", 2);
  for (int i = 0; i < 50'000; ++i) Ask("host" + std::to_string(i), kOk);
  EXPECT_EQ(hosts_.Free("resting"), 0);
  EXPECT_EQ(hosts_.Free("busy"), 0);
  EXPECT_EQ(hosts_.in_flight(), 2);
}

}  // namespace
}  // namespace imgbatch
