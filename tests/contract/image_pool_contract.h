// What every implementation of ImagePool must do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/image_pool.h"

namespace imgbatch {

// An empty pool and what was published from it.
class PoolWorld {
 public:
  virtual ~PoolWorld() = default;
  virtual ImagePool& pool() = 0;
  // A name to publish under, and what is there; empty: nothing.
  virtual std::string NameFor(const std::string& name) = 0;
  virtual std::string Published(const std::string& path) = 0;
};

class ImagePoolContract
    : public testing::TestWithParam<std::unique_ptr<PoolWorld> (*)()> {
 protected:
  void SetUp() override { world_ = GetParam()(); }
  ImagePool& pool() { return world_->pool(); }
  PoolKey Put(const std::string& text);

  std::unique_ptr<PoolWorld> world_;
};

}  // namespace imgbatch
