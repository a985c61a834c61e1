#include "process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "sipward/build_id.hpp"

namespace sipward::admin {
namespace {

struct ProcessStat {
  double start_ticks = 0;  // after boot
  double virtual_bytes = 0;
  double resident_pages = 0;
  double threads = 0;
};

std::string contents(const char* path) {
  std::ifstream file(path);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

// proc(5), /proc/pid/stat: the name in brackets may hold anything, so count from the last bracket.
std::optional<ProcessStat> read_stat() {
  const auto text = contents("/proc/self/stat");
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(bracket + 1));
  std::string skipped;
  ProcessStat stat;
  for (int field = 3; field < 20; ++field) rest >> skipped;
  rest >> stat.threads >> skipped >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  if (!rest) return std::nullopt;
  return stat;
}

std::optional<double> boot_time() {
  const auto text = contents("/proc/stat");
  const auto at = text.find("\nbtime ");
  if (at == std::string::npos) return std::nullopt;
  std::istringstream number(text.substr(at + 7));
  double seconds = 0;
  if (!(number >> seconds)) return std::nullopt;
  return seconds;
}

std::optional<double> open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (!directory) return std::nullopt;
  double count = 0;
  while (const auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the directory itself
}

}  // namespace

std::vector<MetricFamily> process_metrics() {
  std::vector<MetricFamily> families;
  const auto add = [&](std::string name, std::string help, std::string type, double number) {
    families.push_back({std::move(name), std::move(help), std::move(type), {Sample{"", "", "", number}}});
  };
  timespec cpu{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
    add("process_cpu_seconds_total", "CPU time used, in seconds.", "counter",
        static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9);
  }
  if (const auto count = open_descriptors()) {
    add("process_open_fds", "Open file descriptors.", "gauge", *count);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add("process_max_fds", "How many file descriptors may be open.", "gauge",
        static_cast<double>(limit.rlim_cur));
  }
  if (const auto stat = read_stat()) {
    add("process_resident_memory_bytes", "Resident memory.", "gauge",
        stat->resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    add("process_virtual_memory_bytes", "Virtual memory.", "gauge", stat->virtual_bytes);
    add("process_threads", "Threads of the process.", "gauge", stat->threads);
    if (const auto boot = boot_time()) {
      add("process_start_time_seconds", "When the process started, in seconds since 1970.", "gauge",
          *boot + stat->start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
    }
  }
  families.push_back({"sipward_build_info",
                      "Always 1; the label names the version.",
                      "gauge",
                      {Sample{"", "version", SIPWARD_VERSION, 1}}});
  return families;
}

}  // namespace sipward::admin
