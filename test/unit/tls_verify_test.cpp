// Encrypted connections: who is trusted, and what both sides say where somebody is not.
#include <gossamer/tls.hpp>

#include <string>

#include "net_pair.hpp"
#include "tls_certs.hpp"

using namespace gossamer;
using namespace support;

namespace {

// What the client says, what the server says.
struct said {
  std::string client;
  std::string server;
};

// Hands are shaken, and a byte goes each way: in TLS 1.3 a client hears what the server thinks of its certificate when
// it reads.
said shake(const config_ptr& of_client, const config_ptr& of_server) {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b, of_client, of_server);
  said s;
  crew three;
  three.go([&, below = b] {
    char byte[1];
    error err = ends.server.read(byte).second;
    err = err ? err : ends.server.write("y").second;
    s.server = err == nil ? "" : err.text();
    below.close();
  });
  error err = tls::handshake(ends.client);
  if (!err) {
    three.go([&] { ends.client.write("x"); });
    char byte[1];
    err = ends.client.read(byte).second;
  }
  s.client = err == nil ? "" : err.text();
  three.join();
  return s;
}

const std::string not_verified = "tls: failed to verify certificate: ";

std::string client_says(const made_cert& cert, const char* name) {
  const said s = shake(client_config(name), server_config(cert));
  CHECK(s.server == (s.client.empty() ? "" : "remote error: tls: bad certificate"));
  return s.client;
}

}  // namespace

FIBER_TEST("a client says why it does not trust a server, and the server hears that") {
  static const made_cert stranger = make_cert({});
  static const made_cert old = make_cert({.issuer = &root(), .first_day = -30, .last_day = -2});
  static const made_cert early = make_cert({.issuer = &root(), .first_day = 2});
  static const made_cert nameless = make_cert({.names = "email:a@example.com", .issuer = &root()});
  static const made_cert legacy = make_cert({.names = "", .issuer = &root()});
  static const made_cert below = make_cert({.issuer = &of_server()});
  CHECK(client_says(of_server(), "example.com") == "");
  CHECK(client_says(of_server(), "example.com.") == "");
  CHECK(client_says(of_server(), "EXAMPLE.com") == "");
  CHECK(client_says(of_server(), "127.0.0.1") == "");
  CHECK(client_says(stranger, "example.com") == not_verified + "x509: certificate signed by unknown authority");
  CHECK(client_says(of_server(), "www.example.com") ==
        not_verified + "x509: certificate is valid for example.com, not www.example.com");
  CHECK(client_says(of_server(), "127.0.0.2") ==
        not_verified + "x509: certificate is valid for 127.0.0.1, not 127.0.0.2");
  CHECK(client_says(nameless, "127.0.0.2") ==
        not_verified + "x509: cannot validate certificate for 127.0.0.2 because it doesn't contain any IP SANs");
  CHECK(client_says(nameless, "example.com") ==
        not_verified + "x509: certificate is not valid for any names, but wanted to match example.com");
  CHECK(client_says(legacy, "example.com") ==
        not_verified + "x509: certificate relies on legacy Common Name field, use SANs instead");
  const std::string expired = not_verified + "x509: certificate has expired or is not yet valid: current time 2";
  CHECK(client_says(old, "example.com").substr(0, expired.size()) == expired);
  CHECK(client_says(old, "example.com").find("Z is after 2") != std::string::npos);
  CHECK(client_says(early, "example.com").find("Z is before 2") != std::string::npos);
  // Its issuer may not sign: it is none.
  const made_cert chain{below.cert + of_server().cert, below.key};
  CHECK(client_says(chain, "example.com") == not_verified + "x509: certificate signed by unknown authority");
}

FIBER_TEST("names of hosts are compared as Go compares them") {
  static const made_cert many = make_cert(
      {.names = "DNS:*.internal,DNS:*.my_zone.example,DNS:UPPER.example,DNS:-odd.example,DNS:*", .issuer = &root()});
  for (const char* name :
       {"db.internal", "DB.Internal.", "a_b.internal", "x.my_zone.example", "upper.EXAMPLE", "-odd.example"}) {
    CHECK(client_says(many, name) == "");
  }
  for (const char* name : {"internal", "a.b.internal", ".internal", "my_zone.example", "-odd.example..", "any",
                           "x.upper.example", "*.upper.example"}) {
    CHECK(client_says(many, name) ==
          not_verified +
              "x509: certificate is valid for *.internal, *.my_zone.example, UPPER.example, -odd.example, *, "
              "not " +
              name);
  }
  static const made_cert below = make_cert({.names = "DNS:www.example.com", .issuer = &root()});
  CHECK(client_says(below, ".example.com") ==
        not_verified + "x509: certificate is valid for www.example.com, not .example.com");
}

FIBER_TEST("a pool goes on behind what is no certificate") {
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const config_ptr c = client_config();
  c->root_cas = tls::new_cert_pool();
  CHECK(c->root_cas.append_certs_from_pem(of_server().key + damaged + root().cert));
  CHECK(shake(c, server_config()).client == "");
}

FIBER_TEST("errors of verification are found by what they are") {
  auto [a, b] = net::pipe();
  tls_ends ends(a, b, client_config("other.example"));
  const error err = ends.shake().first;
  const auto* const host = errors::as<tls::hostname_error>(err);
  CHECK(host != nullptr);
  CHECK((host == nullptr || host->host() == "other.example"));
  CHECK(errors::as<tls::certificate_verification_error>(err) != nullptr);
  CHECK(errors::as<tls::unknown_authority_error>(err) == nullptr);
}

FIBER_TEST("a client has to say whom it wants, or that it does not care") {
  auto careless = std::make_shared<tls::config>();
  auto [a, b] = net::pipe();
  tls_ends none(a, b, careless);
  CHECK(tls::handshake(none.client).text() ==
        "tls: either ServerName or InsecureSkipVerify must be specified in the tls.Config");
  careless = std::make_shared<tls::config>();
  careless->insecure_skip_verify = true;
  const said s = shake(careless, server_config());
  CHECK(s.client == "");
  CHECK(s.server == "");
}

FIBER_TEST("a chain is followed to the root, over what the server sends with its certificate") {
  static const made_cert between = make_cert({.name = "Between", .names = "", .issuer = &root(), .ca = true});
  static const made_cert leaf = make_cert({.issuer = &between});
  CHECK(client_says({leaf.cert + between.cert, leaf.key}, "example.com") == "");
  CHECK(client_says(leaf, "example.com") == not_verified + "x509: certificate signed by unknown authority");
}

FIBER_TEST("what a certificate may be used for counts all the way to the root") {
  const std::string unfit = not_verified + "x509: certificate specifies an incompatible key usage";
  const auto client_says_of = [](const std::string& usage, const std::string& above) {
    const made_cert between =
        make_cert({.name = "Between", .names = "", .issuer = &root(), .ca = true, .usage = above});
    const made_cert leaf = make_cert({.issuer = &between, .usage = usage});
    return client_says({leaf.cert + between.cert, leaf.key}, "example.com");
  };
  CHECK(client_says_of("serverAuth", "") == "");
  CHECK(client_says_of("clientAuth,serverAuth", "anyExtendedKeyUsage") == "");
  CHECK(client_says_of("anyExtendedKeyUsage", "serverAuth") == "");
  CHECK(client_says_of("clientAuth", "") == unfit);
  CHECK(client_says_of("codeSigning", "") == unfit);
  CHECK(client_says_of("serverAuth", "clientAuth") == unfit);
  // Go asks nobody for a key usage; a certificate that may not sign is nobody's issuer all the same.
  const made_cert odd = make_cert({.issuer = &root(), .key_usage = "critical,keyAgreement"});
  CHECK(client_says(odd, "example.com") == "");
  const made_cert mute =
      make_cert({.name = "Mute", .names = "", .issuer = &root(), .ca = true, .key_usage = "critical,digitalSignature"});
  const made_cert under = make_cert({.issuer = &mute});
  CHECK(client_says({under.cert + mute.cert, under.key}, "example.com") != "");

  for (const char* const usage : {"clientAuth", "anyExtendedKeyUsage", "serverAuth"}) {
    const made_cert of_client = make_cert({.name = "client", .issuer = &root(), .usage = usage});
    const config_ptr c = client_config(), s = server_config();
    c->certificates = {of_client.pair()};
    s->client_auth = tls::client_auth_type::require_and_verify_client_cert;
    s->client_cas = trusting(root());
    CHECK(shake(c, s).server == (std::string(usage) == "serverAuth" ? unfit : ""));
  }
}

FIBER_TEST("a server says what is wrong with its clients' certificates") {
  using enum tls::client_auth_type;
  static const made_cert of_client = make_cert({.name = "client", .issuer = &root()});
  static const made_cert stranger = make_cert({.name = "client"});
  static const made_cert old = make_cert({.name = "client", .issuer = &root(), .first_day = -30, .last_day = -2});
  auto with = [](tls::client_auth_type auth, const made_cert* cert) {
    const config_ptr c = client_config(), s = server_config();
    s->client_auth = auth;
    s->client_cas = trusting(root());
    if (cert != nullptr) {
      c->certificates = {cert->pair()};
    }
    return shake(c, s);
  };
  CHECK(with(require_and_verify_client_cert, &of_client).server == "");
  CHECK(with(require_any_client_cert, &stranger).server == "");
  CHECK(with(request_client_cert, nullptr).server == "");
  CHECK(with(verify_client_cert_if_given, nullptr).server == "");
  said s = with(require_any_client_cert, nullptr);
  CHECK(s.server == "tls: client didn't provide a certificate");
  CHECK(s.client == "remote error: tls: certificate required");
  // It is not shown to who has said that he trusts others.
  CHECK(with(verify_client_cert_if_given, &stranger).server == "");
  CHECK(with(require_and_verify_client_cert, &stranger).server == "tls: client didn't provide a certificate");
  static const made_cert namesake = make_cert({.name = "Test Root", .names = "", .ca = true});
  static const made_cert impostor = make_cert({.name = "client", .issuer = &namesake});
  s = with(verify_client_cert_if_given, &impostor);
  CHECK(s.server == not_verified + "x509: certificate signed by unknown authority");
  CHECK(s.client == "remote error: tls: unknown certificate authority");
  s = with(require_and_verify_client_cert, &old);
  CHECK(s.client == "remote error: tls: expired certificate");
}

FIBER_TEST("a client shows the first of its certificates that its server asks for") {
  static const made_cert other_root = make_cert({.name = "Other Root", .names = "", .ca = true});
  static const made_cert of_other = make_cert({.name = "other", .issuer = &other_root});
  static const made_cert first = make_cert({.name = "first", .issuer = &root()});
  static const made_cert between = make_cert({.name = "Between", .names = "", .issuer = &root(), .ca = true});
  static const made_cert leaf = make_cert({.name = "leaf", .issuer = &between, .rsa_bits = 2048});
  const made_cert far{leaf.cert + between.cert, leaf.key};
  const auto shown = [](std::uint16_t version, const std::vector<tls::certificate>& those) -> std::string {
    const config_ptr c = client_config(), s = server_config();
    c->max_version = version;
    c->certificates = those;
    s->client_auth = tls::client_auth_type::verify_client_cert_if_given;
    s->client_cas = trusting(root());
    auto [a, b] = net::pipe();
    tls_ends ends(a, b, c, s);
    CHECK(ends.shake() == std::pair(error(), error()));
    const auto all = tls::state_of(ends.server).peer_certificates;
    return all.empty() ? "" : all[0].subject;
  };
  for (const std::uint16_t version : {tls::version_tls12, tls::version_tls13}) {
    CHECK(shown(version, {first.pair(), far.pair()}) == "CN=first");
    CHECK(shown(version, {of_other.pair(), far.pair(), first.pair()}) == "CN=leaf");
    CHECK(shown(version, {of_other.pair(), first.pair()}) == "CN=first");
    CHECK(shown(version, {of_other.pair()}) == "");
    CHECK(shown(version, {leaf.pair()}) == "");
    CHECK(shown(version, {tls::certificate(), first.pair()}) == "CN=first");
  }
}

FIBER_TEST("a client whose certificate has expired since does not resume") {
  const std::string expired = not_verified + "x509: certificate has expired or is not yet valid";
  for (const std::uint16_t version : {tls::version_tls12, tls::version_tls13}) {
    CHECK(eventually([&] {
      const made_cert brief = make_cert({.name = "client", .issuer = &root(), .last_day = 0, .more_seconds = 2});
      const config_ptr c = client_config(), s = server_config();
      c->max_version = version;
      c->certificates = {brief.pair()};
      c->client_session_cache = tls::new_lru_client_session_cache(1);
      s->client_auth = tls::client_auth_type::require_and_verify_client_cert;
      s->client_cas = trusting(root());
      const std::string at_once = shake(c, s).server;
      if (at_once.starts_with(expired)) {
        return false;  // before its first use
      }
      CHECK(at_once == "");
      time::sleep(std::chrono::milliseconds(3100));
      CHECK(shake(c, s).server.starts_with(expired));
      return true;
    }));
  }
}

// What a server makes of a session may be wrong for ever: the next connection does without.
FIBER_TEST("a session with which hands could not be shaken is not offered again") {
  const config_ptr c = client_config(), s = server_config();
  c->max_version = tls::version_tls12;
  c->client_session_cache = tls::new_lru_client_session_cache(1);
  const auto resumed = [&](const config_ptr& server) {
    auto [a, b] = net::pipe();
    tls_ends ends(a, b, c, server);
    const auto [err, other] = ends.shake();
    return err ? err.text() : tls::state_of(ends.client).did_resume ? "resumed" : "anew";
  };
  CHECK(resumed(s) == "anew");
  CHECK(resumed(s) == "resumed");
  CHECK(resumed(s) == "resumed");
  const config_ptr refuses = server_config(make_cert({}));
  CHECK(resumed(refuses) == not_verified + "x509: certificate signed by unknown authority");
  CHECK(resumed(s) == "anew");
}

FIBER_TEST("the old versions are spoken where they are asked for") {
  for (const std::uint16_t version : {tls::version_tls10, tls::version_tls11}) {
    const config_ptr c = client_config(), s = server_config();
    c->min_version = s->min_version = version;
    c->max_version = version;
    auto [a, b] = net::pipe();
    tls_ends ends(a, b, c, s);
    CHECK(ends.shake() == std::pair(error(), error()));
    CHECK(tls::state_of(ends.client).version == version);
  }
}

FIBER_TEST("a server says why it cannot show its certificate") {
  const std::string said =
      shake(client_config(), server_config(make_cert({.issuer = &root(), .rsa_bits = 512}))).server;
  CHECK(said == "tls: ee key too small");
}

FIBER_TEST("versions and ciphers that have nothing in common") {
  const config_ptr c = client_config(), s = server_config();
  c->max_version = tls::version_tls12;
  s->min_version = tls::version_tls13;
  said both = shake(c, s);
  CHECK(both.server == "tls: client offered only unsupported versions");
  CHECK(both.client == "remote error: tls: protocol version not supported");
  const config_ptr wrong = client_config();
  wrong->min_version = tls::version_tls13;
  wrong->max_version = tls::version_tls12;
  auto [a, b] = net::pipe();
  tls_ends ends(a, b, wrong);
  CHECK(tls::handshake(ends.client).text() == "tls: no supported versions satisfy MinVersion and MaxVersion");
}

PLAIN_TEST("PEM that is not a pair says so") {
  const std::string cert = of_server().cert, key = of_server().key;
  CHECK(tls::x509_key_pair("nothing", key).second.text() == "tls: failed to find any PEM data in certificate input");
  CHECK(tls::x509_key_pair(cert, "nothing").second.text() == "tls: failed to find any PEM data in key input");
  CHECK(tls::x509_key_pair(cert, root().key).second.text() == "tls: private key does not match public key");
  CHECK(tls::x509_key_pair(cert, cert).second.text() == "tls: failed to parse private key");
  CHECK(tls::load_x509_key_pair("/no/such", "/no/such").second.text() == "open /no/such: no such file or directory");
  CHECK(!tls::new_cert_pool().append_certs_from_pem("nothing"));
  // What looks like a certificate, and is none.
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  CHECK(tls::x509_key_pair(damaged + cert, key).second.text() == "x509: malformed certificate");
  CHECK(tls::x509_key_pair(cert + damaged, key).second.text() == "x509: malformed certificate");
  CHECK(!tls::new_cert_pool().append_certs_from_pem(damaged));
  CHECK(!tls::cert_pool().append_certs_from_pem(cert));
}

PLAIN_TEST("names of versions, ciphers and alerts") {
  CHECK(tls::version_name(tls::version_tls10) == "TLS 1.0");
  CHECK(tls::version_name(0x0500) == "0x0500");
  CHECK(tls::cipher_suite_name(0x1301) == "TLS_AES_128_GCM_SHA256");
  CHECK(tls::cipher_suite_name(0xabcd) == "0xABCD");
  CHECK(tls::alert_error(42).text() == "tls: bad certificate");
  CHECK(tls::alert_error(200).text() == "tls: alert(200)");
}
