// process_state: see gossamer/os/process_state.hpp.
#include "gossamer/os/process_state.hpp"

#include <sys/wait.h>

#include <chrono>
#include <ostream>

#include "gossamer/detail/text.hpp"

namespace gossamer::inline v0::os {

namespace {

std::chrono::nanoseconds duration_of(const ::timeval& t) noexcept {
  return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
}

}  // namespace

bool process_state::exited() const noexcept { return WIFEXITED(status_); }

int process_state::exit_code() const noexcept { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

signal process_state::signal() const noexcept { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }

std::chrono::nanoseconds process_state::user_time() const noexcept { return duration_of(usage_.ru_utime); }

std::chrono::nanoseconds process_state::system_time() const noexcept { return duration_of(usage_.ru_stime); }

std::string process_state::text() const {
  std::string text = WIFEXITED(status_) ? "exit status " : "signal: ";
  if (WIFEXITED(status_)) {
    detail::append_signed(text, WEXITSTATUS(status_));
  } else {
    text += signal().text();
  }
  return text + (WCOREDUMP(status_) ? " (core dumped)" : "");
}

std::ostream& operator<<(std::ostream& to, const process_state& s) { return to << s.text(); }

}  // namespace gossamer::inline v0::os
