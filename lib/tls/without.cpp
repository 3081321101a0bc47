// without: what the library does where there was no OpenSSL to build it with. See gossamer/tls.hpp.
#include "gossamer/tls.hpp"

namespace gossamer::inline v0::tls {

namespace {

class refusing final : public net::conn_interface {
 public:
  explicit refusing(net::conn below) noexcept : below_(std::move(below)) {}
  net::io_result read(std::span<std::byte>, const net::ending&, std::source_location) override {
    return {0, without_openssl};
  }
  net::io_result write(net::buffer, const net::ending&, std::source_location) override { return {0, without_openssl}; }
  error close() override { return below_.close(); }
  net::addr local_addr() const override { return below_.local_addr(); }
  net::addr remote_addr() const override { return below_.remote_addr(); }
  const net::conn& below() const noexcept { return below_; }

 private:
  const net::conn below_;
};

}  // namespace

struct config_core {};
config::own_core::own_core() : core(std::make_shared<config_core>()) {}

std::pair<certificate, error> load_x509_key_pair(std::string_view, std::string_view) {
  return {certificate(), without_openssl};
}
std::pair<certificate, error> x509_key_pair(std::string_view, std::string_view) {
  return {certificate(), without_openssl};
}
bool cert_pool::append_certs_from_pem(std::string_view) const { return false; }
cert_pool new_cert_pool() { return {}; }
std::pair<cert_pool, error> system_cert_pool() { return {cert_pool(), without_openssl}; }
client_session_cache new_lru_client_session_cache(std::size_t) { return {}; }

net::conn server(net::conn below, std::shared_ptr<const config>) { return net::make_conn<refusing>(std::move(below)); }
net::conn client(net::conn below, std::shared_ptr<const config>) { return net::make_conn<refusing>(std::move(below)); }
// None of its connections could be used: nobody is let in.
net::listener new_listener(net::listener below, std::shared_ptr<const config>) {
  below.close();
  return below;
}
std::pair<net::listener, error> listen(std::string_view, std::string_view, std::shared_ptr<const config>,
                                       std::source_location) {
  return {nullptr, without_openssl};
}
std::pair<net::conn, error> dialer::dial_context(const net::ending&, std::string_view, std::string_view,
                                                 std::source_location) const {
  return {nullptr, without_openssl};
}
std::pair<net::conn, error> dial(std::string_view, std::string_view, std::shared_ptr<const config>,
                                 std::source_location) {
  return {nullptr, without_openssl};
}
error handshake(const net::conn&, const net::ending&, std::source_location) { return without_openssl; }
connection_state state_of(const net::conn&) { return {}; }
bool has_input(const net::conn&) { return false; }
bool is_tls(const net::conn& c) noexcept { return dynamic_cast<refusing*>(c.get()) != nullptr; }
net::conn net_conn(const net::conn& c) {
  auto* const r = dynamic_cast<refusing*>(c.get());
  return r != nullptr ? r->below() : net::conn();
}

}  // namespace gossamer::inline v0::tls
