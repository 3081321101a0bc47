// JSON in requests and answers; what is written is what Go's encoder writes.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/json.hpp"
#include "gossamer/http/max_bytes.hpp"
#include "gossamer/http/test.hpp"
#include "gossamer/io.hpp"

using namespace gossamer;
namespace bj = boost::json;

namespace {

std::string text(const bj::value& v) {
  const auto [text, err] = http::json_text(v);
  return err ? err.text() : text;
}

http::request post(std::string_view body) { return http::test::new_request("POST", "/", body); }

struct point {
  int x = 0, y = 0;
  friend bool operator==(const point&, const point&) = default;
};
void tag_invoke(bj::value_from_tag, bj::value& to, const point& p) { to = {{"x", p.x}, {"y", p.y}}; }
point tag_invoke(bj::value_to_tag<point>, const bj::value& v) {
  return {bj::value_to<int>(v.at("x")), bj::value_to<int>(v.at("y"))};
}

}  // namespace

TEST_CASE("http json: an answer has its type, a status and a line's end") {
  http::test::recorder w;
  CHECK_FALSE(http::json(w, point{1, 2}, http::status_created));
  CHECK(w.code == 201);
  CHECK(w.sent().get("Content-Type") == "application/json");
  CHECK(w.body == "{\"x\":1,\"y\":2}\n");
  http::test::recorder other;
  other.header().set("Content-Type", "application/problem+json");
  CHECK_FALSE(http::json(other, {{"b", 1}, {"a", {1, "x", nullptr, true}}}));
  CHECK(other.sent().get("Content-Type") == "application/problem+json");
  CHECK(other.body == "{\"b\":1,\"a\":[1,\"x\",null,true]}\n");
  http::test::recorder third;
  CHECK_FALSE(http::json(third, std::map<std::string, std::vector<int>>{{"k", {1, 2}}, {"e", {}}}));
  CHECK(third.body == "{\"e\":[],\"k\":[1,2]}\n");
}

TEST_CASE("http json: texts are escaped as Go does") {
  CHECK(text("a\"\\\b\f\n\r\t\x01\x7f<>&/\xc3\xa9") ==
        "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\\u003c\\u003e\\u0026/\xc3\xa9\"");
  CHECK(text("\xe2\x80\xa8\xe2\x80\xa9") == "\"\\u2028\\u2029\"");
  CHECK(text("\xff\xc3z") == "\"\xef\xbf\xbd\xef\xbf\xbdz\"");
  CHECK(text(bj::object{{"a<", ""}}) == "{\"a\\u003c\":\"\"}");
}

TEST_CASE("http json: numbers are written as Go does") {
  CHECK(text(bj::array{-5, 18446744073709551615U, 1.0, 0.1, 123456789.125}) ==
        "[-5,18446744073709551615,1,0.1,123456789.125]");
  CHECK(text(bj::array{1e20, 1e21, 1e-6, 1e-7, 5e-324, -0.0}) ==
        "[100000000000000000000,1e+21,0.000001,1e-7,5e-324,-0]");
  CHECK(text(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
}

TEST_CASE("http json: what is no number is an error, and nothing is written") {
  http::test::recorder w;
  CHECK(http::json(w, bj::array{1, std::nan("")}).text() == "json: unsupported value: NaN");
  CHECK(w.body.empty());
  CHECK(w.sent().empty());
  CHECK(text(HUGE_VAL) == "json: unsupported value: +Inf");
  CHECK(text(-HUGE_VAL) == "json: unsupported value: -Inf");
}

TEST_CASE("http json: a body is read") {
  http::request r = post(" {\"a\": [1, 2.5, \"\\u00e9\"]} ");
  const auto [v, err] = http::read_json(r);
  CHECK_FALSE(err);
  CHECK(text(v) == "{\"a\":[1,2.5,\"\xc3\xa9\"]}");
  http::request s = post("[{\"x\":1,\"y\":2}]");
  CHECK(http::read_json_as<std::vector<point>>(s).first == std::vector<point>{{1, 2}});
}

TEST_CASE("http json: what cannot be read is an error") {
  http::request bad = post("{\"a\":}");
  const gossamer::error err = http::read_json(bad).second;
  CHECK(err.text() == "json: syntax error");
  CHECK(errors::to_code<bj::error_code>(err) == bj::error::syntax);
  http::request extra = post("{} {}");
  CHECK(http::read_json(extra).second.text() == "json: extra data");
  http::request cut = post("[1,");
  CHECK(http::read_json(cut).second.text() == "json: incomplete JSON");
  http::request empty = post("");
  CHECK(http::read_json(empty).second == io::eof);
  http::request deep = post(std::string(40, '['));
  CHECK(http::read_json(deep).second.text() == "json: too deep");
  http::request other = post("{}");
  CHECK(http::read_json_as<std::vector<int>>(other).second);
  http::request none;
  CHECK(http::read_json(none).second.text() == "invalid argument");
}

TEST_CASE("http json: no more than the limit") {
  http::request fits = post("[1,2]");
  CHECK_FALSE(http::read_json(fits, 5).second);
  http::request beyond = post("[1,2] ");
  const gossamer::error err = http::read_json(beyond, 5).second;
  CHECK(err.text() == "http: request body too large");
  CHECK(errors::as<http::max_bytes_error>(err) != nullptr);
}
