#include "sipward/module.hpp"

#include "auth.hpp"
#include "data_handlers.hpp"
#include "handle.hpp"
#include "respond.hpp"
#include "site_server.hpp"

namespace sipward::admin {
namespace {

std::shared_ptr<Service> make_server(BuildContext& context) {
  return std::make_shared<SiteServer>(context.log, context.clock);
}

constexpr HttpFactory kHttp[] = {
    {"handle", &HandleBlock::create},
    {"handle_path", &HandleBlock::create_stripping},
    {"respond", &Respond::create},
    {"basic_auth", &BasicAuth::create},
    {"bearer_auth", &BearerAuth::create},
    {"allow_unauthenticated", &AllowUnauthenticated::create},
    {"sip_guardian_admin", &GuardianAdmin::create},
    {"metrics", &MetricsPage::create},
    {"sip_guardian_metrics", &MetricsPage::create},
};
constexpr ServiceFactory kServices[] = {{"http_server/1", &make_server}};

}  // namespace
}  // namespace sipward::admin

SIPWARD_MODULE("admin", SIPWARD_VERSION, sipward::admin::kHttp, sipward::admin::kServices);
