// inquiry: see inquiry.hpp.
#include "net/inquiry.hpp"

#include <netdb.h>

namespace gossamer::inline v0::net {

constinit const errors::sentinel no_such_host{"no such host"};

error dns_failure(const char* call, std::string name, const refusal& why, const error& nothing_found) {
  if (why.problem == EAI_SYSTEM) {
    return dns_error(std::move(name), os::syscall_error(call, why.code), false, true);
  }
  if (why.problem == 0 || why.problem == EAI_NONAME || why.problem == EAI_SERVICE || why.problem == EAI_NODATA ||
      why.problem == EAI_ADDRFAMILY) {
    return dns_error(std::move(name), nothing_found, true, false);
  }
  struct plain final : errors::base {
    explicit plain(int problem) noexcept : why(::gai_strerror(problem)) {}
    std::string text() const override { return why; }
    const char* why;
  };
  return dns_error(std::move(name), plain(why.problem), false, why.problem == EAI_AGAIN);
}

trouble over_already(const limits& l) noexcept {
  using kind = trouble::kind;
  return {l.end.stop().is_set() ? kind::ended : detail::now() >= l.until ? kind::timed_out : kind::none};
}

}  // namespace gossamer::inline v0::net
