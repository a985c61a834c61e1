#include "sipward/sip/edit.hpp"

#include <algorithm>

namespace sipward::sip {

void Edit::begin(const Message& message) {
  message_ = &message;
  patches_.clear();
  text_.clear();
}

void Edit::add(const char* at, std::size_t length, std::string_view with) {
  if (length == 0 && with.empty()) return;
  const auto offset = static_cast<std::size_t>(at - message_->octets().data());
  patches_.push_back({offset, length, text_.size(), with.size()});
  text_.append(with);
}

void Edit::replace(std::string_view part, std::string_view with) {
  add(part.data(), part.size(), with);
}

void Edit::insert_before(std::string_view part, std::string_view text) {
  add(part.data(), 0, text);
}

void Edit::insert_after(std::string_view part, std::string_view text) {
  add(part.data() + part.size(), 0, text);
}

void Edit::put_first(std::string_view lines) {
  if (!message_->headers().empty()) insert_before(message_->headers().front().line, lines);
}

void Edit::remove_all(HeaderId id) {
  message_->for_each(id, [&](const Header& h) { remove(h.line); });
}

void Edit::write(std::string& out) {
  // Few, and nearly in order. What is put in front of a part comes before what becomes of the part.
  const auto before = [](const Patch& a, const Patch& b) {
    return a.at != b.at ? a.at < b.at : (a.length == 0) > (b.length == 0);
  };
  for (std::size_t i = 1; i < patches_.size(); ++i) {
    const auto patch = patches_[i];
    auto j = i;
    for (; j > 0 && before(patch, patches_[j - 1]); --j) patches_[j] = patches_[j - 1];
    patches_[j] = patch;
  }
  const auto from = message_->octets();
  out.clear();
  std::size_t done = 0;
  for (const auto& patch : patches_) {
    if (patch.at < done) {  // inside what went already
      done = std::max(done, patch.at + patch.length);
      continue;
    }
    out.append(from.substr(done, patch.at - done));
    out.append(text_, patch.text, patch.text_size);
    done = patch.at + patch.length;
  }
  out.append(from.substr(done));
}

}  // namespace sipward::sip
