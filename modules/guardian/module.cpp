#include "sipward/module.hpp"

#include "guardian.hpp"

namespace {
constexpr sipward::HandlerFactory kHandlers[] = {{"sip_guardian", &sipward::guardian::make_guardian}};
}  // namespace

SIPWARD_MODULE("guardian", "0.1.0", kHandlers);
