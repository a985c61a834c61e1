#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sipward::test {

enum class KeyType { ecdsa, rsa };

// A certificate with its key, in PEM form.
struct Certificate {
  std::string certificate, key;
};

// Signed by `issuer`, or by itself. The first name is the subject's; all are in the list of DNS names.
Certificate make_certificate(const std::vector<std::string>& names, KeyType type = KeyType::ecdsa,
                             const Certificate* issuer = nullptr);
Certificate make_authority(const std::string& name);

// A folder of its own that ends with the test.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, const std::string& text) const;  // the path
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& root() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sipward::test
