// signal_chain: handlers of ours stand before those that a program has set.
#pragma once

#include <signal.h>

namespace gossamer::inline v0::base {

inline bool is_default(const struct sigaction& a) noexcept {
  return (a.sa_flags & SA_SIGINFO) == 0 && a.sa_handler == SIG_DFL;
}

inline bool is_ignored(const struct sigaction& a) noexcept {
  return (a.sa_flags & SA_SIGINFO) == 0 && a.sa_handler == SIG_IGN;
}

// Calls the handler that `before` holds. False if it holds none (SIG_DFL, SIG_IGN).
inline bool pass_on(const struct sigaction& before, int signal, siginfo_t* info, void* context) noexcept {
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    return false;
  }
  return true;
}

}  // namespace gossamer::inline v0::base
