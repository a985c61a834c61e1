#include <algorithm>
#include <cstdint>
#include <string>

#include "check.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/message.hpp"

using namespace sipward;
using namespace sipward::fuzz;
using What = sip::Framer::What;

namespace {

// The events of a stream of which `step` octets arrive at a time.
std::string events(std::string_view stream, std::size_t step) {
  sip::Framer framer;
  std::string log;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (true) {
    const auto r = framer.next(stream.substr(begin, end - begin));
    if (r.what == What::need_more) {
      if (end == stream.size()) return log;
      end = std::min(stream.size(), end + step);
      continue;
    }
    require(r.size <= end - begin);
    if (r.what == What::error) return log + "e" + std::to_string(static_cast<int>(r.error));
    require(r.size > 0);
    if (r.what == What::message) {
      sip::Message m;
      m.parse(stream.substr(begin, r.size), sip::Framing::stream);
      require(m.framed() && m.octets().size() == r.size);
      log += "m" + std::to_string(begin) + "+" + std::to_string(r.size);
    } else if (r.what == What::ping) {
      log += "p";
    }
    begin += r.size;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const std::string whole = events(stream, size + 1);
  require(events(stream, 1) == whole);
  require(events(stream, 5) == whole);
  return 0;
}
