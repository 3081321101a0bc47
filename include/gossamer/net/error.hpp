// net/error: what goes wrong with connections, and what ends a call before it is done.
// Source: Go's net.OpError, AddrError, ParseError, UnknownNetworkError, DNSError, ErrClosed.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "../detail/config.hpp"
#include "../detail/stop.hpp"
#include "../error.hpp"
#include "../io_errors.hpp"
#include "addr.hpp"

namespace gossamer::inline v0::net {

// The connection or listener was closed on this side. errors::is() finds it in what its operations return.
GOSSAMER_API extern const errors::sentinel closed;  // use of closed network connection
// A stop or a context ended the call.
GOSSAMER_API extern const errors::sentinel canceled;  // operation was canceled
// A write_to() on a socket for datagrams that was dialed.
GOSSAMER_API extern const errors::sentinel write_to_connected;  // use of WriteTo with pre-connected connection

// What failed, on which connection: `read tcp 127.0.0.1:1->127.0.0.1:2: i/o timeout`. What conn and listener, dial and
// listen return; only the end of a stream is io::eof itself.
class GOSSAMER_API op_error final : public errors::base {
 public:
  op_error(std::string op, std::string network, net::addr source, net::addr address, error err)
      : op_(std::move(op)),
        network_(std::move(network)),
        source_(std::move(source)),
        address_(std::move(address)),
        err_(std::move(err)) {}

  // read, write, accept, dial, listen, close, set.
  const std::string& op() const noexcept { return op_; }
  const std::string& network() const noexcept { return network_; }
  // The local address, where there is a remote one as well.
  const net::addr& source() const noexcept { return source_; }
  const net::addr& addr() const noexcept { return address_; }
  const error& err() const noexcept { return err_; }

  std::string text() const override;
  bool timeout() const override { return err_.timeout(); }
  // Whether the same call may well succeed later. An accept that fails so need not end its loop.
  bool temporary() const;
  error unwrap() const override { return err_; }

 private:
  std::string op_;
  std::string network_;
  net::addr source_;
  net::addr address_;
  error err_;
};

// An address that is none: `address X: missing port in address`.
class GOSSAMER_API addr_error final : public errors::base {
 public:
  addr_error(std::string why, std::string address) : why_(std::move(why)), address_(std::move(address)) {}
  const std::string& why() const noexcept { return why_; }
  const std::string& address() const noexcept { return address_; }
  std::string text() const override { return address_.empty() ? why_ : "address " + address_ + ": " + why_; }

 private:
  std::string why_;
  std::string address_;
};

// A text that is not what was expected: `invalid CIDR address: 10.0.0.1`.
class GOSSAMER_API parse_error final : public errors::base {
 public:
  // `type`: what was expected; a literal.
  parse_error(const char* type, std::string text) : type_(type), text_(std::move(text)) {}
  const char* type() const noexcept { return type_; }
  // What was there instead.
  const std::string& malformed() const noexcept { return text_; }
  std::string text() const override { return std::string("invalid ") + type_ + ": " + text_; }

 private:
  const char* type_;
  std::string text_;
};

// `unknown network foo`.
class GOSSAMER_API unknown_network_error final : public errors::base {
 public:
  explicit unknown_network_error(std::string network) : network_(std::move(network)) {}
  const std::string& network() const noexcept { return network_; }
  std::string text() const override { return "unknown network " + network_; }

 private:
  std::string network_;
};

// A name that was not resolved: `lookup nobody.invalid: no such host`.
class GOSSAMER_API dns_error final : public errors::base {
 public:
  dns_error(std::string name, error err, bool not_found, bool temporary)
      : name_(std::move(name)), err_(std::move(err)), not_found_(not_found), temporary_(temporary) {}
  const std::string& name() const noexcept { return name_; }
  // The name, or the service, does not exist.
  bool not_found() const noexcept { return not_found_; }
  bool temporary() const noexcept { return temporary_; }
  std::string text() const override { return "lookup " + name_ + ": " + err_.text(); }
  bool timeout() const override { return err_.timeout(); }
  error unwrap() const override { return err_; }

 private:
  std::string name_;
  error err_;
  bool not_found_;
  bool temporary_;
};

template <class C>
concept tells_why = std::convertible_to<const C&, wait::stop> && requires(const C& c) {
  { c.err() } -> std::convertible_to<error>;
};

// What ends a blocking call before it is done: a stop, or a context; or nothing. The call then fails with `operation
// was canceled` (net::canceled), or, where the context's deadline has passed, with `i/o timeout`, a timeout; the
// context's own error is wrapped in it. One that has ended already ends the call at once. Refers to the context: for
// the duration of a call.
class GOSSAMER_API ending {
 public:
  constexpr ending() noexcept = default;
  ending(wait::stop s) noexcept : stop_(s) {}
  template <tells_why C>
  ending(const C& context)
      : stop_(context),
        of_(std::addressof(context)),
        why_([](const void* c) -> error { return static_cast<const C*>(c)->err(); }) {}

  wait::stop stop() const noexcept { return stop_; }
  // What the call fails with, once the stop is set.
  error err() const;

 private:
  wait::stop stop_;
  const void* of_ = nullptr;
  error (*why_)(const void* context) = nullptr;
};

}  // namespace gossamer::inline v0::net
