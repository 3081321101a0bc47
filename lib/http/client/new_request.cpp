#include "http/client/new_request.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "gossamer/io/memory.hpp"
#include "http/ascii.hpp"
#include "http/quote.hpp"

namespace gossamer::inline v0::http {

namespace {

using body_result = std::pair<io::read_closer, gossamer::error>;

io::read_closer reads_text(std::string text) {
  return io::nop_closer(std::make_shared<io::string_reader>(std::move(text)));
}

// `size` bytes from `start` of what `of`, a string_reader, has: they stay there, wherever it has been read to.
body_result read_again(const io::reader& of, std::int64_t start, std::size_t size) {
  std::string text(size, '\0');
  const auto [n, err] = of.as<io::string_reader>()->read_at(std::span(text), start);
  text.resize(n);
  return {reads_text(std::move(text)), nullptr};
}

void set_known_body(request& r, io::read_closer body, std::size_t size, std::function<body_result()> get_body) {
  r.content_length = static_cast<std::int64_t>(size);
  if (size == 0) {
    r.body = no_body();
    r.get_body = [] { return body_result(no_body(), nullptr); };
    return;
  }
  r.body = std::move(body);
  r.get_body = std::move(get_body);
}

void set_text_reader(request& r, io::read_closer body, io::string_reader& text) {
  const std::int64_t start = text.seek(0, io::seek_from::current).first;
  const std::size_t size = text.size();
  const io::reader source = body;
  set_known_body(r, std::move(body), size, [source, start, size] { return read_again(source, start, size); });
}

}  // namespace

gossamer::error fill_request(request& r, std::string_view method, std::string_view url) {
  r.method = method.empty() ? "GET" : method;
  if (!is_token(r.method)) {
    return errors::make("net/http: invalid method ", quote(r.method));
  }
  auto [u, err] = parse_url(url);
  if (err) {
    return err;
  }
  if (u.host.ends_with(':')) {
    u.host.pop_back();  // the scheme's own port
  }
  r.host = u.host;
  r.url = std::move(u);
  return nullptr;
}

void set_body(request& r, const outgoing_body& body) {
  const io::reader& from = body.source();
  if (body.is_text()) {
    io::read_closer text = reads_text(std::string(body.text()));
    set_text_reader(r, text, *text.as<io::string_reader>());
  } else if (auto* const text = from.as<io::string_reader>()) {
    set_text_reader(r, body.source(), *text);
  } else if (auto* const bytes = from.as<io::buffer>()) {
    const auto copy = std::make_shared<const std::string>(bytes->text());
    set_known_body(r, body.source(), copy->size(), [copy] { return body_result(reads_text(*copy), nullptr); });
  } else {
    r.body = body.source();
  }
}

std::pair<request, gossamer::error> new_request(std::string_view method, std::string_view url,
                                                const outgoing_body& body) {
  return new_request_with_context(context::background(), method, url, body);
}

std::pair<request, gossamer::error> new_request_with_context(const context::context& ctx, std::string_view method,
                                                             std::string_view url, const outgoing_body& body) {
  std::pair<request, gossamer::error> made;
  made.second = fill_request(made.first, method, url);
  if (!made.second && !ctx) {
    made.second = errors::make("net/http: nil Context");
  }
  if (!made.second) {
    made.first.set_context(ctx);
    set_body(made.first, body);
  }
  return made;
}

}  // namespace gossamer::inline v0::http
