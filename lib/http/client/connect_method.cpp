#include "http/client/connect_method.hpp"

#include <utility>

#include "http/base64.hpp"

namespace gossamer::inline v0::http {

namespace {

std::string_view port_of(std::string_view scheme) noexcept {
  return scheme == "https" ? "443" : scheme == "http" ? "80" : scheme.starts_with("socks5") ? "1080" : "";
}

}  // namespace

std::string host_and_port(const url& of) {
  const std::string_view host = of.hostname();
  const std::string_view port = of.port();
  const bool in_brackets = host.find(':') != std::string_view::npos;
  std::string text;
  text.reserve(host.size() + 8);
  text += in_brackets ? "[" : "";
  text += host;
  text += in_brackets ? "]:" : ":";
  text += port.empty() ? port_of(of.scheme) : port;
  return text;
}

std::string_view host_of(std::string_view address) noexcept {
  address = address.substr(0, address.rfind(':'));
  if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  return address;
}

connect_method::connect_method(const url& target, std::optional<url> proxy)
    : proxy_(std::move(proxy)), scheme_(target.scheme), address_(host_and_port(target)) {
  if (proxy_) {
    key_ = proxy_->text();
  }
  key_.reserve(key_.size() + scheme_.size() + address_.size() + 2);
  key_ += '|';
  key_ += scheme_;
  key_ += '|';
  if (!has_forwarding_proxy()) {
    key_ += address_;
  }
}

std::string connect_method::proxy_authorization() const {
  if (!proxy_ || !proxy_->user) {
    return {};
  }
  return "Basic " + encode_base64(proxy_->user->username() + ':' + proxy_->user->password().value_or(std::string()));
}

}  // namespace gossamer::inline v0::http
