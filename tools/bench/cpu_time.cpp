#include "cpu_time.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "net.hpp"

namespace sipward::bench {
namespace {

struct Process {
  pid_t pid;
  pid_t parent;
};

std::optional<pid_t> parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in brackets may hold anything; what follows the last one is: state, parent.
  const std::size_t name_end = line.rfind(')');
  pid_t parent = 0;
  if (name_end == std::string::npos || std::sscanf(line.c_str() + name_end + 1, " %*c %d", &parent) != 1) {
    return std::nullopt;
  }
  return parent;
}

std::vector<Process> all_processes() {
  std::vector<Process> processes;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || rest != name.data() + name.size()) continue;
    if (const auto parent = parent_of(pid)) processes.push_back({pid, *parent});
  }
  return processes;
}

// The process-wide clock rather than /proc: it has nanoseconds where /proc/PID/stat has ticks of 10 ms,
// and it keeps the time of threads that have ended, which /proc/PID/task/*/schedstat loses.
std::optional<std::chrono::nanoseconds> clock_of(pid_t pid) {
  clockid_t clock{};
  if (const int error = ::clock_getcpuclockid(pid, &clock); error != 0) {
    errno = error;
    return std::nullopt;
  }
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

std::chrono::nanoseconds cpu_time_of(pid_t pid) {
  const auto own = clock_of(pid);
  if (!own) fail("cannot read the processor time of process " + std::to_string(pid));
  std::chrono::nanoseconds total = *own;
  const std::vector<Process> processes = all_processes();
  std::vector<pid_t> family{pid};
  for (std::size_t i = 0; i < family.size(); ++i) {
    for (const Process& process : processes) {
      if (process.parent != family[i] || std::ranges::count(family, process.pid) != 0) continue;
      family.push_back(process.pid);
      total += clock_of(process.pid).value_or(std::chrono::nanoseconds::zero());
    }
  }
  return total;
}

}  // namespace sipward::bench
