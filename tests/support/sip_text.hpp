#pragma once

#include "sipward/testing/sip_text.hpp"
