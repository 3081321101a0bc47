// signals: how tests send signals, and what the process does with them.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cstdint>
#include <thread>

namespace support {

inline void unblock(int number) {
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

// Sends it to the process; when it returns its handler has run. From a thread of its own that does not block it.
inline void raise_now(int number) {
  std::thread([number] {
    unblock(number);
    ::raise(number);
  }).join();
}

// doctest does not print pointers to functions.
using handler = void (*)(int);
inline std::uintptr_t id(handler h) { return reinterpret_cast<std::uintptr_t>(h); }
inline const std::uintptr_t standard = id(SIG_DFL);

inline std::uintptr_t handler_of(int number) {
  struct sigaction now{};
  ::sigaction(number, nullptr, &now);
  return id(now.sa_handler);
}

inline struct sigaction calls(handler plain) {
  struct sigaction action{};
  action.sa_handler = plain;
  return action;
}

inline struct sigaction calls(void (*with_info)(int, siginfo_t*, void*)) {
  struct sigaction action{};
  action.sa_sigaction = with_info;
  action.sa_flags = SA_SIGINFO;
  return action;
}

// What a signal does, for a while.
struct installed {
  installed(int n, const struct sigaction& action) : number(n) { ::sigaction(number, &action, &before); }
  installed(int n, handler h) : installed(n, calls(h)) {}
  installed(const installed&) = delete;
  installed& operator=(const installed&) = delete;
  ~installed() { ::sigaction(number, &before, nullptr); }
  int number;
  struct sigaction before{};
};

}  // namespace support
