#include "gossamer/http/request.hpp"

#include <algorithm>
#include <utility>

#include "gossamer/panic.hpp"

namespace gossamer::inline v0::http {

request::request(const request& other) { *this = other; }

request& request::operator=(const request& other) {
  if (this == &other) {
    return *this;
  }
  // The copy may outlive what the context comes from.
  context_ = other.source_ != nullptr ? other.context() : other.context_;
  source_ = nullptr;
  method = other.method;
  url = other.url;
  proto = other.proto;
  proto_major = other.proto_major;
  proto_minor = other.proto_minor;
  header = other.header;
  body = other.body;
  get_body = other.get_body;
  content_length = other.content_length;
  transfer_encoding = other.transfer_encoding;
  close = other.close;
  host = other.host;
  trailer = other.trailer;
  remote_addr = other.remote_addr;
  request_uri = other.request_uri;
  tls = other.tls;
  pattern = other.pattern;
  response = other.response;
  path_values_ = other.path_values_;
  path_size_ = other.path_size_;
  forms_ = other.forms_;
  return *this;
}

request::~request() = default;

const context::context& request::context() const {
  if (!context_) {
    context_ = source_ != nullptr ? source_->make_context() : context::background();
  }
  return context_;
}

request request::with_context(context::context ctx) const {
  request copy(*this);
  copy.set_context(std::move(ctx));
  return copy;
}

void request::set_context(context::context ctx) {
  if (!ctx) {
    panic("nil context");
  }
  context_ = std::move(ctx);
}

std::string_view request::path_value(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < path_size_; i++) {
    if (path_values_[i].name == name) {
      return path_values_[i].value;
    }
  }
  return {};
}

void request::set_path_value(std::string_view name, std::string_view value) {
  for (std::size_t i = 0; i < path_size_; i++) {
    if (path_values_[i].name == name) {
      path_values_[i].value = value;
      return;
    }
  }
  if (path_size_ == path_values_.size()) {
    path_values_.emplace_back();
  }
  path_pair& p = path_values_[path_size_];
  p.name = name;
  p.value = value;
  path_size_++;
}

void request::end() noexcept {
  context_ = nullptr;
  forms_.reset();
}

bool request::proto_at_least(int major, int minor) const noexcept {
  return proto_major > major || (proto_major == major && proto_minor >= minor);
}

void request::reset(context_source* source) noexcept {
  source_ = source;
  context_ = nullptr;
  path_size_ = 0;
  host.clear();
  forms_.reset();
  header.clear();
  trailer.clear();
  pattern.clear();
  content_length = 0;
  transfer_encoding.clear();
  close = false;
  get_body = nullptr;
  response.reset();
}

}  // namespace gossamer::inline v0::http
