#include "runtime/regulars_file.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <system_error>
#include <vector>

#include "sipward/sources.hpp"

namespace sipward {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

}  // namespace

// What the workers told so far.
struct RegularsFile::Collected {
  explicit Collected(std::size_t workers) : missing(workers) {}
  std::mutex mutex;
  json::array regulars;
  std::size_t missing;
  std::promise<void> done;
  std::future<void> all = done.get_future();
};

RegularsFile::RegularsFile(boost::asio::io_context& control, WorkerPool& workers, const Clock& clock,
                           Logger& log)
    : workers_(workers), clock_(clock), log_(log), timer_(control) {}

RegularsFile::~RegularsFile() = default;

void RegularsFile::start(const std::filesystem::path& folder) {
  move(folder);
  started_ = true;
  read();
  round();
}

void RegularsFile::stop() {
  timer_.cancel();
  if (!std::exchange(started_, false)) return;
  const auto last = collect();
  // A worker that hangs must not hold the stop up.
  if (last->all.wait_for(seconds(1)) == std::future_status::ready) write(json::serialize(last->regulars));
}

std::shared_ptr<RegularsFile::Collected> RegularsFile::collect() {
  auto collected = std::make_shared<Collected>(workers_.count());
  workers_.post_all([collected, &clock = clock_](Worker& worker) {
    json::array mine;
    worker.sources().for_each_regular(worker.now(),
                                      [&](const Address& address, std::size_t most, Time until) {
                                        mine.push_back({{"address", address.to_string()},
                                                        {"registrations", most},
                                                        {"until", unix_seconds(clock.wall(until))}});
                                      });
    const std::lock_guard lock(collected->mutex);
    for (auto& regular : mine) collected->regulars.push_back(std::move(regular));
    if (--collected->missing == 0) collected->done.set_value();
  });
  return collected;
}

// Asks in one round and writes in the next: nothing waits for the workers.
void RegularsFile::round() {
  if (pending_ && pending_->all.wait_for(seconds(0)) == std::future_status::ready) {
    write(json::serialize(pending_->regulars));
    pending_.reset();
  }
  if (!pending_) pending_ = collect();
  timer_.expires_after(kPeriod);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) round();
  });
}

void RegularsFile::read() {
  std::error_code error;
  const auto size = std::filesystem::file_size(path_, error);
  if (error) return;  // there is none yet
  std::ifstream file(path_, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  boost::system::error_code broken;
  const auto document = size > kMostOctets ? json::value() : json::parse(text, broken);
  const auto* regulars = broken ? nullptr : document.if_array();
  if (!file || !regulars)
    return log_.warn("core", "what is known of regular addresses can't be read, and is begun anew",
                     {{"file", path_.string()}});
  const auto now = clock_.now();
  const auto wall = clock_.wall();
  for (const auto& item : *regulars) {
    const auto* regular = item.if_object();
    const auto* address = regular ? regular->if_contains("address") : nullptr;
    const auto* most = regular ? regular->if_contains("registrations") : nullptr;
    const auto* until = regular ? regular->if_contains("until") : nullptr;
    if (!address || !most || !until || !address->is_string() || !most->is_int64() || !until->is_int64())
      continue;
    const auto parsed = Address::parse(address->get_string());
    const auto left = until->get_int64() - unix_seconds(wall);
    if (!parsed || most->get_int64() <= 0 || left <= 0 ||
        left > seconds(std::chrono::hours(24 * 366)).count())
      continue;
    workers_.post(workers_.owner(*parsed), [a = *parsed, n = static_cast<std::size_t>(most->get_int64()),
                                            expires = now + seconds(left)](Worker& worker) {
      worker.sources().restore_regular(a, n, expires, worker.now());
    });
  }
  written_ = std::move(text);
}

void RegularsFile::write(const std::string& text) {
  if (text == written_ || (text == "[]" && written_.empty())) return;
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  auto fresh = path_;
  fresh += ".new";
  {
    std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(fresh, path_, error);
  if (error)
    return log_.warn("core", "what is known of regular addresses can't be written",
                     {{"file", path_.string()}, {"why", error.message()}});
  written_ = text;
}

}  // namespace sipward
