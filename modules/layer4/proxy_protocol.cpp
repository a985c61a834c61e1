#include "proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "address_matcher.hpp"
#include "proxy_header.hpp"
#include "sipward/byte_stream.hpp"

namespace sipward::layer4 {
namespace {

// Takes the header off, and is no longer needed then.
class HeaderStream final : public ByteStream {
 public:
  HeaderStream(std::unique_ptr<ByteStream> below, StreamInfo& info) : below_(std::move(below)), info_(info) {}

  Result handshake() override {
    for (;;) {
      // Never beyond its end: what follows is for those above.
      std::array<char, 256> part;
      const auto result = below_->read(std::span(part).first(std::min(needs_, part.size())));
      if (result.status != Status::ok) return result;
      octets_.append(part.data(), result.octets);
      const auto header = read_proxy_header(octets_);
      if (header.state == ProxyHeader::State::broken) {
        Result fault;
        fault.status = Status::error;
        fault.fault = "proxy_header";
        return fault;
      }
      needs_ = header.needs;
      if (header.state == ProxyHeader::State::need_more) continue;
      if (header.remote) info_.source.remote = *header.remote;
      if (header.local) info_.source.local = *header.local;
      return {};
    }
  }
  Result read(std::span<char> into) override { return below_->read(into); }
  Result write(std::string_view octets) override { return below_->write(octets); }
  void wait(Wait what, Ready ready) override { below_->wait(what, std::move(ready)); }
  void shutdown() override { below_->shutdown(); }
  void close() override {
    if (below_) below_->close();
  }
  std::unique_ptr<ByteStream> unwrap() override { return std::move(below_); }
  std::size_t memory() const override { return octets_.capacity() + (below_ ? below_->memory() : 0); }

 private:
  std::unique_ptr<ByteStream> below_;
  StreamInfo& info_;
  std::string octets_;
  std::size_t needs_ = 15;  // the shortest that there is
};

}  // namespace

std::vector<Cidr> read_proxy_protocol(const config::Node& node, config::Errors& errors) {
  std::vector<Cidr> allow;
  config::Reader r(node, errors);
  r.values("allow", "addresses, networks such as 192.0.2.0/24, or private_ranges",
           [&](const config::Arg& arg) { return add_networks(arg, allow); });
  r.finish();
  if (allow.empty())
    errors.warn(node.position, "proxy_protocol without allow believes nobody; name your balancers");
  return allow;
}

bool ProxyProtocol::relays(const Source& source) const {
  return std::any_of(allow_.begin(), allow_.end(),
                     [&](const Cidr& network) { return network.contains(source.remote.address); });
}

std::unique_ptr<ByteStream> ProxyProtocol::wrap(Worker&, std::unique_ptr<ByteStream> below,
                                                StreamInfo& info) const {
  if (!relays(info.source)) return below;
  return std::make_unique<HeaderStream>(std::move(below), info);
}

}  // namespace sipward::layer4
