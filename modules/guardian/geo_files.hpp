#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "geo_database.hpp"
#include "sipward/build_context.hpp"
#include "sipward/log.hpp"
#include "sipward/published.hpp"
#include "sipward/services.hpp"

namespace sipward::guardian {

// One file, and the last database that could be read from it: none until one could.
class GeoFile {
 public:
  explicit GeoFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  const Published<GeoDatabase>& database() const { return database_; }
  // Whether the file is as good as what is used: false while it is missing or damaged. Any thread.
  bool up() const { return up_.load(std::memory_order_relaxed); }

 private:
  friend class GeoFiles;
  // What tells one state of a file from another.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  // Reads the file as it is now; an empty text when that went well.
  std::string read();
  static Stamp stamp(const std::string& path);

  std::string path_;
  Published<GeoDatabase> database_;
  std::atomic<bool> up_ = false;
  Stamp tried_, seen_;  // these two and what follows with the lock of GeoFiles
  std::string fault_;   // what was said of it last
  std::vector<std::shared_ptr<const GeoDatabase>> old_;  // a worker must not be the one to end it
};

// All database files of the process, watched by one thread: the service "sip_guardian/geoip_files". A file
// that changes is read once it has been left alone from one look to the next. Gauge sip_guardian_geoip_up.
class GeoFiles final : public Service {
 public:
  static constexpr std::chrono::seconds kEvery{2};

  static std::shared_ptr<GeoFiles> get(BuildContext& context);
  explicit GeoFiles(Logger& log) : log_(log) {}
  ~GeoFiles() override;

  // The file of that path, read anew when it is not known to be up. `why` says why it is not; empty: it is.
  std::shared_ptr<GeoFile> open(const std::string& path, std::string& why);
  // Looks at every file once.
  void look();
  bool up() const;

  void start() override;
  void stop(Time deadline) override;

 private:
  void read(GeoFile& file);

  Logger& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::weak_ptr<GeoFile>> files_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sipward::guardian
