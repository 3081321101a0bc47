// Requests that clients make.
#include <gossamer/http/client.hpp>
#include <gossamer/io.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fiber_test.hpp"

using namespace gossamer;

namespace {

http::request made(const http::outgoing_body& body) {
  auto [r, err] = http::new_request("POST", "http://a.test/", body);
  CHECK_FALSE(err);
  return r;
}

std::string error_of(std::string_view method, std::string_view url) {
  return http::new_request(method, url).second.text();
}

std::string again(const http::request& r) {
  auto [body, err] = r.get_body();
  CHECK_FALSE(err);
  return io::read_all(body).first;
}

struct file_like {
  std::shared_ptr<int> closed = std::make_shared<int>(0);
  io::result read(std::span<std::byte>) const { return {0, io::eof}; }
  error close() const {
    ++*closed;
    return nullptr;
  }
};

}  // namespace

TEST_CASE("http new_request: the host is the URL's, and an empty method is GET") {
  auto [r, err] = http::new_request("", "http://u@Host.test:/p?q#f");
  CHECK_FALSE(err);
  CHECK(r.method == "GET");
  CHECK(r.host == "Host.test");
  CHECK(r.url.host == "Host.test");
  CHECK(r.proto == "HTTP/1.1");
  CHECK_FALSE(r.body);
  CHECK(r.content_length == 0);
  CHECK(r.context() == context::background());
  CHECK(http::new_request("get", "http://a.test:80/").first.host == "a.test:80");
}

TEST_CASE("http new_request: what is malformed is told") {
  CHECK(error_of("G T", "http://a.test/") == "net/http: invalid method \"G T\"");
  CHECK(error_of("GET", "http://[::1") == "parse \"http://[::1\": missing ']' in host");
  CHECK(http::new_request_with_context(nil, "GET", "http://a.test/").second.text() == "net/http: nil Context");
}

TEST_CASE("http new_request: a text's length is known, and it can be had again") {
  std::string text = "some text";
  const http::request r = made(text);
  text = "other";
  CHECK(r.content_length == 9);
  CHECK(io::read_all(r.body).first == "some text");
  CHECK(again(r) == "some text");
  CHECK(again(r) == "some text");
  const http::request none = made("");
  CHECK(none.content_length == 0);
  CHECK(none.body == http::no_body());
  CHECK(none.get_body().first == http::no_body());
  CHECK_FALSE(made(nil).body);
}

TEST_CASE("http new_request: so it is of readers of texts, from where they stand, and of buffers") {
  io::string_reader text("0123456789");
  text.seek(4, io::seek_from::start);
  const http::request r = made(&text);
  CHECK(r.content_length == 6);
  CHECK(io::read_all(r.body).first == "456789");
  CHECK(again(r) == "456789");
  const http::request owns = made(std::make_shared<io::string_reader>("abc"));
  CHECK(owns.content_length == 3);
  CHECK(again(owns) == "abc");
  io::buffer bytes("bytes");
  const http::request b = made(&bytes);
  CHECK(b.content_length == 5);
  CHECK(io::read_all(b.body).first == "bytes");
  CHECK(again(b) == "bytes");
}

TEST_CASE("http new_request: of what else can be read nothing is known; what can be closed is closed") {
  const file_like file;
  const http::request r = made(file);
  CHECK(r.body);
  CHECK(r.content_length == 0);
  CHECK_FALSE(r.get_body);
  CHECK_FALSE(r.body.close());
  CHECK(*file.closed == 1);
  io::buffer bytes("x");
  CHECK_FALSE(made(io::limit_reader(&bytes, 1)).body.close());
  CHECK_FALSE(made(io::reader()).body);
}

TEST_CASE("http new_request: a copy has all of it") {
  http::request r = made("text");
  r.response = std::make_shared<const http::response>();
  const http::request copy(r);
  CHECK(copy.response == r.response);
  CHECK(again(copy) == "text");
  r.reset(nullptr);
  CHECK_FALSE(r.get_body);
  CHECK(r.response == nullptr);
  CHECK(again(copy) == "text");
}
