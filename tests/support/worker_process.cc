#include "tests/support/worker_process.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace imgbatch {

namespace fs = std::filesystem;

WorkerEnd RunWorker(const std::string& folder, const WorkerRun& run) {
  fs::create_directories(folder);
  std::ofstream(folder + "/input.csv") << "S. No.,Input Image Urls\n1,x\n";
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) return {false, 127, "no pipe"};
  const pid_t child = fork();
  if (child == 0) {
    dup2(errors[1], 2);
    if (!run.fault.empty() || !run.log.empty()) {
      setenv("LD_PRELOAD", IMGBATCH_FAULT_SHIM, 1);
      // AddressSanitizer minds not to be the first library.
      setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    }
    if (!run.fault.empty()) setenv("FAULT", run.fault.c_str(), 1);
    if (!run.log.empty()) setenv("FAULT_LOG", run.log.c_str(), 1);
    execl(IMGBATCH_STORE_WORKER, "store_worker", folder.c_str(), run.threads,
          nullptr);
    _exit(127);
  }
  close(errors[1]);
  WorkerEnd end;
  char buffer[4096];
  for (ssize_t size; (size = read(errors[0], buffer, sizeof buffer)) > 0;) {
    end.message.append(buffer, static_cast<size_t>(size));
  }
  close(errors[0]);
  int status = 0;
  waitpid(child, &status, 0);
  end.killed = WIFSIGNALED(status);
  end.status = WEXITSTATUS(status);
  return end;
}

std::map<std::string, std::string> ResultsOf(const std::string& folder) {
  std::map<std::string, std::string> results;
  for (const auto& entry : fs::directory_iterator(folder)) {
    results[entry.path().filename()] = "is there";
  }
  results["output.csv"] = ContentsOf(folder + "/output.csv");
  for (const auto& entry : fs::directory_iterator(folder + "/images")) {
    results["images/" + entry.path().filename().string()] =
        ContentsOf(entry.path());
  }
  return results;
}

std::string ContentsOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string QuickFolder() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                       : fs::temp_directory_path().string();
}

}  // namespace imgbatch
