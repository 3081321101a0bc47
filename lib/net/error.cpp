// error: see gossamer/net/error.hpp and trouble.hpp.
#include "gossamer/net/error.hpp"

#include <cerrno>

#include "gossamer/errors.hpp"
#include "net/trouble.hpp"

namespace gossamer::inline v0::net {

namespace {

// The error of a context, as connections have it. Source: Go's mapErr.
class ended_error final : public errors::base {
 public:
  explicit ended_error(error why) noexcept : why_(std::move(why)) {}
  std::string text() const override { return sentinel().text(); }
  bool timeout() const override { return why_.timeout(); }
  error unwrap() const override { return why_; }
  bool is(const error& target) const override { return target == sentinel(); }

 private:
  const errors::sentinel& sentinel() const noexcept { return why_.timeout() ? os::deadline_exceeded : canceled; }

  error why_;
};

}  // namespace

error ending::err() const {
  error why = why_ != nullptr ? why_(of_) : error();
  return why ? error(ended_error(std::move(why))) : error(canceled);
}

error trouble::err(const ending& end) const {
  switch (why) {
    case kind::none:
      return nullptr;
    case kind::shut:
      return net::closed;
    case kind::timed_out:
      return os::deadline_exceeded;
    case kind::ended:
      return end.err();
    case kind::refused:
      return os::syscall_error(call, code);
    case kind::at_end:
      return io::eof;
    case kind::pipe_closed:
      return io::closed_pipe;
  }
  return nullptr;
}

std::string op_error::text() const {
  std::string s = op_;
  if (!network_.empty()) {
    s += " " + network_;
  }
  if (source_) {
    s += " " + source_.text();
  }
  if (address_) {
    s += (source_ ? "->" : " ") + address_.text();
  }
  return s + ": " + err_.text();
}

// Source: Go's OpError.Temporary.
bool op_error::temporary() const {
  if (const auto* s = errors::as<os::syscall_error>(err_)) {
    return s->temporary() || (op_ == "accept" && (s->code() == ECONNRESET || s->code() == ECONNABORTED));
  }
  if (const auto* d = errors::as<dns_error>(err_)) {
    return d->temporary() || d->timeout();
  }
  return err_.timeout();
}

constinit const errors::sentinel closed{"use of closed network connection"};
constinit const errors::sentinel canceled{"operation was canceled"};
constinit const errors::sentinel write_to_connected{"use of WriteTo with pre-connected connection"};

}  // namespace gossamer::inline v0::net
