#include "tests/contract/image_pool_contract.h"

#include <thread>

#include "core/hash.h"

namespace imgbatch {
namespace {

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string TextOf(const Body& body) {
  return {body.bytes().begin(), body.bytes().end()};
}

}  // namespace

PoolKey ImagePoolContract::Put(const std::string& text) {
  Result<PoolKey> key = pool().Put(BytesOf(text), "jpg");
  EXPECT_TRUE(key) << (key ? "" : key.error().message);
  return key ? *key : PoolKey();
}

TEST_P(ImagePoolContract, KeysAreTheHashAndTheExtension) {
  EXPECT_EQ(Put("picture"), ToHex(HashOf("picture")) + ".jpg");
}

TEST_P(ImagePoolContract, WhatWasPutCanBeRead) {
  const PoolKey key = Put("picture");
  const Result<Body> body = pool().Open(key);
  ASSERT_TRUE(body);
  EXPECT_EQ(TextOf(*body), "picture");
}

TEST_P(ImagePoolContract, PuttingTheSameAgainGivesTheSameKey) {
  EXPECT_EQ(Put("picture"), Put("picture"));
  EXPECT_NE(Put("picture"), Put("another"));
}

TEST_P(ImagePoolContract, ContainsLooksAtTheSize) {
  const PoolKey key = Put("picture");
  EXPECT_TRUE(*pool().Contains(key, 7));
  EXPECT_FALSE(*pool().Contains(key, 6));
  EXPECT_FALSE(*pool().Contains(ToHex(HashOf("none")) + ".jpg", 4));
}

TEST_P(ImagePoolContract, WhatWasRemovedIsGoneAndMayBePutAgain) {
  const PoolKey key = Put("picture");
  ASSERT_TRUE(pool().Remove(key));
  EXPECT_EQ(pool().Open(key).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(pool().Remove(key)) << "absent is no error";
  EXPECT_EQ(Put("picture"), key);
  EXPECT_TRUE(pool().Open(key));
}

TEST_P(ImagePoolContract, PublishedNamesHaveTheContent) {
  const PoolKey key = Put("picture");
  const std::string one = world_->NameFor("000001-1.jpg");
  const std::string two = world_->NameFor("000002-1.jpg");
  ASSERT_TRUE(pool().Publish(key, one));
  ASSERT_TRUE(pool().Publish(key, two));
  EXPECT_EQ(world_->Published(one), "picture");
  EXPECT_EQ(world_->Published(two), "picture");
}

TEST_P(ImagePoolContract, PublishingAgainChangesNothing) {
  const PoolKey key = Put("picture");
  const std::string name = world_->NameFor("1.jpg");
  ASSERT_TRUE(pool().Publish(key, name));
  ASSERT_TRUE(pool().Publish(key, name));
  EXPECT_EQ(world_->Published(name), "picture");
}

TEST_P(ImagePoolContract, PublishingReplacesWhatWasThere) {
  const std::string name = world_->NameFor("1.jpg");
  ASSERT_TRUE(pool().Publish(Put("old"), name));
  ASSERT_TRUE(pool().Publish(Put("new"), name));
  EXPECT_EQ(world_->Published(name), "new");
}

TEST_P(ImagePoolContract, PublishedNamesOutliveTheContent) {
  const PoolKey key = Put("picture");
  const std::string name = world_->NameFor("1.jpg");
  ASSERT_TRUE(pool().Publish(key, name));
  ASSERT_TRUE(pool().Remove(key));
  EXPECT_EQ(world_->Published(name), "picture");
}

TEST_P(ImagePoolContract, AnUnknownKeyIsNotFound) {
  for (const std::string& key :
       {ToHex(HashOf("none")) + ".jpg", std::string("x"), std::string(),
        "../../" + ToHex(HashOf("none")),
        ToHex(HashOf("none")) + "/../../etc/passwd"}) {
    EXPECT_EQ(pool().Open(key).error().code, ErrorCode::kNotFound) << key;
    EXPECT_EQ(pool().Publish(key, world_->NameFor("1")).error().code,
              ErrorCode::kNotFound)
        << key;
    EXPECT_FALSE(*pool().Contains(key, 0)) << key;
    EXPECT_TRUE(pool().Remove(key)) << key;
  }
}

TEST_P(ImagePoolContract, ManyThreadsMayPutTheSame) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 20; ++i) {
        const PoolKey key = Put("picture " + std::to_string(i));
        const Result<void> published = pool().Publish(
            key,
            world_->NameFor(std::to_string(thread) + "-" + std::to_string(i)));
        EXPECT_TRUE(published);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world_->Published(world_->NameFor("7-19")), "picture 19");
}

}  // namespace imgbatch
