// crash_output: the file that gets the last report, too. See gossamer/debug.hpp; base/fatal.hpp writes to it.
#include <unistd.h>

#include "base/fatal.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/os/file.hpp"
#include "os/file_core.hpp"

namespace gossamer::inline v0::debug {

namespace {

void exchange(int number) noexcept {
  // A report that has begun may be writing to the one before, which then stays open.
  if (const int before = base::set_crash_output(number); before >= 0 && !base::report_has_begun()) {
    ::close(before);
  }
}

}  // namespace

error set_crash_output(const os::file& to, crash_options) {
  os::file_core* const core = os::file_access::core(to);
  if (core == nullptr) {
    return set_crash_output(nullptr);
  }
  net::trouble t;
  const int number = core->lend(0, t);
  if (t) {
    return core->fail("dup", t);
  }
  exchange(number);
  return nullptr;
}

error set_crash_output(std::nullptr_t, crash_options) {
  exchange(-1);
  return nullptr;
}

}  // namespace gossamer::inline v0::debug
