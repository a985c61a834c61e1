#include "geo_database.hpp"

#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sipward::guardian {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

bool same(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// The whole file into memory with a descriptor. False, and why, when it can't be had as one piece.
bool copy(const std::string& path, int to, std::string& why) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat before {};
  struct stat after {};
  if (file.get() < 0 || ::fstat(file.get(), &before) != 0) return why = reason(errno), false;
  if (!S_ISREG(before.st_mode)) return why = "it is no file", false;
  if (static_cast<std::uint64_t>(before.st_size) > GeoDatabase::kMaxOctets)
    return why = "it is over 1GiB", false;
  const auto buffer = std::make_unique<char[]>(1U << 16);
  std::uint64_t total = 0;
  for (;;) {
    const auto got = ::read(file.get(), buffer.get(), 1U << 16);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return why = reason(errno), false;
    if (got == 0) break;
    total += static_cast<std::uint64_t>(got);
    if (total > GeoDatabase::kMaxOctets) return why = "it is over 1GiB", false;
    for (ssize_t at = 0; at < got;) {
      const auto put = ::write(to, buffer.get() + at, static_cast<std::size_t>(got - at));
      if (put < 0) return why = reason(errno), false;
      at += put;
    }
  }
  if (::fstat(file.get(), &after) != 0 || !same(before, after) ||
      total != static_cast<std::uint64_t>(before.st_size)) {
    return why = "it is being written", false;
  }
  return true;
}

bool text_at(MMDB_entry_s entry, const char* map, const char* key, std::string_view& out) {
  const char* const path[] = {map, key, nullptr};
  MMDB_entry_data_s data{};
  if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
      data.type != MMDB_DATA_TYPE_UTF8_STRING) {
    return false;
  }
  out = {data.utf8_string, data.data_size};
  return true;
}

}  // namespace

GeoDatabase::GeoDatabase(std::unique_ptr<MMDB_s> database) : database_(std::move(database)) {}

GeoDatabase::~GeoDatabase() {
  MMDB_close(database_.get());
}

std::shared_ptr<const GeoDatabase> GeoDatabase::load(const std::string& path, std::string& why) {
  const Descriptor memory(::memfd_create("sipward-geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory.get() < 0) return why = reason(errno), nullptr;
  if (!copy(path, memory.get(), why)) return nullptr;
  ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  // The library opens files by name only.
  const auto name = "/proc/self/fd/" + std::to_string(memory.get());
  auto database = std::make_unique<MMDB_s>();
  if (const int status = MMDB_open(name.c_str(), MMDB_MODE_MMAP, database.get()); status != MMDB_SUCCESS) {
    return why = std::string("it is damaged, or no such database: ") + MMDB_strerror(status), nullptr;
  }
  std::shared_ptr<const GeoDatabase> made(new GeoDatabase(std::move(database)));
  if (!made->sound()) return why = "it is damaged: its tree leads nowhere", nullptr;
  return made;
}

// Every branch leads to a branch, to a place inside the data, or says that nothing is known.
bool GeoDatabase::sound() const {
  const auto good = [](std::uint8_t type) {
    return type == MMDB_RECORD_TYPE_SEARCH_NODE || type == MMDB_RECORD_TYPE_EMPTY ||
           type == MMDB_RECORD_TYPE_DATA;
  };
  const auto ip = database_->metadata.ip_version;
  if (ip != 4 && ip != 6) return false;
  for (std::uint32_t i = 0; i < database_->metadata.node_count; ++i) {
    MMDB_search_node_s node{};
    if (MMDB_read_node(database_.get(), i, &node) != MMDB_SUCCESS || !good(node.left_record_type) ||
        !good(node.right_record_type)) {
      return false;
    }
  }
  return true;
}

void GeoDatabase::look_up(const Address& address, Place& place) const noexcept {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const sockaddr* name = nullptr;
  if (address.is_v4()) {
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(address.v4_value());
    name = reinterpret_cast<const sockaddr*>(&v4);
  } else {
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.octets().data(), address.octets().size());
    name = reinterpret_cast<const sockaddr*>(&v6);
  }
  int error = MMDB_SUCCESS;
  const auto found = MMDB_lookup_sockaddr(database_.get(), name, &error);
  if (error != MMDB_SUCCESS || !found.found_entry) return;
  std::string_view text;
  if (text_at(found.entry, "country", "iso_code", text) ||
      text_at(found.entry, "registered_country", "iso_code", text)) {
    if (const auto code = code_of(text); code != kNoCode) place.country = code;
  }
  if (text_at(found.entry, "continent", "code", text)) {
    if (const auto code = code_of(text); code != kNoCode) place.continent = code;
  }
  const char* const path[] = {"autonomous_system_number", nullptr};
  MMDB_entry_data_s data{};
  auto entry = found.entry;
  if (MMDB_aget_value(&entry, &data, path) == MMDB_SUCCESS && data.has_data &&
      data.type == MMDB_DATA_TYPE_UINT32) {
    place.network = data.uint32;
  }
}

}  // namespace sipward::guardian
