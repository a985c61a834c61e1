#pragma once

#include "guardian.hpp"

namespace sipward::guardian {

// GET bans/export?format=json|csv: every ban, oldest first, at most `limit` after the cursor `after`. Where
// to go on is "after" in JSON, and the header X-After in both.
void export_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response);

// POST bans/import with a body as export gives it, or a part of one; columns and members that are not known
// are passed over. Each ban is judged by itself: what may not be banned is refused and named in the answer,
// the rest holds. Returns when it is stored.
void import_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response);

}  // namespace sipward::guardian
