// without_sigpipe: while it lives a write to a closed pipe is an error, and no signal to this thread.
#pragma once

#include <signal.h>

#include <cerrno>
#include <ctime>

namespace gossamer::inline v0::base {

// Where the signal is blocked anyway, as on workers, it stays pending. The caller does not park meanwhile.
class without_sigpipe {
 public:
  without_sigpipe() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  without_sigpipe(const without_sigpipe&) = delete;
  without_sigpipe& operator=(const without_sigpipe&) = delete;
  ~without_sigpipe() {
    if (::sigismember(&before_, SIGPIPE) == 1) {
      return;
    }
    const int saved = errno;
    const timespec at_once{};
    while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace gossamer::inline v0::base
