// Forms that requests bring; results and texts are Go's.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/max_bytes.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/test.hpp"
#include "gossamer/io.hpp"

using namespace gossamer;

namespace {

http::request post(std::string_view target, std::string_view type, std::string_view body) {
  http::request r = http::test::new_request("POST", target, body);
  r.header.set("Content-Type", type);
  return r;
}

constexpr std::string_view urlencoded = "application/x-www-form-urlencoded";
constexpr std::string_view multipart_type = "multipart/form-data; boundary=b";
constexpr std::string_view multipart_body =
    "--b\r\nContent-Disposition: form-data; name=x\r\n\r\nmulti\r\n"
    "--b\r\nContent-Disposition: form-data; name=f; filename=\"dir/f.txt\"\r\n\r\ncontent\r\n--b--\r\n";

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("http form: the body's values stand before the query's") {
  http::request r = post("/?x=query&y=2", urlencoded, "x=body&z=3");
  CHECK(r.form().empty());
  CHECK_FALSE(r.parse_form());
  CHECK(r.form().all("x") == list{"body", "query"});
  CHECK(r.form().get("y") == "2");
  CHECK(r.post_form().all("x") == list{"body"});
  CHECK_FALSE(r.post_form().has("y"));
  CHECK_FALSE(r.parse_form());  // nothing is read again
  CHECK(r.form().all("x") == list{"body", "query"});
}

TEST_CASE("http form: values are read when they are asked for") {
  http::request r = post("/?x=query", urlencoded, "x=body");
  CHECK(r.form_value("x") == "body");
  CHECK(r.form_value("none").empty());
  http::request s = post("/?x=query", urlencoded, "x=body");
  CHECK(s.post_form_value("x") == "body");
  http::request get = http::test::new_request("GET", "/?x=query", "x=body");
  get.header.set("Content-Type", urlencoded);
  CHECK(get.form_value("x") == "query");
  CHECK(get.post_form_value("x").empty());
}

TEST_CASE("http form: errors, with what could be read") {
  http::request r = post("/?a=1&b=%zz", urlencoded, "x=1;y=2&z=3");
  CHECK(r.parse_form().text() == "invalid semicolon separator in query");
  CHECK(r.form() == http::values{{"a", "1"}, {"z", "3"}});
  http::request s = post("/?a=1&b=%zz", "text/plain", "x=1");
  CHECK(s.parse_form().text() == "invalid URL escape \"%zz\"");
  CHECK(s.form() == http::values{{"a", "1"}});
  http::request t = post("/", "a b", "x=1");
  CHECK(t.parse_form().text() == "mime: expected slash after first token");
  http::request none;
  none.method = "POST";
  CHECK(none.parse_form().text() == "missing form body");
}

TEST_CASE("http form: no more than 10 MiB, unless the body has a bound of its own") {
  const std::string large = "x=" + std::string(std::size_t{10} << 20U, 'a');
  http::request r = post("/", urlencoded, large);
  CHECK(r.parse_form().text() == "http: POST too large");
  CHECK(r.form().empty());
  http::test::recorder w;
  http::request s = post("/", urlencoded, large);
  s.body = http::max_bytes_reader(w, s.body, std::int64_t{11} << 20U);
  CHECK_FALSE(s.parse_form());
  CHECK(s.form_value("x").size() == large.size() - 2);
  http::request t = post("/", urlencoded, "x=123");
  t.body = http::max_bytes_reader(w, t.body, 3);
  CHECK(t.parse_form().text() == "http: request body too large");
}

TEST_CASE("http form: several parts, with a file") {
  http::request r = post("/?x=query", multipart_type, multipart_body);
  CHECK_FALSE(r.parse_multipart_form(1000));
  CHECK(r.form().all("x") == list{"query", "multi"});
  CHECK(r.post_form().all("x") == list{"multi"});
  CHECK(r.multipart_form()->value.get("x") == "multi");
  const auto [f, h, err] = r.form_file("f");
  CHECK_FALSE(err);
  CHECK(h.file_name == "f.txt");
  CHECK(h.size == 7);
  CHECK(io::read_all(f).first == "content");
  CHECK(std::get<2>(r.form_file("g")) == http::missing_file);
  CHECK(r.multipart_reader().second.text() == "http: multipart handled by ParseMultipartForm");
  CHECK_FALSE(r.parse_multipart_form(1000));
}

TEST_CASE("http form: a copy has the same form, and a request used again has none") {
  http::request r = post("/", multipart_type, multipart_body);
  CHECK(r.form_value("x") == "multi");
  http::request copy = r;
  r.reset(nullptr);
  CHECK(r.multipart_form() == nullptr);
  CHECK(r.form().empty());
  CHECK(copy.form_value("x") == "multi");
  CHECK(io::read_all(std::get<0>(copy.form_file("f"))).first == "content");
}

TEST_CASE("http form: what is no form of several parts") {
  http::request r = post("/", "text/plain", "x");
  CHECK(r.parse_multipart_form(0) == http::not_multipart);
  CHECK(std::get<2>(r.form_file("f")).text() == "request Content-Type isn't multipart/form-data");
  http::request s = post("/", "multipart/form-data", "x");
  CHECK(s.parse_multipart_form(0) == http::missing_boundary);
  CHECK(http::missing_boundary.text() == "no multipart boundary param in Content-Type");
  http::request t = post("/", "multipart/mixed; boundary=b", std::string(multipart_body));
  CHECK(t.parse_multipart_form(0) == http::not_multipart);
  http::request cut = post("/", multipart_type, multipart_body.substr(0, 20));
  CHECK(cut.parse_multipart_form(0).text() == "malformed MIME header: missing colon: \"Content-Disposi\"");
  CHECK(std::get<2>(cut.form_file("f")).text() == "multipart: NextPart: EOF");
}

TEST_CASE("http form: part by part, once") {
  http::request r = post("/", "multipart/mixed; boundary=b", multipart_body);
  const auto [parts, err] = r.multipart_reader();
  CHECK_FALSE(err);
  CHECK(parts.next_part().first.form_name() == "x");
  CHECK(parts.next_part().first.file_name() == "f.txt");
  CHECK(parts.next_part().second == io::eof);
  CHECK(r.multipart_reader().second.text() == "http: MultipartReader called twice");
  CHECK(r.parse_multipart_form(0).text() == "http: multipart handled by MultipartReader");
  CHECK(std::get<2>(r.form_file("f")).text() == "http: multipart handled by MultipartReader");
  CHECK(r.form_value("x").empty());
}
