// shake: how hands are shaken. See secured.hpp.
#include <utility>

#include "gossamer/errors.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/context.hpp"
#include "tls/holder.hpp"
#include "tls/secured.hpp"

namespace gossamer::inline v0::tls {

error secured::handshake(const net::ending& end, here where) { return ready("handshake", end, where); }

error secured::ready(const char* op, const net::ending& end, here where) {
  if (agreed_.load(std::memory_order_acquire)) {
    return nullptr;
  }
  const holder hold(shaking_, end, where);
  // Nothing has been sent then: who comes later may shake hands.
  if (!hold || end.stop().is_set()) {
    return fail(op, end.err());
  }
  if (!refused_ && !agreed_) {
    refused_ = shake(end, where);
    if (!refused_) {
      agreed_.store(true, std::memory_order_release);
    }
  }
  return refused_;
}

// The caller holds shaking_. Nobody else reads or writes before hands have been shaken.
error secured::shake(const net::ending& end, here where) {
  if (closed_) {
    return fail("handshake", net::closed);
  }
  if (error err = prepare()) {
    return err;
  }
  const detail::held reading(reading_);
  const detail::held writing(writing_);
  error err = agree(end, where);
  if (err && !server_) {
    const detail::held one(session_guard_);
    session_.forget_earlier();
  }
  let_go();
  return err;
}

error secured::prepare() {
  if (!server_ && name_.empty() && !config_->insecure_skip_verify) {
    return errors::make("tls: either ServerName or InsecureSkipVerify must be specified in the tls.Config");
  }
  if (server_ && config_->certificates.empty() && !config_->get_certificate) {
    return errors::make("tls: no certificates configured");
  }
  auto [context, err] = context_of(*config_, server_);
  if (err) {
    return err;
  }
  // Whom one config trusts, another does not: neither resumes the other's sessions, though they share a cache.
  std::string place = std::to_string(config_->core().number) + " " + (name_.empty() ? remote_addr().text() : name_);
  const detail::held one(session_guard_);
  return session_.open(config_, context, server_, name_, std::move(place));
}

error secured::agree(const net::ending& end, here where) {
  for (;;) {
    step s;
    std::string lines;
    error failure;
    bool tickets;
    {
      const detail::held one(session_guard_);
      s = session_.handshake();
      lines = session_.take_key_log();
      failure = s == step::failed ? session_.failure() : error();
      // What a server says last in TLS 1.3 nobody waits for, who may be writing himself and not read yet: it goes out
      // with what is written first.
      tickets = s == step::done && server_ && session_.version() == version_tls13;
    }
    if (error err = log_keys(std::move(lines))) {
      return err;
    }
    if (error err = tickets ? error() : flush(end, where)) {
      return failure ? failure : err;
    }
    if (s == step::done || s == step::failed) {
      return failure;
    }
    // A peer who says that it is the end, before there was a beginning.
    if (error err = s == step::certificate ? ask_for_certificate()
                    : s == step::ended     ? error(io::eof)
                                           : fill(end, where)) {
      return err;
    }
  }
}

// Source: Go's Config.getCertificate.
error secured::ask_for_certificate() {
  client_hello_info hello;
  {
    const detail::held one(session_guard_);
    hello.server_name = session_.server_name();
  }
  std::pair<certificate, error> answer;
  if (config_->get_certificate && (config_->certificates.empty() || !hello.server_name.empty())) {
    hello.conn = below_;
    answer = config_->get_certificate(hello);
  }
  const detail::held one(session_guard_);
  if (answer.second) {
    session_.refuse(answer.second);
  } else if (answer.first) {
    session_.choose({answer.first});
  } else {
    session_.choose(config_->certificates);
  }
  return nullptr;
}

error secured::log_keys(std::string lines) {
  if (lines.empty()) {
    return nullptr;
  }
  const detail::held hold(config_->core().logging);
  std::string_view left = lines;
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n') + 1);
    if (error err = config_->key_log_writer.write(line).second) {
      return errors::wrap(err, "tls: failed to write to key log");
    }
    left.remove_prefix(line.size());
  }
  return nullptr;
}

connection_state secured::state() {
  if (!agreed_.load(std::memory_order_acquire)) {
    return {};
  }
  const detail::held one(session_guard_);
  return session_.state();
}

}  // namespace gossamer::inline v0::tls
