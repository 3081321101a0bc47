// file_behind: which file a descriptor stands for. That its number is in use says less: once it has been closed the
// next to open something gets it, as the runtime's own threads do, which read the process's limits now and then.
#pragma once

#include <sys/stat.h>

namespace support {

class file_behind {
 public:
  file_behind() = default;
  explicit file_behind(int number) { is_known_ = ::fstat(number, &it_) == 0; }

  bool is_known() const { return is_known_; }
  // Whether the number stands for this file now.
  bool is_open_as(int number) const { return *this == file_behind(number); }

  // False where neither is known.
  friend bool operator==(const file_behind& a, const file_behind& b) {
    return a.is_known_ && b.is_known_ && a.it_.st_ino == b.it_.st_ino && a.it_.st_dev == b.it_.st_dev;
  }

 private:
  struct ::stat it_{};
  bool is_known_ = false;
};

}  // namespace support
