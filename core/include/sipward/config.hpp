#pragma once

// The configuration language for whoever reads a directive: a module's create() takes a config::Node and a
// config::Errors and reads its options with a config::Reader.
//
//   GuardianOptions read(const config::Node& node, config::Errors& errors) {
//     GuardianOptions o;
//     config::Reader r(node, errors);
//     r.text("name", o.name, config::Place::argument);
//     r.number("max_failures", o.max_failures, 1, 1'000'000);
//     r.duration("find_time", o.find_time);
//     r.block("rate_limit", [&](config::Reader& b) { b.rate("register", o.register_rate); });
//     r.finish();
//     return o;
//   }
//
// Everything here belongs to the control thread; nothing of it is used while packets are handled.

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"
#include "sipward/config/reader.hpp"
#include "sipward/config/record.hpp"
#include "sipward/config/scalars.hpp"
#include "sipward/config/sipfile.hpp"
