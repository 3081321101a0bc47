// io: what can be closed and has places, parts of it, and types that copy themselves.
#include <gossamer/io.hpp>
#include <gossamer/os/file.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "net_pair.hpp"

using namespace gossamer;
using support::panic_of;

namespace {

const errors::sentinel broken{"broken"};

// Bytes that are read and written at places; grows as a file does.
struct memory_file {
  std::string bytes;
  int closed = 0;

  io::result read_at(std::span<std::byte> to, std::int64_t offset) const {
    if (offset < 0) {
      return {0, broken};
    }
    const std::string_view rest =
        std::string_view(bytes).substr(std::min(static_cast<std::size_t>(offset), bytes.size()));
    const std::size_t n = std::min(rest.size(), to.size());
    std::copy_n(std::as_bytes(std::span(rest)).begin(), n, to.begin());
    return {n, n < to.size() ? error(io::eof) : error()};
  }
  io::result write_at(std::span<const std::byte> from, std::int64_t offset) {
    const auto at = static_cast<std::size_t>(offset);
    bytes.resize(std::max(bytes.size(), at + from.size()));
    std::copy_n(reinterpret_cast<const char*>(from.data()), from.size(), bytes.begin() + offset);
    return {from.size(), nil};
  }
  error close() { return ++closed > 1 ? error(broken) : error(); }
};

using text_result = std::pair<std::string, error>;

template <class R>
text_result read_at(const R& from, std::size_t n, std::int64_t offset) {
  std::string text(n, '?');
  auto [got, err] = from.read_at(text, offset);
  text.resize(got);
  return {text, err};
}

constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();

static_assert(io::closable<os::file> && io::seekable<os::file> && io::readable_at<os::file> &&
              io::writable_at<os::file> && io::closable<net::conn> && !io::seekable<net::conn> &&
              io::closable<io::pipe_reader> && !io::readable_at<io::buffer>);
static_assert(io::seekable<io::section_reader> && io::readable_at<io::section_reader> &&
              io::readable<io::read_closer> && io::closable<io::read_closer> && io::writable_at<io::offset_writer>);
static_assert(std::convertible_to<os::file, io::read_seek_closer> && !std::convertible_to<net::conn, io::read_seeker> &&
              std::convertible_to<io::read_write_closer, io::read_closer> &&
              !std::convertible_to<io::read_closer, io::read_write_closer>);

}  // namespace

FIBER_TEST("io: a section is what lies between two places") {
  const memory_file f{"a long sample data, 1234567890"};
  for (const auto& [offset, n, at, size, expected, err] :
       std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::size_t, std::string, error>>{
           {0, 0, 0, 10, "", io::eof},
           {0, 30, 0, 0, "", nil},
           {0, 30, 0, 30, f.bytes, nil},
           {0, 30, 3, 5, "ong s", nil},
           {0, 30, 30, 1, "", io::eof},
           {0, 32, 0, 32, f.bytes, io::eof},  // more than there is
           {2, 4, 0, 2, "lo", nil},
           {2, 4, 1, 3, "ong", nil},
           {2, 4, 1, 4, "ong", io::eof},
           {2, 4, -1, 4, "", io::eof},
           {2, 4, 4, 1, "", io::eof},
           {2, 4, max, 1, "", io::eof},
           {2, -1, 0, 1, "", io::eof},
       }) {
    const io::section_reader s(&f, offset, n);
    CHECK(s.size() == n);
    CHECK(read_at(s, size, at) == text_result(expected, err));
  }
}

FIBER_TEST("io: a section is read from its beginning to its end, and says what it is of") {
  const memory_file f{"0123456789"};
  io::section_reader s(&f, 3, 4);
  char two[2];
  CHECK(s.read(two) == io::result(2, nil));
  CHECK(std::string_view(two, 2) == "34");
  CHECK(io::read_all(&s) == text_result("56", nil));
  CHECK(s.read(two) == io::result(0, io::eof));
  CHECK(read_at(s, 2, 0) == text_result("34", nil));  // moves nothing
  CHECK(s.read(two) == io::result(0, io::eof));
  CHECK(s.outer().offset == 3);
  CHECK(s.outer().n == 4);
  CHECK(s.outer().from.as<const memory_file>() == nullptr);  // it was given as one that is const
  memory_file own{"abc"};
  CHECK(io::section_reader(&own, 0, 3).outer().from.as<memory_file>() == &own);
  io::section_reader inner(&s, 1, 2);  // of a section
  CHECK(io::read_all(&inner) == text_result("45", nil));
  io::section_reader rest(&f, 8, max);  // its end does not fit
  CHECK(io::read_all(&rest) == text_result("89", nil));
  CHECK(rest.size() == max - 8);
  CHECK(rest.outer().n == max);
  io::section_reader of_nil(nil, 0, 10);
  CHECK(errors::is(of_nil.read(two).second, std::errc::invalid_argument));
}

FIBER_TEST("io: seeking in a section") {
  const memory_file f{"0123456789"};
  io::section_reader s(&f, 2, 5);
  CHECK(s.seek(1, io::seek_from::start) == io::place(1, nil));
  CHECK(s.seek(2, io::seek_from::current) == io::place(3, nil));
  CHECK(s.seek(-1, io::seek_from::end) == io::place(4, nil));
  CHECK(io::read_all(&s) == text_result("6", nil));
  CHECK(s.seek(-5, io::seek_from::current) == io::place(0, nil));
  CHECK(s.seek(-1, io::seek_from::current).second.text() == "Seek: invalid offset");
  CHECK(s.seek(-6, io::seek_from::end).second.text() == "Seek: invalid offset");
  CHECK(s.seek(max, io::seek_from::start).second.text() == "Seek: invalid offset");
  CHECK(s.seek(0, static_cast<io::seek_from>(3)).second.text() == "Seek: invalid whence");
  CHECK(io::read_all(&s) == text_result("23456", nil));
  CHECK(s.seek(100, io::seek_from::start) == io::place(100, nil));
  CHECK(io::read_all(&s) == text_result("", nil));
}

FIBER_TEST("io: an offset writer writes from its base on, at places of its own, and at given ones") {
  memory_file f{"..........."};
  io::offset_writer w(&f, 2);
  CHECK(w.write("ab") == io::result(2, nil));
  CHECK(w.write("c") == io::result(1, nil));
  CHECK(w.write_at("X", 6) == io::result(1, nil));
  CHECK(w.write_at("X", -1).second.text() == "Seek: invalid offset");
  CHECK(w.write_at("X", max).second.text() == "Seek: invalid offset");
  CHECK(w.seek(-1, io::seek_from::current) == io::place(2, nil));
  CHECK(w.write("C") == io::result(1, nil));
  CHECK(w.seek(4, io::seek_from::start) == io::place(4, nil));
  CHECK(w.write(std::vector<char>{'e'}) == io::result(1, nil));
  CHECK(f.bytes == "..abC.e.X..");
  CHECK(w.seek(-1, io::seek_from::start).second.text() == "Seek: invalid offset");
  CHECK(w.seek(0, io::seek_from::end).second.text() == "Seek: invalid whence");
  io::offset_writer of_nil(nil, 0);
  CHECK(errors::is(of_nil.write("x").second, std::errc::invalid_argument));
}

FIBER_TEST("io: parts of a file are copied by several fibers at once") {
  auto [pieces, failed] = os::open_file("/tmp", O_TMPFILE | O_RDWR, 0600);
  if (failed) {
    std::tie(pieces, failed) = os::create("/tmp/gossamer-io-section-test");
    os::remove("/tmp/gossamer-io-section-test");
  }
  CHECK(failed == nil);
  const std::string all = support::pattern(200'000);
  const memory_file source{all};
  support::crew copying;
  for (std::int64_t i = 0; i < 8; ++i) {
    copying.go([&, i, file = pieces] {
      io::section_reader from(&source, i * 25'000, 25'000);
      io::offset_writer to(file, i * 25'000);
      CHECK(io::copy(&to, &from) == io::copied(25'000, nil));
    });
  }
  copying.join();
  io::section_reader whole(pieces, 0, 200'000);
  CHECK((io::read_all(&whole).first == all));
}

FIBER_TEST("io: a limited reader says what is left") {
  io::buffer from("0123456789");
  io::limited_reader l(&from, 6);
  char four[4];
  CHECK(l.read(four) == io::result(4, nil));
  CHECK(l.left() == 2);
  CHECK(l.read(four) == io::result(2, nil));
  CHECK(l.left() == 0);
  CHECK(l.read(four) == io::result(0, io::eof));
  l.set_left(3);
  CHECK(io::read_all(&l) == text_result("678", nil));
  CHECK(l.from().as<io::buffer>() == &from);
  const io::reader r = io::limit_reader(&from, 5);
  CHECK(r.as<io::limited_reader>()->left() == 5);
  CHECK(io::read_all(r) == text_result("9", nil));
  CHECK(r.as<io::limited_reader>()->left() == 4);
  CHECK(io::limited_reader(&from, -1).read(four) == io::result(0, io::eof));
}

FIBER_TEST("io: closers, and what is closed and read in one") {
  memory_file f;
  io::closer c = &f;
  CHECK(c.as<memory_file>() == &f);
  CHECK(c.close() == nil);
  CHECK(c.close() == broken);
  auto shared = std::make_shared<memory_file>();
  c = shared;
  CHECK(c.close() == nil);
  CHECK(shared->closed == 1);
  CHECK(errors::is(io::closer(nil).close(), std::errc::invalid_argument));
  CHECK_FALSE(io::closer(std::shared_ptr<memory_file>()));
  CHECK(errors::is(io::seeker().seek(0, io::seek_from::start).second, std::errc::invalid_argument));

  auto [r, w] = io::pipe();
  const io::read_closer reading = r;
  const io::write_closer writing = w;
  CHECK(reading);
  CHECK_FALSE(io::read_closer(nil));
  CHECK(reading.as<io::pipe_reader>() != nullptr);
  support::crew writer;
  writer.go([&] {
    CHECK(writing.write("text") == io::result(4, nil));
    CHECK(writing.close() == nil);
  });
  CHECK(io::read_all(reading) == text_result("text", nil));
  CHECK(reading.close() == nil);
  writer.join();

  const auto [a, b] = net::pipe();
  const io::read_write_closer both = a;
  const io::read_closer half = both;
  CHECK(half.close() == nil);
  char one[1];
  CHECK(b.read(one) == io::result(0, io::eof));
}

FIBER_TEST("io: nop_closer reads what it was made of, and closes nothing") {
  io::buffer from("text");
  const io::read_closer c = io::nop_closer(&from);
  CHECK(c.close() == nil);
  CHECK(c.close() == nil);
  CHECK(c.as<io::buffer>() == &from);
  CHECK(io::read_all(c) == text_result("text", nil));
}

FIBER_TEST("io: values that read and write at places find out who lies") {
  struct liar {
    io::result read_at(std::span<std::byte> to, std::int64_t) const { return {to.size() + 1, nil}; }
    io::result write_at(std::span<const std::byte> from, std::int64_t at) const {
      return {at == 0 ? from.size() + 1 : from.size() - 1, nil};
    }
  };
  char room[4];
  const io::reader_at r = liar();
  const io::writer_at w = liar();
  CHECK(panic_of([&] { r.read_at(room, 0); }) == "io: a reader returned more than there was room for");
  CHECK(w.write_at("text", 0) == io::result(0, io::invalid_write));
  CHECK(w.write_at("text", 1) == io::result(3, io::short_write));
}

FIBER_TEST("io: copy takes the way that the source has, then that of the target") {
  struct source {
    int copies = 0;
    io::result read(std::span<std::byte>) { return {0, broken}; }
    io::copied write_to(const io::writer& to) {
      ++copies;
      const auto [n, err] = to.write("by itself");
      return {static_cast<std::int64_t>(n), err};
    }
  };
  struct target {
    std::string all;
    io::result write(std::span<const std::byte>) { return {0, broken}; }
    io::copied read_from(const io::reader& from) {
      auto [text, err] = io::read_all(from);
      all += text;
      return {static_cast<std::int64_t>(text.size()), err};
    }
  };
  source s;
  io::buffer plain;
  CHECK(io::copy(&plain, &s) == io::copied(9, nil));
  CHECK(plain.text() == "by itself");
  target t;
  CHECK(io::copy(&t, &plain) == io::copied(9, nil));
  CHECK(t.all == "by itself");
  CHECK(io::copy(&t, &s) == io::copied(0, broken));  // the source's comes first
  CHECK(s.copies == 2);
  CHECK(io::copy(&plain, io::nop_closer(&s)) == io::copied(9, nil));

  // Of n bytes the target's, by a limited reader; the source's would not know where to stop.
  io::string_reader digits("0123456789");
  t.all.clear();
  CHECK(io::copy_n(&t, &digits, 4) == io::copied(4, nil));
  CHECK(io::copy_n(&t, &digits, 0) == io::copied(0, nil));
  CHECK(io::copy_n(&t, &digits, -1) == io::copied(0, nil));
  CHECK(io::copy_n(&t, &digits, 10) == io::copied(6, io::eof));
  CHECK(t.all == "0123456789");
  CHECK(io::copy_n(&plain, &s, 4) == io::copied(0, broken));
}

FIBER_TEST("io: a text is read at any place, and from any place on") {
  io::string_reader text("0123456789");
  char buf[4];
  CHECK(text.read_at(buf, 3) == io::result(4, nil));
  CHECK(std::string_view(buf, 4) == "3456");
  CHECK(text.read_at(buf, 8) == io::result(2, io::eof));
  CHECK(text.read_at(buf, 20) == io::result(0, io::eof));
  CHECK(text.read_at(buf, -1).second.text() == "strings.Reader.ReadAt: negative offset");
  CHECK(text.rest() == "0123456789");
  CHECK(text.seek(-3, io::seek_from::end) == io::place(7, nil));
  CHECK(text.rest() == "789");
  CHECK(text.seek(-8, io::seek_from::current).second.text() == "strings.Reader.Seek: negative position");
  CHECK(text.seek(1, io::seek_from::current) == io::place(8, nil));
  CHECK(text.size() == 2);
  CHECK(text.seek(100, io::seek_from::start) == io::place(100, nil));
  CHECK(text.size() == 0);
  CHECK(text.read(buf) == io::result(0, io::eof));
  CHECK(text.seek(0, io::seek_from::start) == io::place(0, nil));
  const io::read_seeker as_both(&text);
  CHECK(io::read_all(as_both).first == "0123456789");
}

FIBER_TEST("io: copy sends a file through several limits, and all of them count") {
  char path[] = "/tmp/gossamer_limits_XXXXXX";
  const os::file f = os::new_file(::mkstemp(path), path);
  CHECK(f.write("0123456789") == io::result(10, nil));
  CHECK(f.seek(2, io::seek_from::start).second == nil);
  const support::net_pair ends;
  const io::reader inner = io::limit_reader(f, 5);
  CHECK(io::copy(ends.a, io::limit_reader(inner, 3)) == io::copied(3, nil));
  CHECK(inner.as<io::limited_reader>()->left() == 2);
  CHECK(io::copy(ends.a, io::limit_reader(inner, 3)) == io::copied(2, nil));
  CHECK(inner.as<io::limited_reader>()->left() == 0);
  CHECK(ends.a.close() == nil);
  CHECK(io::read_all(ends.b).first == "23456");
  CHECK(os::remove(path) == nil);
}
