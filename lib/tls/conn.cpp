// conn: how encrypted connections and listeners come about. See gossamer/tls/conn.hpp.
#include "gossamer/tls/conn.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "gossamer/errors.hpp"
#include "gossamer/time.hpp"
#include "tls/secured.hpp"

namespace gossamer::inline v0::tls {

namespace {

using here = std::source_location;

secured* secured_of(const net::conn& c) noexcept { return dynamic_cast<secured*>(c.get()); }

class secured_listener final : public net::listener_interface {
 public:
  secured_listener(net::listener below, std::shared_ptr<const config> of) noexcept
      : below_(std::move(below)), config_(std::move(of)) {}

  std::pair<net::conn, error> accept(const net::ending& end, here where) override {
    auto [c, err] = below_.accept(end, where);
    return err ? std::pair(net::conn(), std::move(err)) : std::pair(server(std::move(c), config_), error());
  }
  error close() override { return below_.close(); }
  error set_deadline(net::time_point when) override {
    return when == net::never ? below_.set_deadline(nullptr) : below_.set_deadline(when);
  }
  net::addr addr() const override { return below_.addr(); }
  int native_handle() const override { return below_.native_handle(); }
  int release() override { return below_.release(); }
  std::pair<int, error> duplicate() const override { return below_.duplicate(); }
  void set_unlink_on_close(bool yes) override { below_.set_unlink_on_close(yes); }

 private:
  const net::listener below_;
  const std::shared_ptr<const config> config_;
};

// When it must be over.
net::time_point limit_of(const net::dialer& d) {
  net::time_point until = d.deadline;
  if (d.timeout.count() != 0) {
    const net::time_point now = time::now();
    until = d.timeout < net::never - now ? std::min(until, now + d.timeout) : until;
  }
  return until;
}

}  // namespace

net::conn server(net::conn below, std::shared_ptr<const config> config) {
  return net::make_conn<secured>(std::move(below), true, std::move(config), std::string());
}

net::conn client(net::conn below, std::shared_ptr<const config> config) {
  return net::make_conn<secured>(std::move(below), false, std::move(config), std::string());
}

net::listener new_listener(net::listener below, std::shared_ptr<const config> config) {
  return net::listener(new secured_listener(std::move(below), std::move(config)));
}

std::pair<net::listener, error> listen(std::string_view network, std::string_view address,
                                       std::shared_ptr<const config> config, here where) {
  if (!config || (config->certificates.empty() && !config->get_certificate)) {
    return {nullptr, errors::make("tls: neither Certificates nor GetCertificate set in Config")};
  }
  auto [l, err] = net::listen(network, address, where);
  return err ? std::pair(net::listener(), std::move(err))
             : std::pair(new_listener(std::move(l), std::move(config)), error());
}

std::pair<net::conn, error> dialer::dial_context(const net::ending& end, std::string_view network,
                                                 std::string_view address, here where) const {
  const net::time_point until = limit_of(net_dialer);
  auto [below, err] = net_dialer.dial_context(end, network, address, where);
  if (err) {
    return {nullptr, std::move(err)};
  }
  // As in Go: an address without a port is a host by itself.
  const std::size_t colon = address.rfind(':');
  const std::string host(address.substr(0, colon));
  const net::conn c = net::make_conn<secured>(below, false, config, host);
  if (until != net::never) {
    below.set_deadline(until);
  }
  err = handshake(c, end, where);
  if (!err && until != net::never) {
    err = below.set_deadline(nullptr);
  }
  if (err) {
    below.close();
    return {nullptr, std::move(err)};
  }
  return {c, nullptr};
}

std::pair<net::conn, error> dial(std::string_view network, std::string_view address,
                                 std::shared_ptr<const config> config, here where) {
  return dialer{{}, std::move(config)}.dial_context({}, network, address, where);
}

error handshake(const net::conn& c, const net::ending& end, here where) {
  secured* const s = secured_of(c);
  return s != nullptr ? s->handshake(end, where) : errors::make("tls: not a TLS connection");
}

connection_state state_of(const net::conn& c) {
  secured* const s = secured_of(c);
  return s != nullptr ? s->state() : connection_state();
}

bool has_input(const net::conn& c) {
  secured* const s = secured_of(c);
  return s != nullptr && s->has_input();
}

bool is_tls(const net::conn& c) noexcept { return secured_of(c) != nullptr; }

net::conn net_conn(const net::conn& c) {
  secured* const s = secured_of(c);
  return s != nullptr ? s->below() : net::conn();
}

}  // namespace gossamer::inline v0::tls
