// os: the end of the process, signals as values, and the errors of what the system does.
// Source: Go's packages os and syscall.
#pragma once

#include <compare>
#include <iosfwd>
#include <string>

#include "detail/config.hpp"
#include "io_errors.hpp"  // IWYU pragma: export

namespace gossamer::inline v0::os {

// A signal, by its number: SIGTERM of <csignal> is one, too. Source: Go's os.Signal and syscall.Signal.
class GOSSAMER_API signal {
 public:
  constexpr signal() noexcept = default;  // none: number 0
  constexpr signal(int number) noexcept : number_(number) {}

  constexpr int number() const noexcept { return number_; }
  // `terminated`, `interrupt`, `hangup`; `signal 35` where it has no name.
  std::string text() const;

  friend constexpr bool operator==(signal, signal) noexcept = default;
  friend constexpr auto operator<=>(signal, signal) noexcept = default;

 private:
  int number_ = 0;
};

// Its text().
GOSSAMER_API std::ostream& operator<<(std::ostream& to, signal s);

// The two that every system has: SIGINT and SIGKILL.
inline constexpr signal interrupt{2};
inline constexpr signal kill{9};

// Ends the process at once, with this code (the lowest eight bits of it). No deferred call, destructor or exit handler
// runs, neither the caller's nor another's, and nothing is waited for. What stands in stdout's buffer is written,
// unless another thread is in the middle of writing; what else is buffered is lost: std::exit() is for that (see
// runtime.hpp). From any fiber or thread.
[[noreturn]] GOSSAMER_API void exit(int code) noexcept;

}  // namespace gossamer::inline v0::os
