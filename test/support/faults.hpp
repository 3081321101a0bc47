// faults: system calls that fail when a test wants them to. The linker puts them in front of the C library's (--wrap).
#pragma once

#include <cstddef>

namespace support {

enum class call : std::size_t { recv, send, sendmsg, recvfrom, sendto, accept4, connect, count };

// How many calls of that kind there have been.
long calls_of(call which) noexcept;

// While it lives the first call of that kind, and every n-th after it, fails with that errno; at most `most` of them,
// if it is not 0. One at a time for each kind.
class fault {
 public:
  fault(call which, int code, int every = 1, int most = 0) noexcept;
  fault(const fault&) = delete;
  fault& operator=(const fault&) = delete;
  ~fault();
  // How often it has struck.
  int struck() const noexcept;

 private:
  call which_;
};

// While it lives no name is resolved: getaddrinfo and getnameinfo do not return.
class hanging_names {
 public:
  hanging_names() noexcept;
  hanging_names(const hanging_names&) = delete;
  hanging_names& operator=(const hanging_names&) = delete;
  ~hanging_names();
  static int hanging() noexcept;
};

// While it lives that is the name of every address; or getnameinfo fails so (EAI_..., errno). One at a time.
class named_so {
 public:
  explicit named_so(const char* name) noexcept;
  explicit named_so(int problem, int code = 0) noexcept;
  named_so(const named_so&) = delete;
  named_so& operator=(const named_so&) = delete;
  ~named_so();
};

}  // namespace support
