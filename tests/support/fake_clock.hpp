#pragma once

#include "sipward/testing/fake_clock.hpp"
