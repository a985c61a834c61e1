#pragma once

#include "sipward/testing/fake_host.hpp"
