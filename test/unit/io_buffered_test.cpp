// io: buffered readers and writers.
#include <gossamer/io.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "net_pair.hpp"

using namespace gossamer;
using support::pattern;

namespace {

const errors::sentinel broken{"broken"};
using text_result = std::pair<std::string, error>;

// Counts, fails when it has taken so many bytes.
struct sink {
  std::string all;
  int writes = 0;
  std::size_t room = 1'000'000'000;

  io::result write(std::span<const std::byte> from) {
    ++writes;
    const std::size_t n = std::min(from.size(), room);
    all.append(reinterpret_cast<const char*>(from.data()), n);
    room -= n;
    return {n, n < from.size() ? error(broken) : error()};
  }
};

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

FIBER_TEST("bufio: read_line takes off the end of the line; the last line need not have one") {
  io::string_reader from("one\ntwo\r\n\n\r\nlast");
  io::buffered_reader b(&from, 16);
  for (const char* line : {"one", "two", "", "", "last"}) {
    CHECK(b.read_line() == text_result(line, nil));
  }
  CHECK(b.read_line() == text_result("", io::eof));
  CHECK(b.read_line() == text_result("", io::eof));
}

FIBER_TEST("bufio: read_string returns the delimiter with it, and what is left with the error") {
  io::string_reader from("a;" + std::string(1000, 'x') + ";rest");
  io::buffered_reader b(&from, 16);
  CHECK(b.read_string(';') == text_result("a;", nil));
  CHECK(b.read_string(';') == text_result(std::string(1000, 'x') + ";", nil));
  CHECK(b.read_string(';') == text_result("rest", io::eof));
}

FIBER_TEST("bufio: what is longer than the limit is cut there, and goes on with the next call") {
  io::string_reader from("abcdef\nabcde\nabcdefghijk\nabcdef");
  io::buffered_reader b(&from, 16);
  b.set_limit(6);
  CHECK(b.read_line() == text_result("abcdef", io::too_long));
  CHECK(b.read_line() == text_result("", nil));
  CHECK(b.read_line() == text_result("abcde", nil));
  CHECK(b.read_string('\n') == text_result("abcdef", io::too_long));
  CHECK(b.read_string('\n') == text_result("ghijk\n", nil));
  CHECK(b.read_line() == text_result("abcdef", nil));
  CHECK(b.read_line() == text_result("", io::eof));
  b.set_limit(0);
  CHECK(b.read_line() == text_result("", io::eof));
  CHECK(io::too_long.text() == "bufio.Scanner: token too long");
}

FIBER_TEST("bufio: peek shows what comes next, up to the size of the buffer") {
  io::string_reader from("0123456789abcdefXYZ");
  io::buffered_reader b(&from, 16);
  CHECK(text_of(b.peek(3).first) == "012");
  CHECK(text_of(b.peek(16).first) == "0123456789abcdef");
  CHECK(b.peek(17).second == io::buffer_full);
  CHECK(b.peek(-1).second == io::negative_count);
  CHECK(b.peek(0).second == nil);
  CHECK(b.skip(15) == std::pair(std::int64_t{15}, error()));
  auto [some, err] = b.peek(10);
  CHECK(text_of(some) == "fXYZ");
  CHECK(err == io::eof);
  CHECK(b.skip(-1).second == io::negative_count);
  CHECK(b.skip(10) == std::pair(std::int64_t{4}, error(io::eof)));
}

FIBER_TEST("bufio: the last byte that was read can be put back, once") {
  io::string_reader from("abc" + std::string(100, 'x'));
  io::buffered_reader b(&from, 16);
  CHECK(b.unread_byte() == io::invalid_unread_byte);
  CHECK(b.read_byte() == std::pair(std::byte{'a'}, error()));
  CHECK(b.unread_byte() == nil);
  CHECK(b.unread_byte() == io::invalid_unread_byte);
  CHECK(b.read_byte().first == std::byte{'a'});
  b.peek(1);
  CHECK(b.unread_byte() == io::invalid_unread_byte);
  char big[50];
  CHECK(b.read(big).first == 15);
  CHECK(b.read(big).first == 50);
  CHECK(b.unread_byte() == nil);
  CHECK(b.buffered() == 1);
  CHECK(b.read_string('?').first == std::string(38, 'x'));
  CHECK(b.unread_byte() == nil);
  CHECK(b.read_byte() == std::pair(std::byte{'x'}, error()));
  CHECK(b.read_byte().second == io::eof);
}

FIBER_TEST("bufio: what was skipped or peeked at cannot be put back") {
  for (const std::size_t size : {16UL, 4096UL}) {
    io::string_reader from(std::string(40, 'x') + "yz");
    io::buffered_reader b(&from, size);
    b.read_byte();
    CHECK(b.skip(0) == std::pair(std::int64_t{0}, error()));
    CHECK(b.unread_byte() == nil);
    CHECK(b.skip(1).second == nil);
    CHECK(b.unread_byte() == io::invalid_unread_byte);
    CHECK(b.skip(39).second == nil);
    CHECK(b.unread_byte() == io::invalid_unread_byte);
    CHECK(b.read_byte().first == std::byte{'y'});
    CHECK(b.skip(2) == std::pair(std::int64_t{1}, error(io::eof)));
    CHECK(b.unread_byte() == io::invalid_unread_byte);
  }
}

FIBER_TEST("bufio: a read asks below once, and returns nothing where that returns nothing") {
  struct hesitant {  // every other read returns nothing
    int reads = 0;
    io::result read(std::span<std::byte> to) {
      if (++reads % 2 != 0) {
        return {0, nil};
      }
      to[0] = std::byte{'a'};
      return {1, nil};
    }
  };
  for (const std::size_t size : {16UL, 100UL}) {  // past the buffer, and through it
    hesitant below;
    io::buffered_reader b(&below, size);
    char buf[50];
    CHECK(b.read(buf) == io::result(0, nil));
    CHECK(below.reads == 1);
    CHECK(b.read(buf) == io::result(1, nil));
    CHECK(below.reads == 2);
    CHECK(b.read_byte() == std::pair(std::byte{'a'}, error()));  // which must get on
    CHECK(below.reads == 4);
    CHECK(io::read_full(&b, buf) == io::result(50, nil));
    CHECK(below.reads == 104);
  }
}

FIBER_TEST("bufio: read returns what is there before it waits for more") {
  auto [a, c] = net::pipe();
  support::crew writer;
  writer.go([writing = a] {
    writing.write("hello world");
    writing.close();
  });
  io::buffered_reader b(c, 64);
  char buf[6];
  CHECK(b.read(buf) == io::result(6, nil));
  CHECK(b.read(std::span<char>()) == io::result(0, nil));
  CHECK(b.read(buf) == io::result(5, nil));
  CHECK(b.read(buf) == io::result(0, io::eof));
}

FIBER_TEST("bufio: lines over a TCP connection") {
  support::net_pair p;
  support::crew server;
  server.go([&] {
    io::buffered_reader in(p.b);
    io::buffered_writer out(p.b);
    for (;;) {
      auto [line, err] = in.read_line();
      if (err) {
        break;
      }
      out.write("<" + line + ">\n");
      if (in.buffered() == 0) {
        out.flush();
      }
    }
    p.b.close_write();
  });
  std::string asked;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    asked += "line " + std::to_string(i) + "\r\n";
    expected += "<line " + std::to_string(i) + ">\n";
  }
  p.a.write(asked);
  p.a.close_write();
  CHECK((io::read_all(p.a).first == expected));
}

FIBER_TEST("bufio: a writer collects what is small, and hands on at once what is not") {
  sink s;
  io::buffered_writer w(&s, 16);
  CHECK(w.write("0123456789") == io::result(10, nil));
  CHECK(s.writes == 0);
  CHECK(w.buffered() == 10);
  CHECK(w.available() == 6);
  CHECK(w.write("abcdefgh") == io::result(8, nil));
  CHECK(s.all == "0123456789abcdef");
  CHECK(w.flush() == nil);
  CHECK(w.flush() == nil);
  CHECK(s.writes == 2);
  const std::string big = pattern(1000);
  CHECK(w.write(big) == io::result(1000, nil));
  CHECK(s.writes == 3);
  w.write_byte('x');
  CHECK(w.flush() == nil);
  CHECK((s.all == "0123456789abcdefgh" + big + "x"));
}

FIBER_TEST("bufio: after an error a writer takes nothing more") {
  sink s;
  s.room = 20;
  io::buffered_writer w(&s, 16);
  CHECK(w.write(std::string(18, 'a')) == io::result(18, nil));
  CHECK(w.write("bbbb") == io::result(4, nil));
  CHECK(w.flush() == broken);
  CHECK(w.buffered() == 2);
  CHECK(w.write("c") == io::result(0, broken));
  CHECK(w.flush() == broken);
  CHECK(s.all == std::string(18, 'a') + "bb");
  CHECK(errors::is(io::buffered_writer(nil).flush(), error()));
  io::buffered_writer none(nil, 0);
  none.write("x");
  CHECK(errors::is(none.flush(), std::errc::invalid_argument));
}

FIBER_TEST("bufio: read_slice is a view of what is in the buffer, cut where that is full") {
  io::string_reader from("one;two;0123456789abcdefghij;" + std::string(14, 'x') + ";rest");
  io::buffered_reader b(&from, 16);
  using slice = std::pair<std::string_view, error>;
  CHECK(b.read_slice(';') == slice("one;", nil));
  CHECK(b.unread_byte() == nil);
  CHECK(b.read_slice(';') == slice(";", nil));
  CHECK(b.read_slice(';') == slice("two;", nil));
  CHECK(b.read_slice(';') == slice("0123456789abcdef", io::buffer_full));
  CHECK(b.read_byte().first == std::byte{'g'});
  CHECK(b.read_slice(';') == slice("hij;", nil));
  CHECK(b.read_slice(';') == slice(std::string(14, 'x') + ";", nil));  // as long as the buffer, nearly
  CHECK(b.read_slice(';') == slice("rest", io::eof));
  CHECK(b.unread_byte() == nil);
  CHECK(b.read_slice('t') == slice("t", nil));
  CHECK(b.read_slice(';') == slice("", io::eof));
}

FIBER_TEST("bufio: a reader that is reset forgets what it had, and keeps its buffer and its limit") {
  io::string_reader from("first and more");
  io::buffered_reader b(&from, 5);
  CHECK(b.size() == 16);
  b.set_limit(4);
  CHECK(b.read_string(' ') == text_result("firs", io::too_long));
  b.reset(&b);
  CHECK(b.buffered() == 10);
  io::string_reader other("second");
  b.reset(&other);
  CHECK(b.buffered() == 0);
  CHECK(b.unread_byte() == io::invalid_unread_byte);
  CHECK(b.read_line() == text_result("seco", io::too_long));
  CHECK(b.read_line() == text_result("nd", nil));
  CHECK(b.read_line() == text_result("", io::eof));
  b.reset(nil);
  CHECK(errors::is(b.read_byte().second, std::errc::invalid_argument));
}

FIBER_TEST("bufio: a writer that is reset forgets what it had, and its error") {
  sink s;
  s.room = 0;
  io::buffered_writer w(&s, 20);
  CHECK(w.size() == 20);
  w.write("lost");
  CHECK(w.flush() == broken);
  w.reset(&w);
  CHECK(w.flush() == broken);
  sink other;
  w.reset(&other);
  CHECK(w.buffered() == 0);
  CHECK(w.write("kept") == io::result(4, nil));
  CHECK(w.flush() == nil);
  CHECK(other.all == "kept");
  CHECK(s.all.empty());
}

FIBER_TEST("bufio: what is made in the room of a writer need not be copied, and is written like the rest") {
  sink s;
  io::buffered_writer w(&s, 16);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    w.write("<");
    if (w.available() < 3) {
      CHECK(w.flush() == nil);
    }
    const std::span<char> room = w.available_buffer();
    CHECK(room.size() == w.available());
    const std::string made = std::to_string(i) + ">";
    std::copy(made.begin(), made.end(), room.begin());
    CHECK(w.write(std::string_view(room.data(), made.size())) == io::result(made.size(), nil));
    expected += "<" + made;
  }
  const std::span<char> room = w.available_buffer();
  std::fill(room.begin(), room.end(), '=');
  expected += std::string(room.size(), '=');
  CHECK(w.write(std::string_view(room.data(), room.size())) == io::result(room.size(), nil));
  CHECK(w.available_buffer().empty());
  CHECK(w.flush() == nil);
  CHECK((s.all == expected));
}

FIBER_TEST("bufio: both sides of a connection, one fiber for each") {
  support::net_pair p;
  support::crew echo;
  echo.go([&] {
    io::copy(p.b, p.b);
    p.b.close_write();
  });
  io::buffered_read_writer rw(p.a);
  support::crew writer;
  writer.go([&] {
    for (int i = 0; i < 1000; ++i) {
      rw.write(std::to_string(i) + "\n");
      rw.flush();
    }
    p.a.close_write();
  });
  for (int i = 0; i < 1000; ++i) {
    CHECK(rw.read_line() == text_result(std::to_string(i), nil));
  }
  CHECK(rw.read_line() == text_result("", io::eof));
  writer.join();
  CHECK(rw.buffered_writer::buffered() == 0);

  io::buffer in("text");
  sink out;
  io::buffered_read_writer apart(&in, &out);
  CHECK(io::copy(&apart, &apart) == io::copied(4, nil));
  CHECK(apart.flush() == nil);
  CHECK(out.all == "text");
}

FIBER_TEST("bufio: a peek at more than the buffer holds says so, and what ended the reading is still to be told") {
  io::string_reader r("abc");
  io::buffered_reader b(&r, 16);
  CHECK(b.peek(17).second == io::buffer_full);
  CHECK(b.peek(17).second == io::buffer_full);
  CHECK(text_of(b.peek(3).first) == "abc");
  CHECK(b.peek(4).second == io::eof);
}
