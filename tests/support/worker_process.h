// Starts tests/support/store_worker.cc in a folder and looks at the end.
#pragma once

#include <map>
#include <string>

namespace imgbatch {

struct WorkerRun {
  std::string fault;  // What the shim is told; empty: no shim.
  std::string log;    // Where the shim logs; empty: nowhere.
  const char* threads = "1";
};

struct WorkerEnd {
  bool killed = false;
  int status = 0;
  std::string message;  // What it printed on standard error.
};

// Makes the folder when it is missing.
WorkerEnd RunWorker(const std::string& folder, const WorkerRun& run = {});

// Everything that a user looks at, by path.
std::map<std::string, std::string> ResultsOf(const std::string& folder);

// All of a file; empty when it is missing.
std::string ContentsOf(const std::string& path);

// A place where files cost little: in memory where there is one.
std::string QuickFolder();

}  // namespace imgbatch
