// https_get: a server with a certificate that was made on the spot, by openssl's command, and clients that do and do
// not trust it. Whom nobody vouches for is not talked to.
//
//   $ tools/dev run https_get
//   stranger: Get "https://*/": tls: failed to verify certificate: x509: certificate signed by unknown authority
//   wrong name: Get "https://localhost:*/": tls: failed to verify certificate: x509: * wanted to match localhost
//   trusted: hello over TLS 1.3
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/tls.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

using namespace gossamer;

namespace {

// A key and a certificate for 127.0.0.1 that is signed by itself, in PEM.
std::pair<std::string, error> self_signed() {
  os::command openssl("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-days", "1", "-subj", "/CN=https_get", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-",
                      "-out", "-");
  return openssl.output();
}

http::client trusting(tls::cert_pool whom) {
  auto config = std::make_shared<tls::config>();
  config->root_cas = std::move(whom);
  auto transport = std::make_shared<http::transport>();
  transport->tls_client_config = config;
  http::client c;
  c.transport = transport;
  c.timeout = 10s;
  return c;
}

std::pair<std::string, error> get(const http::client& c, const std::string& url) {
  auto [resp, err] = c.get(url);
  if (err) return {"", err};
  defer d1{[body = resp.body] { body.close(); }};
  return io::read_all(resp.body);
}

error show(const std::string& pem) {
  auto [cert, err] = tls::x509_key_pair(pem, pem);
  if (err) return err;
  auto config = std::make_shared<tls::config>();
  config->certificates = {cert};
  auto [l, failed] = tls::listen("tcp", "127.0.0.1:0", config);
  if (failed) return failed;

  http::server server;
  server.error_log = [](std::string_view) {};  // those who do not trust it end the handshake
  server.handler = [](http::response_writer& w, http::request& r) {
    w.write("hello over " + tls::version_name(r.tls->version));
  };
  sync::wait_group serving;
  serving.go([&, l = l] { static_cast<void>(server.serve(l)); });
  defer d1{[&] {
    static_cast<void>(server.shutdown(context::background()));
    serving.wait();
  }};

  const std::string port = std::to_string(l.addr().port());
  tls::cert_pool own = tls::new_cert_pool();
  own.append_certs_from_pem(pem);
  std::cout << "stranger: " << get(trusting({}), "https://127.0.0.1:" + port + "/").second << '\n';
  std::cout << "wrong name: " << get(trusting(own), "https://localhost:" + port + "/").second << '\n';
  auto [text, none] = get(trusting(own), "https://127.0.0.1:" + port + "/");
  std::cout << "trusted: " << text << '\n';
  return none;
}

}  // namespace

int main() {
  return run([] {
    auto [pem, err] = self_signed();
    if (!err) err = show(pem);
    if (err) std::cerr << "https_get: " << err << '\n';
    return err ? 1 : 0;
  });
}
