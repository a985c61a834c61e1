#include "sipward/published.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace sipward;

TEST_CASE("a reader sees what was published last, and lets go of what was before") {
  Published<int> published;
  Published<int>::Reader reader(published);
  CHECK(reader.get() == nullptr);
  auto first = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watch = first;
  published.publish(std::move(first));
  CHECK(*reader.get() == 1);
  published.publish(std::make_shared<const int>(2));
  CHECK_FALSE(watch.expired());  // the reader has not looked yet
  CHECK(*reader.get() == 2);
  CHECK(watch.expired());
  CHECK(*published.snapshot() == 2);
  published.publish(nullptr);
  CHECK(reader.get() == nullptr);
}

TEST_CASE("readers of many threads never see an older value again") {
  Published<int> published(std::make_shared<const int>(0));
  std::atomic<bool> fine{true};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      Published<int>::Reader reader(published);
      for (int last = 0; last < 2000;) {
        const int now = *reader.get();
        if (now < last) fine = false;
        last = now;
      }
    });
  for (int i = 1; i <= 2000; ++i) published.publish(std::make_shared<const int>(i));
  for (auto& thread : readers) thread.join();
  CHECK(fine);
}
