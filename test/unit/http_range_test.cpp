// Parts of a content, and conditions on it.
#include <doctest/doctest.h>
#include <gossamer/errors.hpp>
#include <gossamer/http/file_server.hpp>
#include <gossamer/http/test.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fiber_test.hpp"
#include "http/ranges.hpp"
#include "http_probe.hpp"
#include "http_tree.hpp"

using namespace gossamer;

namespace {

constexpr std::string_view whole = "0123456789";
constexpr std::string_view list = support::tree_list;
constexpr std::string_view bad = "invalid range\n";
constexpr std::string_view outside = "invalid range: failed to overlap\n";

// As Go answers them; see http_probe.
constexpr support::probe rows[] = {
    {"GET /file.txt|Range: bytes=0-0", "206 AR; len 1; range bytes 0-0/10; text; LM", "0"},
    {"GET /file.txt|Range: bytes=2-5", "206 AR; len 4; range bytes 2-5/10; text; LM", "2345"},
    {"HEAD /file.txt|Range: bytes=2-5", "206 AR; len 4; range bytes 2-5/10; text; LM", ""},
    {"POST /file.txt|Range: bytes=2-5", "206 AR; len 4; range bytes 2-5/10; text; LM", "2345"},
    {"GET /file.txt|Range: bytes=5-", "206 AR; len 5; range bytes 5-9/10; text; LM", "56789"},
    {"GET /file.txt|Range: bytes=-3", "206 AR; len 3; range bytes 7-9/10; text; LM", "789"},
    {"GET /file.txt|Range: bytes=-30", "206 AR; len 10; range bytes 0-9/10; text; LM", whole},
    {"GET /file.txt|Range: bytes=9-20", "206 AR; len 1; range bytes 9-9/10; text; LM", "9"},
    {"GET /file.txt|Range: bytes=0-9", "206 AR; len 10; range bytes 0-9/10; text; LM", whole},
    {"GET /file.txt|Range: bytes=10-", "416 range bytes */10; text; nosniff", outside},
    {"GET /file.txt|Range: bytes=10-20", "416 range bytes */10; text; nosniff", outside},
    {"GET /file.txt|Range: bytes=5-4", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=x", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=1", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=--1", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=1-2-3", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=-", "416 text; nosniff", bad},
    {"GET /file.txt|Range: items=0-1", "416 text; nosniff", bad},
    {"GET /file.txt|Range: Bytes=0-1", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes= 1 - 2 ", "206 AR; len 2; range bytes 1-2/10; text; LM", "12"},
    {"GET /file.txt|Range: bytes=1-2,,", "206 AR; len 2; range bytes 1-2/10; text; LM", "12"},
    {"GET /file.txt|Range: bytes=,", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes=1-2,20-30", "206 AR; len 2; range bytes 1-2/10; text; LM", "12"},
    {"GET /file.txt|Range: bytes=20-30,40-50", "416 range bytes */10; text; nosniff", outside},
    {"GET /file.txt|Range: bytes=0-0,-1", "206 AR; len 344; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     "--BOUNDARY\r\nContent-Range: bytes 0-0/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n0\r\n--BOUNDARY\r\nContent-Range: bytes 9-9/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n9\r\n--BOUNDARY--\r\n"},
    {"HEAD /file.txt|Range: bytes=0-0,-1", "206 AR; len 344; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     ""},
    {"GET /file.txt|Range: bytes=0-1,3-4,8-",
     "206 AR; len 486; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     "--BOUNDARY\r\nContent-Range: bytes 0-1/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n01\r\n--BOUNDARY\r\nContent-Range: bytes 3-4/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n34\r\n--BOUNDARY\r\nContent-Range: bytes 8-9/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n89\r\n--BOUNDARY--\r\n"},
    {"GET /bin|Range: bytes=0-0,2-2",
     "206 AR; len 340; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     {"--BOUNDARY\r\nContent-Range: bytes 0-0/3\r\nContent-Type: "
      "application/octet-stream\r\n\r\n\0\r\n--BOUNDARY\r\nContent-Range: bytes 2-2/3\r\nContent-Type: "
      "application/octet-stream\r\n\r\n\2\r\n--BOUNDARY--\r\n",
      184}},
    {"GET /file.txt|Range: bytes=0-5,2-7", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes=0-4,5-9", "206 AR; len 352; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     "--BOUNDARY\r\nContent-Range: bytes 0-4/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n01234\r\n--BOUNDARY\r\nContent-Range: bytes 5-9/10\r\nContent-Type: text/plain; "
     "charset=utf-8\r\n\r\n56789\r\n--BOUNDARY--\r\n"},
    {"GET /file.txt|Range: bytes=0-9223372036854775807", "206 AR; len 10; range bytes 0-9/10; text; LM", whole},
    {"GET /file.txt|Range: bytes=0-9223372036854775808", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=99999999999999999999-", "416 text; nosniff", bad},
    {"GET /file.txt|Range: bytes=-9223372036854775807", "206 AR; len 10; range bytes 0-9/10; text; LM", whole},
    {"GET /empty|Range: bytes=0-", "200 AR; len 0; text; LM", ""},
    {"GET /empty|Range: bytes=5-9", "200 AR; len 0; text; LM", ""},
    {"GET /dir/|Range: bytes=0-4", "200 html; LM", list},
    {"GET /site/|Range: bytes=0-4", "206 AR; len 5; range bytes 0-4/20; html; LM", "<!doc"},
    {"GET /file.txt|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "304 LM", ""},
    {"GET /file.txt|If-Modified-Since: Thursday, 02-Jan-20 03:04:05 GMT", "304 LM", ""},
    {"GET /file.txt|If-Modified-Since: Thu Jan  2 03:04:05 2020", "304 LM", ""},
    {"GET /file.txt|If-Modified-Since: Thu, 02 Jan 2020 03:04:04 GMT", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|If-Modified-Since: Thu, 02 Jan 2020 03:04:06 GMT", "304 LM", ""},
    {"GET /file.txt|If-Modified-Since: yesterday", "200 AR; len 10; text; LM", whole},
    {"POST /file.txt|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "200 AR; len 10; text; LM", whole},
    {"HEAD /file.txt|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "304 LM", ""},
    {"GET /dir/|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "304", ""},
    {"GET /dir/|If-Modified-Since: Thu, 02 Jan 2020 03:04:04 GMT", "200 html; LM", list},
    {"GET /file.txt|If-Unmodified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT", "412 LM", ""},
    {"POST /file.txt|If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT", "412 LM", ""},
    {"GET /file.txt|If-Match: *", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|If-Match: \"x\"", "412 LM", ""},
    {"GET /file.txt|If-None-Match: *", "304 LM", ""},
    {"POST /file.txt|If-None-Match: *", "412 LM", ""},
    {"GET /file.txt|If-None-Match: \"x\"", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|If-None-Match: \"x\"|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT", "200 AR; len 10; text; LM",
     whole},
    {"GET /file.txt|Range: bytes=0-0|If-Range: Thu, 02 Jan 2020 03:04:05 GMT",
     "206 AR; len 1; range bytes 0-0/10; text; LM", "0"},
    {"GET /file.txt|Range: bytes=0-0|If-Range: Thu, 02 Jan 2020 03:04:04 GMT", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes=0-0|If-Range: Thu, 02 Jan 2020 03:04:06 GMT", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes=0-0|If-Range: \"x\"", "200 AR; len 10; text; LM", whole},
    {"GET /file.txt|Range: bytes=0-0|If-Range: x", "200 AR; len 10; text; LM", whole},
    {"GET /etag/a.txt|If-None-Match: \"v1\"", "304 Cache-Control: max-age=1; Etag: \"v1\"", ""},
    {"HEAD /etag/a.txt|If-None-Match: \"v1\"", "304 Cache-Control: max-age=1; Etag: \"v1\"", ""},
    {"POST /etag/a.txt|If-None-Match: \"v1\"", "412 Cache-Control: max-age=1; Etag: \"v1\"; LM", ""},
    {"GET /etag/a.txt|If-None-Match: W/\"v1\"", "304 Cache-Control: max-age=1; Etag: \"v1\"", ""},
    {"GET /etag/a.txt|If-None-Match: \"v0\", \"v1\"", "304 Cache-Control: max-age=1; Etag: \"v1\"", ""},
    {"GET /etag/a.txt|If-None-Match: ,\"v0\" ,W/\"v1\"", "304 Cache-Control: max-age=1; Etag: \"v1\"", ""},
    {"GET /etag/a.txt|If-None-Match: \"v0\" x \"v1\"",
     "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|If-None-Match: v1", "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|If-None-Match: \"v1", "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|If-None-Match: \"v0\"|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT",
     "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|If-Match: \"v1\"", "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|If-Match: W/\"v1\"", "412 Cache-Control: max-age=1; Etag: \"v1\"; LM", ""},
    {"GET /etag/a.txt|If-Match: \"v0\"", "412 Cache-Control: max-age=1; Etag: \"v1\"; LM", ""},
    {"GET /etag/a.txt|If-Match: \"v0\",\"v1\"|If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT",
     "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|Range: bytes=0-0|If-Range: \"v1\"",
     "206 AR; Cache-Control: max-age=1; len 1; range bytes 0-0/10; text; Etag: \"v1\"; LM", "0"},
    {"GET /etag/a.txt|Range: bytes=0-0|If-Range: W/\"v1\"",
     "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|Range: bytes=0-0|If-Range: \"v0\"",
     "200 AR; Cache-Control: max-age=1; len 10; text; Etag: \"v1\"; LM", whole},
    {"GET /etag/a.txt|Range: bytes=20-", "416 range bytes */10; text; nosniff", outside},
    {"GET /etag/a.txt|Range: x", "416 text; nosniff", bad},
    {"GET /encoded/a.txt|Range: bytes=0-0", "206 AR; Content-Encoding: gzip; len 1; range bytes 0-0/10; text; LM", "0"},
    {"GET /encoded/a.txt|If-None-Match: *", "304 LM", ""},
    {"GET /weak/a.txt|If-None-Match: \"v1\"", "304 Etag: W/\"v1\"", ""},
    {"GET /weak/a.txt|If-Match: W/\"v1\"", "412 Etag: W/\"v1\"; LM", ""},
    {"GET /weak/a.txt|Range: bytes=0-0|If-Range: W/\"v1\"", "200 AR; len 10; text; Etag: W/\"v1\"; LM", whole},
    {"GET /typed/a.txt|Range: bytes=0-0,1-1",
     "206 AR; len 300; Content-Type: multipart/byteranges; boundary=BOUNDARY; LM",
     "--BOUNDARY\r\nContent-Range: bytes 0-0/10\r\nContent-Type: x/y\r\n\r\n0\r\n--BOUNDARY\r\nContent-Range: bytes "
     "1-1/10\r\nContent-Type: x/y\r\n\r\n1\r\n--BOUNDARY--\r\n"},
};

struct cannot_seek {
  template <class R>
  io::result read(R&&) {
    return {0, io::eof};
  }
  io::place seek(std::int64_t, io::seek_from) { return {0, errors::make("the reason, which is nobody's business")}; }
};

std::vector<http::byte_range> ranges_of(std::string_view field, std::int64_t size) {
  const http::parsed_ranges parsed = http::parse_ranges(field, size);
  CHECK(parsed.status == http::range_status::good);
  return parsed.ranges;
}

}  // namespace

FIBER_TEST("http serve_content: ranges and conditions are answered as Go answers them") { support::check_probes(rows); }

TEST_CASE("http ranges: what has no bytes, or a sign, is none") {
  using enum http::range_status;
  CHECK(http::parse_ranges("bytes=-0", 10).status == outside);
  CHECK(http::parse_ranges("bytes=-5", 0).status == outside);
  CHECK(ranges_of("bytes=0-0,-0", 10) == std::vector<http::byte_range>{{0, 1}});
  CHECK(http::parse_ranges("bytes=+1-2", 10).status == malformed);
  CHECK(http::parse_ranges("bytes=1-+2", 10).status == malformed);
  CHECK(http::parse_ranges("bytes=-+2", 10).status == malformed);
  CHECK(http::parse_ranges("bytes=0x1-2", 10).status == malformed);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(ranges_of("bytes=0-", most) == std::vector<http::byte_range>{{0, most}});
  CHECK(http::content_range({0, most}, most) == "bytes 0-9223372036854775806/9223372036854775807");
}

TEST_CASE("http ranges: more than 200 are none") {
  std::string field = "bytes=0-0";
  for (int i = 1; i < 200; i++) {
    field += ",0-0";
  }
  CHECK(ranges_of(field, 1000).size() == 200);
  CHECK(ranges_of(field + ",", 1000).empty());
  CHECK(ranges_of(field + ",x", 1000).empty());
}

FIBER_TEST("http serve_content: what cannot seek is an error without the fields of the content") {
  http::test::recorder rec;
  rec.header().set("ETag", "\"x\"");
  rec.header().set("Cache-Control", "public");
  http::request r = http::test::new_request("GET", "/");
  cannot_seek content;
  http::serve_content(rec, r, "a.txt", {}, &content);
  CHECK(support::probe_answer(rec) == "500 text; nosniff");
  CHECK(rec.body == "seeker can't seek\n");
}

FIBER_TEST("http serve_content: a content without a time, and one of 1970, have no Last-Modified") {
  http::test::recorder rec;
  http::request r = support::probe_request("GET /|If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT");
  http::serve_content(rec, r, "", {}, std::make_shared<io::string_reader>("%PDF-1"));
  CHECK(support::probe_answer(rec) == "200 AR; len 6; Content-Type: application/pdf");
  CHECK(rec.body == "%PDF-1");
}
