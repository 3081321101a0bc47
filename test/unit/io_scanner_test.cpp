// io: scanners and split functions.
#include <gossamer/io.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net_pair.hpp"
#include "pieces.hpp"

using namespace gossamer;
using support::panic_of;
using support::pieces;

namespace {

const errors::sentinel broken{"broken"};
using tokens = std::vector<std::string>;

tokens all_of(io::scanner& s) {
  tokens all;
  while (s.scan()) {
    all.emplace_back(s.text());
  }
  CHECK(s.text().empty());
  CHECK_FALSE(s.scan());
  return all;
}

// The tokens of a text, whatever the pieces that it is read in.
template <class F>
tokens cut(const std::string& text, F by) {
  io::string_reader whole(text);
  io::scanner s(&whole);
  s.split(by);
  tokens all = all_of(s);
  CHECK(s.err() == nil);
  for (std::size_t most : {1UL, 2UL, 3UL, 7UL}) {
    pieces slow{text, most};
    io::scanner by_pieces(&slow);
    by_pieces.split(by);
    CHECK(all_of(by_pieces) == all);
    CHECK(by_pieces.err() == nil);
  }
  return all;
}

// scan_lines() that the scanner cannot know for itself.
io::split_result lines_as_function(std::string_view data, bool at_end) { return io::scan_lines(data, at_end); }

io::split_result by_comma(std::string_view data, bool at_end) {
  if (const auto at = data.find(','); at != data.npos) {
    return {static_cast<std::int64_t>(at) + 1, data.substr(0, at)};
  }
  if (at_end) {  // the last one may be empty
    return {static_cast<std::int64_t>(data.size()), data, io::final_token};
  }
  return {};
}

}  // namespace

FIBER_TEST("scanner: lines lose their end, and the last one need not have one") {
  for (const auto& [text, lines] : std::vector<std::pair<std::string, tokens>>{
           {"", {}},
           {"\n", {""}},
           {"a\nb", {"a", "b"}},
           {"a\n\n\nb\n\n", {"a", "", "", "b", ""}},
           {"one\r\ntwo\r", {"one", "two"}},
           {"\r\n\r", {"", ""}},
           {"a\rb\r\r\n", {"a\rb\r"}},
       }) {
    CHECK(cut(text, io::scan_lines) == lines);
    CHECK(cut(text, lines_as_function) == lines);
  }
}

FIBER_TEST("scanner: bytes, and characters of which those that are none become U+FFFD") {
  CHECK(cut("", io::scan_bytes) == tokens{});
  CHECK(cut(std::string("a\0\xff", 3), io::scan_bytes) == tokens{"a", std::string("\0", 1), "\xff"});
  CHECK(cut("", io::scan_runes) == tokens{});
  CHECK(cut("xÂ€\U0001F600", io::scan_runes) == tokens{"x", "Â", "€", "\U0001F600"});
  const std::string bad = "\uFFFD";
  CHECK(cut(bad, io::scan_runes) == tokens{bad});
  // A continuation alone, overlong forms, a surrogate, beyond U+10FFFF, and one that is cut off.
  CHECK(cut("\x80"
            "a",
            io::scan_runes) == tokens{bad, "a"});
  CHECK(cut("\xc0\x80", io::scan_runes) == tokens{bad, bad});
  CHECK(cut("\xe0\x9f\xbf", io::scan_runes) == tokens{bad, bad, bad});
  CHECK(cut("\xed\xa0\x80", io::scan_runes) == tokens{bad, bad, bad});
  CHECK(cut("\xf0\x8f\xbf\xbf", io::scan_runes) == tokens{bad, bad, bad, bad});
  CHECK(cut("\xf4\x90\x80\x80", io::scan_runes) == tokens{bad, bad, bad, bad});
  CHECK(cut("\xf5", io::scan_runes) == tokens{bad});
  CHECK(cut("ab\xe2\x82", io::scan_runes) == tokens{"a", "b", bad, bad});
  CHECK(cut("\xe2\x82"
            "c",
            io::scan_runes) == tokens{bad, bad, "c"});
}

FIBER_TEST("scanner: words stand between white space of any kind") {
  CHECK(cut("", io::scan_words) == tokens{});
  CHECK(cut(" \n\t ", io::scan_words) == tokens{});
  CHECK(cut("  one\ttwo\v\f\r\nthree ", io::scan_words) == tokens{"one", "two", "three"});
  for (const char* space :
       {"\u0085", "\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"}) {
    CHECK(cut("a" + std::string(space) + "é" + space, io::scan_words) == tokens{"a", "é"});
  }
  for (const char* letter : {"\u200b", "\u2010", "\u180e", "\x85", "\xa0"}) {
    CHECK(cut(letter, io::scan_words) == tokens{letter});
  }
}

FIBER_TEST("scanner: white space may be longer than the buffer") {
  io::string_reader from(std::string(4 * io::scanner::default_most_bytes, ' ') + "word");
  io::scanner s(&from);
  s.split(io::scan_words);
  CHECK(all_of(s) == tokens{"word"});
  CHECK(s.err() == nil);
}

FIBER_TEST("scanner: a token may take up the buffer, and not a byte more") {
  for (const std::size_t length : {10UL, 11UL, 12UL, 40UL}) {
    for (auto by : {io::scan_lines, lines_as_function}) {
      io::string_reader from(std::string(length, 'x') + "\nrest\n");
      io::scanner s(&from);
      s.split(by);
      s.buffer({}, 12);
      if (length < 12) {  // and its end
        CHECK(all_of(s) == tokens{std::string(length, 'x'), "rest"});
        CHECK(s.err() == nil);
      } else {
        CHECK(all_of(s) == tokens{});
        CHECK(s.err() == io::too_long);
      }
    }
  }
}

FIBER_TEST("scanner: lines of every length, by reads of every size, up to 64 KiB unless told otherwise") {
  std::string text;
  tokens expected;
  for (std::size_t n = 0; n < 300; ++n) {
    expected.push_back(std::string(n, static_cast<char>('a' + n % 26)));
    text += expected.back() + (n % 3 == 0 ? "\r\n" : "\n");
  }
  expected.push_back(std::string(io::scanner::default_most_bytes - 1, 'y'));
  text += expected.back() + "\n";
  for (const std::size_t most : {1UL, 5UL, 4095UL, 4096UL, 1'000'000UL}) {
    pieces from{text, most};
    io::scanner s(&from);
    CHECK((all_of(s) == expected));
    CHECK(s.err() == nil);
  }
  io::string_reader longer(std::string(io::scanner::default_most_bytes, 'y') + "\n");
  io::scanner refused(&longer);
  CHECK(all_of(refused) == tokens{});
  CHECK(refused.err() == io::too_long);
  CHECK(refused.err().text() == "bufio.Scanner: token too long");
  io::string_reader again(std::string(3'000'000, 'y') + "\n");
  io::scanner wide(&again);
  wide.buffer({}, 4'000'000);
  CHECK((all_of(wide) == tokens{std::string(3'000'000, 'y')}));
}

FIBER_TEST("scanner: it reads into the buffer that it was given, and leaves it only for what is too long for it") {
  std::byte room[64];
  const auto inside = [&](std::string_view token) {
    const auto* at = reinterpret_cast<const std::byte*>(token.data());
    return at >= room && at < room + sizeof room;
  };
  io::string_reader from(std::string(60, 'a') + "\nb\n" + std::string(63, 'c') + "\n" + std::string(99, 'd') + "\n");
  io::scanner s(&from);
  s.buffer(room, 100);
  for (int i = 0; i < 3; ++i) {
    CHECK(s.scan());
    CHECK(inside(s.text()));
  }
  CHECK(s.scan());
  CHECK(s.text() == std::string(99, 'd'));
  CHECK_FALSE(inside(s.text()));
  CHECK_FALSE(s.scan());

  io::string_reader other(std::string(63, 'a') + "\n" + std::string(64, 'b') + "\n");
  io::scanner greater(&other);  // the room is larger than the limit
  greater.buffer(room, 10);
  CHECK(all_of(greater) == tokens{std::string(63, 'a')});
  CHECK(greater.err() == io::too_long);
}

FIBER_TEST("scanner: a function of one's own, with captures, a last token that is empty, and one that ends it early") {
  CHECK(cut("1,2,,3", by_comma) == tokens{"1", "2", "", "3"});
  CHECK(cut("1,2,", by_comma) == tokens{"1", "2", ""});
  CHECK(cut("", by_comma) == tokens{""});
  int calls = 0;
  const auto until_stop = [&calls](std::string_view data, bool at_end) -> io::split_result {
    ++calls;
    io::split_result r = io::scan_words(data, at_end);
    if (r.token == "STOP") {
      return {0, std::nullopt, io::final_token};
    }
    return r;
  };
  CHECK(cut("1 2 STOP 3", until_stop) == tokens{"1", "2"});
  CHECK(calls > 3);
  CHECK(cut("STOP", until_stop) == tokens{});
}

FIBER_TEST("scanner: an error of the split function ends it, and its token is not used") {
  const errors::sentinel own{"own"};
  int left = 3;
  io::string_reader from("abcdefg");
  io::scanner s(&from);
  s.split([&](std::string_view data, bool) -> io::split_result {
    return {1, data.substr(0, 1), --left < 0 ? error(own) : error()};
  });
  CHECK(all_of(s) == tokens{"a", "b", "c"});
  CHECK(s.err() == own);
  io::string_reader nothing("");
  io::scanner at_end(&nothing);
  at_end.split(
      [&](std::string_view, bool end) -> io::split_result { return {0, std::nullopt, end ? error(own) : error()}; });
  CHECK(all_of(at_end) == tokens{});
  CHECK(at_end.err() == own);
}

FIBER_TEST("scanner: an advance that cannot be is an error") {
  for (const auto& [advance, err] :
       std::vector<std::pair<std::int64_t, error>>{{-1, io::negative_advance}, {4, io::advance_too_far}}) {
    io::string_reader from("abc");
    io::scanner s(&from);
    s.split([by = advance](std::string_view data, bool) -> io::split_result { return {by, data}; });
    CHECK(all_of(s) == tokens{});
    CHECK(s.err() == err);
  }
  CHECK(io::negative_advance.text() == "bufio.Scanner: SplitFunc returns negative advance count");
  CHECK(io::advance_too_far.text() == "bufio.Scanner: SplitFunc returns advance count beyond input");
  CHECK(io::final_token.text() == "final token");
}

FIBER_TEST("scanner: tokens without an advance are a panic after the hundredth, at the end only") {
  io::string_reader from("abc");
  io::scanner s(&from);
  s.split([](std::string_view data, bool at_end) -> io::split_result {
    return at_end ? io::split_result{0, ""} : io::split_result{1, data.substr(0, 1)};
  });
  for (int i = 0; i < 103; ++i) {
    CHECK(s.scan());
  }
  CHECK(panic_of([&] { s.scan(); }) == "bufio.Scan: too many empty tokens without progressing");
  CHECK(panic_of([&] { s.scan(); }) == "bufio.Scan: too many empty tokens without progressing");

  // Before the end it goes on, as long as it is asked.
  io::string_reader other("abc");
  io::scanner patient(&other);
  int calls = 0;
  patient.split([&](std::string_view, bool at_end) -> io::split_result {
    if (at_end) {
      return {3, "end", io::final_token};
    }
    return ++calls <= 1000 ? io::split_result{0, ""} : io::split_result{};
  });
  CHECK(all_of(patient).size() == 1001);
}

FIBER_TEST("scanner: what was read before an error of the reader comes first, then the error") {
  for (const bool together : {false, true}) {
    for (auto by : {io::scan_lines, lines_as_function}) {
      pieces from{"one\ntwo\nthr", 100, broken, together};
      io::scanner s(&from);
      s.split(by);
      CHECK(s.scan());
      CHECK(s.text() == "one");
      CHECK(s.err() == nil);
      CHECK(all_of(s) == tokens{"two", "thr"});
      CHECK(s.err() == broken);
    }
  }
  io::scanner of_nil(nil);
  CHECK(all_of(of_nil) == tokens{});
  CHECK(errors::is(of_nil.err(), std::errc::invalid_argument));
}

FIBER_TEST("scanner: a reader that gives nothing a hundred times is given up") {
  struct silent {
    int reads = 0;
    io::result read(std::span<std::byte>) {
      ++reads;
      return {0, nil};
    }
  };
  silent from;
  io::scanner s(&from);
  CHECK(all_of(s) == tokens{});
  CHECK(s.err() == io::no_progress);
  CHECK(from.reads == 100);
}

FIBER_TEST("scanner: a split function that throws leaves it as it was") {
  io::string_reader from("a b c");
  io::scanner s(&from);
  bool throws = false;
  s.split([&](std::string_view data, bool at_end) {
    if (throws) {
      panic("not now");
    }
    return io::scan_words(data, at_end);
  });
  CHECK(s.scan());
  throws = true;
  CHECK(panic_of([&] { s.scan(); }) == "not now");
  CHECK(s.text().empty());
  throws = false;
  CHECK(all_of(s) == tokens{"b", "c"});
}

FIBER_TEST("scanner: split() and buffer() come before scan(), and a null function is refused") {
  io::string_reader from("a b");
  io::scanner s(&from);
  io::split_result (*none)(std::string_view, bool) = nullptr;
  CHECK(panic_of([&] { s.split(none); }) == "runtime error: invalid memory address or nil pointer dereference");
  s.split(io::scan_words);
  s.split(io::scan_lines);  // the last one counts
  CHECK(s.scan());
  CHECK(s.text() == "a b");
  CHECK(s.bytes().size() == 3);
  CHECK(panic_of([&] { s.split(io::scan_lines); }) == "Split called after Scan");
  CHECK(panic_of([&] { s.split(by_comma); }) == "Split called after Scan");
  CHECK(panic_of([&] { s.buffer({}, 100); }) == "Buffer called after Scan");
}

FIBER_TEST("scanner: lines over a TCP connection, while they come") {
  support::net_pair p;
  support::crew server;
  server.go([&] {
    io::scanner in(p.b);
    while (in.scan()) {
      p.b.write("<" + std::string(in.text()) + ">");
    }
    CHECK(in.err() == nil);
    p.b.close_write();
  });
  std::string answers;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i);
    p.a.write(line.substr(0, 3));
    p.a.write(line.substr(3) + "\r\n");
    std::string answer(line.size() + 2, '?');
    CHECK(io::read_full(p.a, answer).second == nil);
    CHECK(answer == "<" + line + ">");
  }
  p.a.close_write();
  CHECK(io::read_all(p.a).first == "");
}

FIBER_TEST("bufio: a scanner whose last token is final still tells why its reader ended") {
  struct short_lived {
    bool given = false;
    io::result read(std::span<std::byte> to) {
      if (std::exchange(given, true)) {
        return {0, broken};
      }
      std::memcpy(to.data(), "1,2", 3);
      return {3, nil};
    }
  } from;
  io::scanner s(&from);
  s.split([](std::string_view data, bool at_end) -> io::split_result {
    return at_end ? io::split_result{static_cast<std::int64_t>(data.size()), data, io::final_token}
                  : io::split_result{};
  });
  CHECK(s.scan());
  CHECK(s.text() == "1,2");
  CHECK_FALSE(s.scan());
  CHECK(s.err() == broken);
}
