// One claimed image on its way through the conductor. Private to its sources.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/conductor.h"
#include "core/url.h"

namespace imgbatch {

// One claimed image on its way.
struct Conductor::Flight {
  enum class Stage : uint8_t {
    kParked,
    kFetching,
    kLooking,
    kSharing,  // Waits for another flight that converts the same content.
    kConverting,
    kKeeping
  };

  Ticket ticket = 0;
  Claim claim;
  Plan* plan = nullptr;
  Url url;  // What is fetched now: the claim's, or where it was redirected to.
  int hops = 0;
  Stage stage = Stage::kParked;
  bool conditional = false;
  uint64_t downloaded = 0;
  HttpResponse response;  // Its body until it is converted.
  uint64_t source_bytes = 0;
  DoneHow how = DoneHow::kRecompressed;
  std::string reason;
  std::vector<Ticket> sharers;

  ContentId content() const { return {plan->fingerprint, response.body_hash}; }
};

}  // namespace imgbatch
