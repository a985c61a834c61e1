#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::guardian {

// Texts that many bans share, each kept once while somebody uses it. Number 0 is what stands for all that had
// no room.
class BanTexts {
 public:
  BanTexts() { all_.push_back({by_text_.emplace("other", 0).first, 1}); }
  BanTexts(const BanTexts&) = delete;
  BanTexts& operator=(const BanTexts&) = delete;

  std::uint16_t use(std::string_view text) {
    auto found = by_text_.find(text);
    if (found == by_text_.end()) {
      if (free_.empty() && all_.size() > kMost) return use(all_[0].text->first);
      const auto number = free_.empty() ? static_cast<std::uint16_t>(all_.size()) : free_.back();
      found = by_text_.emplace(text, number).first;
      if (free_.empty())
        all_.push_back({found, 0});
      else
        free_.pop_back(), all_[number] = {found, 0};
    }
    ++all_[found->second].uses;
    return found->second;
  }
  void done(std::uint16_t number) {
    auto& entry = all_[number];
    if (--entry.uses != 0) return;
    by_text_.erase(entry.text);
    free_.push_back(number);
  }
  const std::string& operator[](std::uint16_t number) const { return all_[number].text->first; }

 private:
  static constexpr std::size_t kMost = 4'095;
  using ByText = std::map<std::string, std::uint16_t, std::less<>>;
  struct Entry {
    ByText::iterator text;
    std::uint32_t uses;
  };
  ByText by_text_;
  std::vector<Entry> all_;
  std::vector<std::uint16_t> free_;
};

}  // namespace sipward::guardian
