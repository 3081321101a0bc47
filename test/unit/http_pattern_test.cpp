// Patterns of serve_mux: which are malformed, and which cannot stand beside each other. Texts were asked of Go 1.27.
#include <doctest/doctest.h>

#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/errors.hpp"
#include "gossamer/http/serve_mux.hpp"
#include "gossamer/panic.hpp"

using namespace gossamer;

namespace {

void answer_nothing(http::response_writer&, http::request&) {}

// Empty where it panics not.
std::string panic_of(const http::serve_mux& mux, std::string_view pattern, http::handler h = answer_nothing) {
  try {
    mux.handle(pattern, std::move(h));
  } catch (const panic_error& p) {
    CHECK(p.value<error>() != nullptr);
    return p.text();
  }
  return {};
}

struct pair_row {
  std::string_view first, second, why;
};
// The second is registered after the first.
const std::vector<pair_row> pairs{
    {"/a/b", "GET /a/{x}", "GET /a/{x} matches fewer methods than /a/b, but has a more general path pattern"},
    {"GET /{x}", "/a", "/a matches more methods than GET /{x}, but has a more specific path pattern"},
    {"/q/{a}", "/q/{b}", "/q/{b} matches the same requests as /q/{a}"},
    {"/a/{x}/c", "/a/b/{y}",
     "/a/b/{y} and /a/{x}/c both match some paths, like \"/a/b/c\".\nBut neither is more specific than the "
     "other.\n/a/b/{y} matches \"/a/b/y\", but /a/{x}/c doesn't.\n/a/{x}/c matches \"/a/x/c\", but /a/b/{y} doesn't."},
    {"/", "/", "/ matches the same requests as /"},
    {"/{x...}", "/", "/ matches the same requests as /{x...}"},
    {"/a/", "/{x}/b",
     "/{x}/b and /a/ both match some paths, like \"/a/b\".\nBut neither is more specific than the other.\n/{x}/b "
     "matches \"/x/b\", but /a/ doesn't.\n/a/ matches \"/a/\", but /{x}/b doesn't."},
    {"/a/", "/{x}/{$}",
     "/{x}/{$} and /a/ both match some paths, like \"/a/\".\nBut neither is more specific than the other.\n/{x}/{$} "
     "matches \"/x/\", but /a/ doesn't.\n/a/ matches \"/a/x\", but /{x}/{$} doesn't."},
    {"/a/{a...}", "/{a}/b/{$}",
     "/{a}/b/{$} and /a/{a...} both match some paths, like \"/a/b/\".\nBut neither is more specific than the "
     "other.\n/{a}/b/{$} matches \"/ax/b/\", but /a/{a...} doesn't.\n/a/{a...} matches \"/a/\", but /{a}/b/{$} "
     "doesn't."},
    {"GET /a/{x}", "/a/b", "/a/b matches more methods than GET /a/{x}, but has a more specific path pattern"},
    {"HEAD /", "GET /a", "GET /a matches more methods than HEAD /, but has a more specific path pattern"},
    {"/{b}/b", "/a/{b...}",
     "/a/{b...} and /{b}/b both match some paths, like \"/a/b\".\nBut neither is more specific than the "
     "other.\n/a/{b...} matches \"/a/\", but /{b}/b doesn't.\n/{b}/b matches \"/b/b\", but /a/{b...} doesn't."},
    {"h/a", "h/a", "h/a matches the same requests as h/a"},
    {"GET /a/{x}/", "/a/{y}/{z...}", ""},
    {"/{a}/{b}", "/{c}/{b...}", ""},
    {"/x/{y}", "/{x}/y",
     "/{x}/y and /x/{y} both match some paths, like \"/x/y\".\nBut neither is more specific than the other.\n/{x}/y "
     "matches \"/xx/y\", but /x/{y} doesn't.\n/x/{y} matches \"/x/yx\", but /{x}/y doesn't."},
    {"/%61", "/a", "/a matches the same requests as /%61"},
    {"/s/{$}", "/s/", ""},
    {"h/a", "/a", ""},
    {"HEAD /z", "GET /z", ""},
    {"GET /k/{a}", "HEAD /k/b", ""},
    {"/a", "/a/", ""},
    {"/{a}", "/a", ""},
    {"/{a}/", "/a/b/", ""},
    {"GET /a", "POST /a", ""},
    {"/{a}", "/{$}", ""},
    {"h/{a}", "g/{b}", ""},
};

struct bad_row {
  std::string_view pattern, text;
};
const std::vector<bad_row> malformed{
    {"", "http: invalid pattern"},
    {"a", "parsing \"a\": at offset 0: host/path missing /"},
    {"GET", "parsing \"GET\": at offset 0: host/path missing /"},
    {"GET  a", "parsing \"GET  a\": at offset 4: host/path missing /"},
    {"/a/{}", "parsing \"/a/{}\": at offset 3: empty wildcard"},
    {"/a{x}", "parsing \"/a{x}\": at offset 1: bad wildcard segment (must start with '{')"},
    {"/{x}a", "parsing \"/{x}a\": at offset 1: bad wildcard segment (must end with '}')"},
    {"/{x", "parsing \"/{x\": at offset 1: bad wildcard segment (must end with '}')"},
    {"/{a...}/b", "parsing \"/{a...}/b\": at offset 1: {...} wildcard not at end"},
    {"/{$}/b", "parsing \"/{$}/b\": at offset 1: {$} not at end"},
    {"/{x}/{x}", "parsing \"/{x}/{x}\": at offset 5: duplicate wildcard name \"x\""},
    {"/{x}/{x...}", "parsing \"/{x}/{x...}\": at offset 5: duplicate wildcard name \"x\""},
    {"h{a}/", "parsing \"h{a}/\": at offset 1: host contains '{' (missing initial '/'?)"},
    {"{a}/b", "parsing \"{a}/b\": at offset 0: host contains '{' (missing initial '/'?)"},
    {"/{1a}", "parsing \"/{1a}\": at offset 1: bad wildcard name \"1a\""},
    {"/{a-b}", "parsing \"/{a-b}\": at offset 1: bad wildcard name \"a-b\""},
    {"/{...}", "parsing \"/{...}\": at offset 1: empty wildcard"},
    {"/{$x}", "parsing \"/{$x}\": at offset 1: bad wildcard name \"$x\""},
    {"G@T /", "parsing \"G@T /\": at offset 0: invalid method \"G@T\""},
    {"GET /a/../b", "parsing \"GET /a/../b\": at offset 4: non-CONNECT pattern with unclean path can never match"},
    {"GET //a", "parsing \"GET //a\": at offset 4: non-CONNECT pattern with unclean path can never match"},
    {"POST /a//", "parsing \"POST /a//\": at offset 5: non-CONNECT pattern with unclean path can never match"},
    {"/{a", "parsing \"/{a\": at offset 1: bad wildcard segment (must end with '}')"},
    {"/a/b}/{", "parsing \"/a/b}/{\": at offset 6: bad wildcard segment (must end with '}')"},
    {"GET  /a/{}", "parsing \"GET  /a/{}\": at offset 8: empty wildcard"},
};

}  // namespace

TEST_CASE("http pattern: what conflicts panics with both places and the reason") {
  for (const auto& [first, second, why] : pairs) {
    CAPTURE(first);
    CAPTURE(second);
    const http::serve_mux mux;
    CHECK(panic_of(mux, first).empty());
    const std::string text = panic_of(mux, second);
    if (why.empty()) {
      CHECK(text.empty());
      continue;
    }
    const auto named = [](std::string_view p) { return "pattern \"" + std::string(p) + "\" (registered at "; };
    CHECK(text.starts_with(named(second)));
    CHECK(text.find(") conflicts with " + named(first)) != text.npos);
    CHECK(text.ends_with("):\n" + std::string(why)));
  }
}

TEST_CASE("http pattern: places are those of the calls") {
  const http::serve_mux mux;
  const auto here = std::source_location::current();
  mux.handle_func("/a", answer_nothing);
  std::string text;
  try {
    mux.handle_func("/a", answer_nothing);
  } catch (const panic_error& p) {
    text = p.text();
  }
  const auto place = [&here](unsigned lines) {
    return "(registered at " + std::string(here.file_name()) + ":" + std::to_string(here.line() + lines) + ")";
  };
  CHECK(text == "pattern \"/a\" " + place(4) + " conflicts with pattern \"/a\" " + place(1) +
                    ":\n/a matches the same requests as /a");
}

TEST_CASE("http pattern: of several conflicts the first pattern counts, and those with a rest before") {
  const http::serve_mux mux;
  mux.handle_func("GET /a/b", answer_nothing);
  mux.handle_func("GET /a/{x}/c", answer_nothing);
  mux.handle_func("GET /{x}/", answer_nothing);
  CHECK(panic_of(mux, "/a/{y...}").find("conflicts with pattern \"GET /{x}/\"") != std::string::npos);
  CHECK(panic_of(mux, "PUT /a/{y...}").empty());
}

TEST_CASE("http pattern: malformed ones panic with what is wrong and where") {
  for (const auto& [pattern, text] : malformed) {
    CAPTURE(pattern);
    CHECK(panic_of(http::serve_mux(), pattern) == text);
  }
}

TEST_CASE("http pattern: odd ones that are none the less accepted") {
  for (const char* const p : {"//a", "/a/../b", "GET  /a", "GET\t/b", "g!#t /", "/{_a1}/{B}", "CONNECT /a/../b", "/a}",
                              " /x", "/{\u00e9}", "/%zz"}) {
    CAPTURE(p);
    CHECK(panic_of(http::serve_mux(), p).empty());
  }
}

TEST_CASE("http pattern: a handler is needed") {
  CHECK(panic_of(http::serve_mux(), "/", nullptr) == "http: nil handler");
  void (*none)(http::response_writer&, http::request&) = nullptr;
  CHECK(panic_of(http::serve_mux(), "/", none) == "http: nil handler");
}
