// Media types and their parameters; results and texts are Go's.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "gossamer/http/media_type.hpp"

using namespace gossamer;

namespace {

// `type|name=value|... error`
std::string read(std::string_view text) {
  const auto [type, all, err] = http::mime::parse_media_type(text);
  std::string out = type;
  for (const auto& [name, value] : all) {
    out += "|" + name + "=" + value;
  }
  return err ? out + " " + err.text() : out;
}

}  // namespace

TEST_CASE("http media type: types and parameters") {
  CHECK(read("text/html") == "text/html");
  CHECK(read("Text/HTML; Charset=UTF-8") == "text/html|charset=UTF-8");
  CHECK(read("text/html ; q = 1") == "text/html|q=1");
  CHECK(read("text/html; ") == "text/html");
  CHECK(read("x/y; a={b}; c=\"\"") == "x/y|a={b}|c=");
  CHECK(read("x; a=b; a=b") == "x|a=b");
  CHECK(read(R"(text/html; a="b\"c\d")") == R"(text/html|a=b"c\d)");
  CHECK(read(R"(x; filename="C:\dir\f.txt")") == R"(x|filename=C:\dir\f.txt)");
}

TEST_CASE("http media type: parameters in pieces, and encoded") {
  CHECK(read("form-data; filename*=UTF-8''na%C3%AFve%20f.txt") == "form-data|filename=na\xc3\xafve f.txt");
  CHECK(read("x; filename*0=\"ab\"; filename*1=\"cd\"") == "x|filename=abcd");
  CHECK(read("x; filename*0*=utf-8''%61b; filename*1*=%63d; filename*2=e") == "x|filename=abcde");
  CHECK(read("x; n*0*=us-ascii'en'%41; n*1=%42;n*3=z") == "x|n=A%42");
  CHECK(read("x; filename*=iso-8859-1''x") == "x");
  CHECK(read("x; filename*=utf-8''%zz") == "x");
  CHECK(read("x; a*2=b") == "x");
}

TEST_CASE("http media type: what is malformed") {
  CHECK(read("") == " mime: no media type");
  CHECK(read("text/") == " mime: expected token after slash");
  CHECK(read("x y") == " mime: expected slash after first token");
  CHECK(read("text/html/x") == " mime: unexpected content after media subtype");
  CHECK(read("text/html; a=b; a=c") == " mime: duplicate parameter name");
  for (const std::string_view rest : {"a", "a=\"unterminated", "a=b c", "a=b;;c=d", "a="}) {
    CHECK(read("text/html; " + std::string(rest)) == "text/html mime: invalid media parameter");
  }
}

TEST_CASE("http media type: written") {
  using http::mime::format_media_type;
  CHECK(format_media_type("Text/HTML", {{"Charset", "utf-8"}}) == "text/html; charset=utf-8");
  CHECK(format_media_type("a", {{"b", "c d"}, {"a", "\"\\"}}) == R"(a; a="\"\\"; b="c d")");
  CHECK(format_media_type("a", {{"b", ""}}) == "a; b=\"\"");
  CHECK(format_media_type("a", {{"b", "x\ny"}}) == "a; b*=utf-8''x%0Ay");
  CHECK(format_media_type("a", {{"b", "\xc3\xa9(%'*)"}}) == "a; b*=utf-8''%C3%A9%28%25%27%2A%29");
  CHECK(format_media_type("a b").empty());
  CHECK(format_media_type("a/b/c").empty());
  CHECK(format_media_type("a", {{"b c", "d"}}).empty());
}
