// faults: see faults.hpp.
#include "faults.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

namespace support {

namespace {

struct plan {
  std::atomic<int> code{0};  // 0: none
  std::atomic<int> every{1};
  std::atomic<int> most{0};
  std::atomic<int> calls{0};
  std::atomic<int> struck{0};
  std::atomic<long> all{0};
};
std::array<plan, static_cast<std::size_t>(call::count)> plans;

plan& plan_of(call which) noexcept { return plans[static_cast<std::size_t>(which)]; }

std::atomic<bool> names_hang{false};
std::atomic<int> hang{0};

// What named_so says; not set: nothing.
std::atomic<bool> names_are_set{false};
std::atomic<const char*> set_name{nullptr};
std::atomic<int> set_problem{0};
std::atomic<int> set_code{0};

// The thread sanitizer must not see it: errno is the worker's, and fibers that run there are no order for it.
[[gnu::noinline, gnu::no_sanitize_thread]] void set_errno(int code) noexcept { errno = code; }

// Whether this call is to fail; then errno is set.
bool strikes(call which) noexcept {
  plan& p = plan_of(which);
  ++p.all;
  const int code = p.code;
  if (code == 0 || p.calls++ % p.every != 0) {
    return false;
  }
  if (const int most = p.most; most != 0 && p.struck >= most) {
    return false;
  }
  ++p.struck;
  set_errno(code);
  return true;
}

}  // namespace

long calls_of(call which) noexcept { return plan_of(which).all; }

fault::fault(call which, int code, int every, int most) noexcept : which_(which) {
  plan& p = plan_of(which);
  p.every = every;
  p.most = most;
  p.calls = 0;
  p.struck = 0;
  p.code = code;
}

fault::~fault() { plan_of(which_).code = 0; }

int fault::struck() const noexcept { return plan_of(which_).struck; }

hanging_names::hanging_names() noexcept { names_hang = true; }

hanging_names::~hanging_names() {
  names_hang = false;
  while (hang != 0) {
    ::usleep(1000);
  }
}

int hanging_names::hanging() noexcept { return hang; }

named_so::named_so(const char* name) noexcept {
  set_name = name;
  set_problem = 0;
  names_are_set = true;
}

named_so::named_so(int problem, int code) noexcept {
  set_problem = problem;
  set_code = code;
  names_are_set = true;
}

named_so::~named_so() { names_are_set = false; }

// Returns when names do not hang any more.
static void hang_with_names() noexcept {
  if (names_hang) {
    ++hang;
    while (names_hang) {
      ::usleep(1000);
    }
    --hang;
  }
}

// Whether it is set what getnameinfo says.
static bool is_answered(char* host, socklen_t size, int& problem) noexcept {
  if (!names_are_set) {
    return false;
  }
  problem = set_problem;
  if (problem != 0) {
    set_errno(set_code);
  } else {
    std::snprintf(host, size, "%s", set_name.load());
  }
  return true;
}

}  // namespace support

// What the linker calls instead; the real ones have these names.
extern "C" {

using support::call;
using support::strikes;

ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_send(int, const void*, size_t, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __real_recvfrom(int, void*, size_t, int, sockaddr*, socklen_t*);
ssize_t __real_sendto(int, const void*, size_t, int, const sockaddr*, socklen_t);
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**);
int __real_getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);

[[gnu::used]] ssize_t __wrap_recv(int fd, void* to, size_t n, int flags) {
  return strikes(call::recv) ? -1 : __real_recv(fd, to, n, flags);
}
[[gnu::used]] ssize_t __wrap_send(int fd, const void* from, size_t n, int flags) {
  return strikes(call::send) ? -1 : __real_send(fd, from, n, flags);
}
[[gnu::used]] ssize_t __wrap_sendmsg(int fd, const msghdr* m, int flags) {
  return strikes(call::sendmsg) ? -1 : __real_sendmsg(fd, m, flags);
}
[[gnu::used]] ssize_t __wrap_recvfrom(int fd, void* to, size_t n, int flags, sockaddr* a, socklen_t* size) {
  return strikes(call::recvfrom) ? -1 : __real_recvfrom(fd, to, n, flags, a, size);
}
[[gnu::used]] ssize_t __wrap_sendto(int fd, const void* from, size_t n, int flags, const sockaddr* a, socklen_t size) {
  return strikes(call::sendto) ? -1 : __real_sendto(fd, from, n, flags, a, size);
}
[[gnu::used]] int __wrap_accept4(int fd, sockaddr* a, socklen_t* size, int flags) {
  return strikes(call::accept4) ? -1 : __real_accept4(fd, a, size, flags);
}
[[gnu::used]] int __wrap_connect(int fd, const sockaddr* a, socklen_t size) {
  return strikes(call::connect) ? -1 : __real_connect(fd, a, size);
}
[[gnu::used]] int __wrap_getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  support::hang_with_names();
  return __real_getaddrinfo(node, service, hints, found);
}
[[gnu::used]] int __wrap_getnameinfo(const sockaddr* a, socklen_t size, char* host, socklen_t host_size, char* service,
                                     socklen_t service_size, int flags) {
  support::hang_with_names();
  int problem = 0;
  return support::is_answered(host, host_size, problem)
             ? problem
             : __real_getnameinfo(a, size, host, host_size, service, service_size, flags);
}

}  // extern "C"
