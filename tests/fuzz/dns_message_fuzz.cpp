#include "runtime/dns_message.hpp"

#include "check.hpp"

using namespace sipward;
using namespace sipward::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = parse_srv({data, size});
  if (!answer) return 0;
  require(answer->records.size() <= kMaxSrvRecords);
  for (const auto& record : answer->records) {
    require(!record.target.empty() && record.target.size() <= 255);
    require(record.target.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos);
  }
  return 0;
}
