#include "sipward/handler.hpp"

#include "sipward/byte_stream.hpp"

namespace sipward {

Match Matcher::match_start(const StreamStart& start) const {
  (void)start;
  return Match::yes;
}

std::unique_ptr<ByteStream> Handler::wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                          StreamInfo& info) const {
  (void)worker, (void)info;
  return below;
}

void Handler::on_stream(Worker& worker, std::unique_ptr<ByteStream> stream, const StreamInfo& info) const {
  (void)worker, (void)stream, (void)info;
}

}  // namespace sipward
