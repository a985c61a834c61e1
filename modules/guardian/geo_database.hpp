#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "countries.hpp"
#include "sipward/net.hpp"

struct MMDB_s;

namespace sipward::guardian {

// Where an address is, as far as the databases know.
struct Place {
  Code country = kNoCode;
  Code continent = kNoCode;
  std::uint32_t network = 0;  // number of the autonomous system; 0: unknown
};

// A database in MaxMind's format, held in memory that nobody can change: what happens to its file later, when
// it is written over in place or cut short, does not reach who reads here. Immutable; safe on every worker.
class GeoDatabase {
 public:
  static constexpr std::uint64_t kMaxOctets = std::uint64_t{1} << 30;

  // Reads and checks the whole file. nullptr, and why in words, when it can't be used.
  static std::shared_ptr<const GeoDatabase> load(const std::string& path, std::string& why);
  ~GeoDatabase();
  GeoDatabase(const GeoDatabase&) = delete;
  GeoDatabase& operator=(const GeoDatabase&) = delete;

  // Adds what it knows of the address. Neither allocates nor blocks.
  void look_up(const Address& address, Place& place) const noexcept;

 private:
  explicit GeoDatabase(std::unique_ptr<MMDB_s> database);
  bool sound() const;

  std::unique_ptr<MMDB_s> database_;
};

}  // namespace sipward::guardian
