#include "window.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;

TEST_CASE("what happened counts for most of the span and never longer") {
  Window window;
  const Time start = Time{} + 1000h;
  window.add(1, start, 12s);
  CHECK(window.count(start + 10999ms, 12s) == 1);
  CHECK(window.count(start + 12s, 12s) == 0);
}

TEST_CASE("there is no edge at which twice the limit goes through") {
  Window window;
  const Time start = Time{} + 1000h;
  for (int i = 0; i < 4; ++i) window.add(1, start + 11s, 12s);
  CHECK(window.count(start + 13s, 12s) == 4);
  window.add(1, start + 13s, 12s);
  CHECK(window.count(start + 13s, 12s) == 5);
}

TEST_CASE("what one part of it held can be taken back") {
  Window all;
  Window part;
  const Time start = Time{} + 1000h;
  for (int i = 0; i < 4; ++i) all.add(1, start + i * 2s, 12s), part.add(1, start + i * 2s, 12s);
  all.add(1, start + 5s, 12s);
  all.subtract(part, start + 8s, 12s);
  CHECK(all.count(start + 8s, 12s) == 1);
}

TEST_CASE("a changed span begins a new count, and a part never overflows") {
  Window window;
  const Time start = Time{} + 1000h;
  for (int i = 0; i < 70; ++i) window.add(1000, start, 12s);
  CHECK(window.count(start, 12s) == 0xFFFF);
  CHECK(window.count(start, 60s) == 0);
}
