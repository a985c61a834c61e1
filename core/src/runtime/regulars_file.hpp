#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "runtime/worker_pool.hpp"
#include "sipward/log.hpp"

namespace sipward {

// Keeps what workers know of regular addresses (Sources::regulars) in a file of the state folder, so that an
// office is still known as one when the server comes back together with its phones. Trouble with the file is
// logged and stops nothing. Control thread.
class RegularsFile {
 public:
  static constexpr auto kPeriod = std::chrono::minutes(5);
  static constexpr std::size_t kMostOctets = std::size_t{16} << 20;

  RegularsFile(boost::asio::io_context& control, WorkerPool& workers, const Clock& clock, Logger& log);
  ~RegularsFile();

  // Tells the workers what the folder's file says, before they open anything, and writes it from now on.
  void start(const std::filesystem::path& folder);
  // Where it is written from now on.
  void move(const std::filesystem::path& folder) { path_ = folder / kName; }
  // Writes a last time. The workers must be running still.
  void stop();

 private:
  static constexpr const char* kName = "regulars.json";
  struct Collected;
  std::shared_ptr<Collected> collect();
  void read();
  void write(const std::string& text);
  void round();

  WorkerPool& workers_;
  const Clock& clock_;
  Logger& log_;
  boost::asio::steady_timer timer_;
  std::filesystem::path path_;
  std::shared_ptr<Collected> pending_;
  std::string written_;
  bool started_ = false;
};

}  // namespace sipward
