// What was compressed by gzip. Source of the texts: Go's compress/gzip.
#include "http/client/gunzip.hpp"

#include <gossamer/io.hpp>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "pieces.hpp"
#include "zipped.hpp"

using namespace gossamer;
using support::zipped;

namespace {

// What is read of it, with `!` and the error where there is one.
std::string unzipped(const std::string& text, std::size_t piece = 1 << 20, std::size_t room = 512,
                     const error& last = io::eof) {
  support::pieces source{.text = text, .most = piece, .last = last};
  http::gunzip g{io::reader(&source)};
  std::string all;
  std::string got(room, ' ');
  for (;;) {
    const auto [n, err] = g.read(std::as_writable_bytes(std::span(got)));
    all.append(got, 0, n);
    if (err) {
      std::byte more[1];
      CHECK(g.read(more) == io::result(0, err));
      return err == io::eof ? all : all + "!" + err.text();
    }
  }
}

// Does not compress.
std::string noise(std::size_t n) {
  std::mt19937 chance(7);
  std::string text(n, ' ');
  std::ranges::generate(text, [&] { return static_cast<char>(chance()); });
  return text;
}

}  // namespace

FIBER_TEST("what was compressed is read as it was, in pieces of any size") {
  for (const std::string& text : {std::string(), std::string("hello"), std::string(100'000, 'a'), noise(20'000)}) {
    const std::string small = zipped(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
      CHECK(unzipped(small, piece, 512) == text);
      CHECK(unzipped(small, piece, 70'000) == text);
    }
  }
  CHECK(unzipped(zipped("hello"), 1, 1) == "hello");
}

FIBER_TEST("members are read one behind the other, and nothing at all is nothing") {
  CHECK(unzipped(zipped("one ") + zipped("") + zipped("two")) == "one two");
  CHECK(unzipped(zipped("one ") + zipped("two"), 1) == "one two");
  CHECK(unzipped("").empty());
}

FIBER_TEST("what is no gzip, is cut or altered says so") {
  const std::string whole = zipped("hello");
  CHECK(unzipped("this is no gzip at all") == "!gzip: invalid header");
  CHECK(unzipped(whole + "garbage behind it") == "hello!gzip: invalid header");
  for (std::size_t n = 1; n < whole.size(); n++) {
    const std::string got = unzipped(whole.substr(0, n));
    CHECK(got.ends_with("!unexpected EOF"));
    CHECK(std::string_view("hello").starts_with(got.substr(0, got.find('!'))));
  }
  std::string other_sum = whole;
  other_sum[whole.size() - 8] ^= 1;
  CHECK(unzipped(other_sum) == "hello!gzip: invalid checksum");
  std::string other_length = whole;
  other_length[whole.size() - 4] ^= 1;
  CHECK(unzipped(other_length) == "hello!gzip: invalid checksum");
  std::string other_block = whole;
  other_block[10] = '\x07';  // a block of the third kind, which there is not
  CHECK(unzipped(other_block).starts_with("!flate: corrupt input before offset "));
}

FIBER_TEST("the reader's own error is the error") {
  const error own = errors::make("the line is dead");
  CHECK(unzipped(zipped("hello"), 1 << 20, 512, own) == "hello!the line is dead");
  CHECK(unzipped(zipped("hello").substr(0, 10), 1, 512, own) == "!the line is dead");
}

FIBER_TEST("it has no memory before the first read, and gives it back") {
  support::pieces source{.text = zipped("hello"), .most = 100};
  http::gunzip g{io::reader(&source)};
  g.end();
  std::byte room[8];
  CHECK(g.read(room) == io::result(0, io::eof));
}
