#include <charconv>

#include "sipward/net.hpp"

namespace sipward {
namespace {

std::optional<unsigned> prefix_length(std::string_view digits) {
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return bits;
}

}  // namespace

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto written = text.substr(0, slash);
  const auto address = Address::parse(written);
  if (!address) return std::nullopt;
  const bool v4 = address->is_v4();
  const unsigned longest = v4 ? 32 : 128;
  if (slash == std::string_view::npos) return Cidr{*address, longest};

  auto bits = prefix_length(text.substr(slash + 1));
  if (!bits) return std::nullopt;
  if (v4 && written.find(':') != std::string_view::npos) {
    // ::ffff:10.0.0.0/104 counts from the left of the IPv6 form; shorter than /96 it would be no IPv4
    // network.
    if (*bits < 96 || *bits > 128) return std::nullopt;
    bits = *bits - 96;
  }
  if (*bits > longest) return std::nullopt;
  return Cidr{address->masked(*bits), *bits};
}

bool Cidr::contains(const Address& address) const {
  return address.is_v4() == base.is_v4() && address.masked(bits) == base;
}

std::string Cidr::to_string() const {
  if (bits == (base.is_v4() ? 32U : 128U)) return base.to_string();
  return base.to_string() + "/" + std::to_string(bits);
}

}  // namespace sipward
