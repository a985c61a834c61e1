#include "file_system.hpp"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace sipward::guardian {

bool is_network_file_system(std::uint64_t magic) {
  static constexpr std::array<std::uint64_t, 16> kNetwork = {
      0x6969,      // NFS
      0x517B,      // SMB
      0xFE534D42,  // SMB2
      0xFF534D42,  // CIFS
      0x00C36400,  // CEPH
      0x65735546,  // FUSE: GlusterFS, sshfs, s3fs …
      0x01021997,  // 9P
      0x5346414F,  // AFS
      0x6B414653,  // kAFS
      0x73757245,  // Coda
      0x564C,      // NCP
      0x01161970,  // GFS2
      0x7461636F,  // OCFS2
      0x0BD00BD0,  // Lustre
      0x786F4256,  // VirtualBox shared folder
      0x19830326,  // FhGFS, BeeGFS
  };
  // f_type is signed on some machines.
  return std::find(kNetwork.begin(), kNetwork.end(), magic & 0xFFFFFFFF) != kNetwork.end();
}

std::uint64_t file_system_of(const std::string& path) {
  struct statfs status {};
  if (::statfs(path.c_str(), &status) == 0) return static_cast<std::uint64_t>(status.f_type);
  const auto folder = std::filesystem::path(path).parent_path();
  if (::statfs(folder.empty() ? "." : folder.c_str(), &status) == 0)
    return static_cast<std::uint64_t>(status.f_type);
  return 0;
}

}  // namespace sipward::guardian
