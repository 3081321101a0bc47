// What type content has.
#include <doctest/doctest.h>
#include <gossamer/http/sniff.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

using namespace gossamer;
using namespace std::string_view_literals;

namespace {

struct row {
  std::string_view content;
  std::string_view type;
};

constexpr std::string_view text = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view binary = "application/octet-stream";

// As Go says.
constexpr row rows[] = {
    {"", text},
    {"hi", text},
    {" \t\r\n\f", text},
    {"{\"a\":1}", text},
    {"\x1b[1m", text},
    {"\xff\x80", text},
    {"\0\1\2"sv, binary},
    {"a\x0b", binary},
    {"\x7f", text},
    {"<!DOCTYPE html>", html},
    {" \n<!doctype HTML>", html},
    {"<!DOCTYPE html", text},
    {"<!DOCTYPE html\n>", text},
    {"<HtMl>", html},
    {"<html", text},
    {"<htmlx>", text},
    {"<head>", html},
    {"<script src", html},
    {"<iframe>", html},
    {"<h1>", html},
    {"<h2>", text},
    {"<div ", html},
    {"<font>", html},
    {"<table>", html},
    {"<a href", html},
    {"<style>", html},
    {"<title>", html},
    {"<b>", html},
    {"<body>", html},
    {"<br>", html},
    {"<p>", html},
    {"<!-- x", html},
    {"<!--x", text},
    {"\v<p>", binary},
    {"  <?xml version", "text/xml; charset=utf-8"},
    {"<?XML", text},
    {"%PDF-1.7", "application/pdf"},
    {" %PDF-1.7", text},
    {"%!PS-Adobe-3.0", "application/postscript"},
    {"\xfe\xff\0a"sv, "text/plain; charset=utf-16be"},
    {"\xff\xfe"
     "a\0"sv,
     "text/plain; charset=utf-16le"},
    {"\xff\xfe", text},
    {"\xef\xbb\xbf\0"sv, text},
    {"\xef\xbb\xbf", text},
    {"\0\0\1\0"sv, "image/x-icon"},
    {"\0\0\2\0"sv, "image/x-icon"},
    {"BM", "image/bmp"},
    {"GIF87a", "image/gif"},
    {"GIF89a", "image/gif"},
    {"RIFF\1\2\3\4WEBPVP8", "image/webp"},
    {"\x89PNG\r\n\x1a\n", "image/png"},
    {"\xff\xd8\xff", "image/jpeg"},
    {"FORM\1\2\3\4AIFF", "audio/aiff"},
    {"ID3", "audio/mpeg"},
    {"OggS\0"sv, "application/ogg"},
    {"MThd\0\0\0\6"sv, "audio/midi"},
    {"RIFF\1\2\3\4AVI ", "video/avi"},
    {"RIFF\1\2\3\4WAVE", "audio/wave"},
    {"RIFF\1\2\3\4XXXX", binary},
    {"\0\0\0\x18"
     "ftypmp42\0\0\0\0isomiso2"sv,
     "video/mp4"},
    {"\0\0\0\x18"
     "ftypisom\0\0\0\0isommp41"sv,
     "video/mp4"},
    {"\0\0\0\x18"
     "ftypisommp41isomiso2"sv,
     binary},  // that is its version
    {"\0\0\0\x18"
     "ftypisom\0\0\0\0isommp4"sv,
     binary},  // not all of the box
    {"\0\0\0\x17"
     "ftypmp42\0\0\0\0isomiso2"sv,
     binary},
    {"\0\0\0\0"
     "ftypmp42\0\0\0\0"sv,
     binary},
    {"\x1a\x45\xdf\xa3", "video/webm"},
    {"0123456789012345678901234567890123LP", "application/vnd.ms-fontobject"},
    {"\0\1\0\0"sv, "font/ttf"},
    {"OTTO", "font/otf"},
    {"ttcf", "font/collection"},
    {"wOFF", "font/woff"},
    {"wOF2", "font/woff2"},
    {"\x1f\x8b\b", "application/x-gzip"},
    {"PK\3\4", "application/zip"},
    {"Rar!\x1a\a\0"sv, "application/x-rar-compressed"},
    {"Rar!\x1a\a\1\0"sv, "application/x-rar-compressed"},
    {"\0asm"sv, "application/wasm"},
};

}  // namespace

TEST_CASE("http detect_content_type: says what Go says") {
  for (const row& r : rows) {
    CHECK_MESSAGE(http::detect_content_type(r.content) == r.type, r.content);
  }
  // Any bytes.
  constexpr std::array png{std::byte{0x89}, std::byte{'P'},  std::byte{'N'},  std::byte{'G'},
                           std::byte{'\r'}, std::byte{'\n'}, std::byte{0x1a}, std::byte{'\n'}};
  CHECK(http::detect_content_type(png) == "image/png");
}

TEST_CASE("http detect_content_type: looks at 512 bytes") {
  const std::string letters(http::sniff_length, 'a');
  CHECK(http::detect_content_type(letters + '\0') == text);
  CHECK(http::detect_content_type(letters.substr(1) + '\0') == binary);
  CHECK(http::detect_content_type(std::string(509, ' ') + "<p>") == html);
  CHECK(http::detect_content_type(std::string(510, ' ') + "<p>") == text);
}

TEST_CASE("http type_by_extension: knows Go's own table, of any case") {
  CHECK(http::type_by_extension(".html") == html);
  CHECK(http::type_by_extension(".HTML") == html);
  CHECK(http::type_by_extension(".txt") == text);
  CHECK(http::type_by_extension(".js") == "text/javascript; charset=utf-8");
  CHECK(http::type_by_extension(".json") == "application/json");
  CHECK(http::type_by_extension(".ai") == "application/postscript");
  CHECK(http::type_by_extension(".zip") == "application/zip");
  CHECK(http::type_by_extension(".shtml") == html);
  CHECK(http::type_by_extension("html").empty());
  CHECK(http::type_by_extension(".").empty());
  CHECK(http::type_by_extension("").empty());
  CHECK(http::type_by_extension(".none").empty());
  CHECK(http::type_by_extension(".longer than any").empty());
}
