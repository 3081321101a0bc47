// io: readers, writers, what is made of them, and how they fail.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os.hpp>
#include <gossamer/os/file.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "inside.hpp"
#include "net_pair.hpp"
#include "pieces.hpp"

using namespace gossamer;
using support::panic_of;
using support::pattern;
using support::pieces;

namespace {

struct silent {
  int reads = 0;
  io::result read(std::span<std::byte>) {
    ++reads;
    return {0, nil};
  }
};

// Claims to have read, or written, so many bytes.
struct liar {
  std::size_t claims = 0;
  error with;
  io::result read(std::span<std::byte>) const { return {claims, with}; }
  io::result write(std::span<const std::byte>) const { return {claims, with}; }
};

const errors::sentinel broken{"broken"};

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

static_assert(io::readable<net::conn> && io::writable<net::conn> && io::readable<io::reader> &&
              io::writable<io::writer>);
static_assert(std::convertible_to<net::conn, io::reader> && std::convertible_to<io::buffer*, io::writer>);
static_assert(std::convertible_to<std::shared_ptr<io::buffer>, io::reader>);
static_assert(!std::convertible_to<io::buffer&, io::writer> && !std::convertible_to<int, io::reader>);
static_assert(!io::readable<std::string> && !io::writable<io::string_reader>);

}  // namespace

FIBER_TEST("io: read_all returns all until the end, whatever the pieces") {
  const std::string big = pattern(100'000);
  for (const std::size_t most : {1UL, 7UL, 4096UL, 1'000'000UL}) {
    for (const bool with_last : {false, true}) {
      auto [all, err] = io::read_all(pieces{big, most, io::eof, with_last});
      CHECK((all == big));
      CHECK(err == nil);
    }
  }
  CHECK(io::read_all(pieces{""}) == std::pair(std::string(), error()));
  CHECK(io::read_all(pieces{"abc", 2, broken}) == std::pair(std::string("abc"), error(broken)));
}

FIBER_TEST("io: read_full and read_at_least: EOF before the first byte, unexpected EOF behind it") {
  char four[4];
  CHECK(io::read_full(pieces{"abcdef", 3}, four) == io::result(4, nil));
  CHECK(std::string_view(four, 4) == "abcd");
  CHECK(io::read_full(pieces{"abc"}, four) == io::result(3, io::unexpected_eof));
  CHECK(io::read_full(pieces{""}, four) == io::result(0, io::eof));
  CHECK(io::read_full(pieces{"abcd", 4, broken, true}, four) == io::result(4, nil));
  CHECK(io::read_full(pieces{"ab", 1, broken}, four) == io::result(2, broken));
  CHECK(io::read_full(pieces{"ab"}, std::span<char>()) == io::result(0, nil));
  CHECK(io::read_at_least(pieces{"abcdef", 3}, four, 2) == io::result(3, nil));
  CHECK(io::read_at_least(pieces{"abcdef"}, four, 5) == io::result(0, io::short_buffer));
}

FIBER_TEST("io: a reader that never returns anything is given up after a hundred reads") {
  silent s;
  char buf[4];
  CHECK(io::read_full(&s, buf) == io::result(0, io::no_progress));
  CHECK(s.reads == 100);
  CHECK(io::read_all(&s).second == io::no_progress);
  CHECK(io::copy(io::discard, &s) == io::copied(0, io::no_progress));
  io::buffered_reader b(&s);
  CHECK(b.read_line().second == io::no_progress);
  CHECK(b.peek(1).second == io::no_progress);
  CHECK(b.read_byte().second == io::no_progress);
  CHECK(io::no_progress.text() == "multiple Read calls return no data or error");
}

FIBER_TEST("io: nil readers and writers fail with an error; null pointers are nil") {
  char buf[4];
  const io::reader r = static_cast<io::buffer*>(nullptr);
  CHECK(r == nil);
  CHECK(errors::is(r.read(buf).second, std::errc::invalid_argument));
  CHECK(errors::is(io::read_all(nil).second, std::errc::invalid_argument));
  CHECK(errors::is(io::writer().write("x").second, std::errc::invalid_argument));
  CHECK(errors::is(io::copy(nil, pieces{"x"}).second, std::errc::invalid_argument));
  CHECK(errors::is(io::copy(io::discard, net::conn()).second, std::errc::invalid_argument));
  CHECK(errors::is(io::pipe_reader().read(buf).second, std::errc::invalid_argument));
  CHECK(errors::is(io::pipe_writer().write("x").second, std::errc::invalid_argument));
  CHECK(errors::is(io::pipe_writer().close(), std::errc::invalid_argument));
}

FIBER_TEST("io: who breaks the promises of read and write is found out") {
  char buf[4];
  CHECK(panic_of([&] { io::reader(liar{5, nil}).read(buf); }) == "io: a reader returned more than there was room for");
  CHECK(io::writer(liar{5, nil}).write("abcd") == io::result(0, io::invalid_write));
  CHECK(io::writer(liar{5, broken}).write("abcd") == io::result(0, broken));
  CHECK(io::writer(liar{3, nil}).write("abcd") == io::result(3, io::short_write));
  CHECK(io::copy(liar{3, nil}, pieces{"abcd", 4}) == io::copied(3, io::short_write));
  CHECK(io::copy(liar{9, nil}, pieces{"abcd", 4}) == io::copied(0, io::invalid_write));
  CHECK(io::invalid_write.text() == "invalid write result");
}

FIBER_TEST("io: copy moves all, and says which side failed after how much") {
  const std::string big = pattern(200'000);
  io::buffer to;
  CHECK(io::copy(&to, pieces{big, 50'000}) == io::copied(200'000, nil));
  CHECK((to.text() == big));
  CHECK(io::copy(&to, pieces{"abc", 3, broken, true}) == io::copied(3, broken));
  CHECK(io::copy(liar{0, broken}, pieces{"abc", 3, io::unexpected_eof, true}) == io::copied(0, broken));
}

FIBER_TEST("io: copy_n moves so many bytes and reads no more") {
  io::string_reader from("abcdef");
  io::buffer to;
  CHECK(io::copy_n(&to, &from, 4) == io::copied(4, nil));
  CHECK(to.text() == "abcd");
  CHECK(from.rest() == "ef");
  CHECK(io::copy_n(&to, &from, 4) == io::copied(2, io::eof));
  CHECK(io::copy_n(&to, &from, 0) == io::copied(0, nil));
  CHECK(io::copy_n(&to, &from, -1) == io::copied(0, nil));
  CHECK(io::copy_n(&to, pieces{"abc", 3, io::eof, true}, 3) == io::copied(3, nil));
}

FIBER_TEST("io: copy_n that has got its bytes does not fail, whatever came with the last of them") {
  const std::string all(100'000, 'x');
  for (const error& last : {error(broken), error(io::eof)}) {
    io::buffer to;
    CHECK(io::copy_n(&to, pieces{"abcde", 5, last, true}, 5) == io::copied(5, nil));
    CHECK(to.text() == "abcde");
    CHECK(io::copy_n(io::discard, pieces{all, 997, last, true}, 100'000) == io::copied(100'000, nil));
    CHECK(io::copy_n(io::discard, pieces{"abcde", 5, last, true}, 6) == io::copied(5, last));
    CHECK(io::copy_n(io::discard, pieces{"", 1, last, true}, 0) == io::copied(0, nil));
  }
  CHECK(io::copy_n(liar{3, broken}, pieces{"abc", 3}, 3) == io::copied(3, nil));
}

FIBER_TEST("io: limit_reader ends after so many bytes") {
  io::string_reader from("abcdef");
  const io::reader r = io::limit_reader(&from, 4);
  CHECK(io::read_all(r).first == "abcd");
  char buf[4];
  CHECK(r.read(buf) == io::result(0, io::eof));
  CHECK(from.rest() == "ef");
  CHECK(io::limit_reader(&from, -5).read(buf) == io::result(0, io::eof));
}

FIBER_TEST("io: tee_reader writes what is read through it, and its reads fail as that write does") {
  io::buffer seen;
  CHECK(io::read_all(io::tee_reader(pieces{"abcdef", 4}, &seen)).first == "abcdef");
  CHECK(seen.text() == "abcdef");
  char buf[4];
  CHECK(io::tee_reader(pieces{"abc", 3}, liar{1, broken}).read(buf) == io::result(1, broken));
}

FIBER_TEST("io: multi_reader reads one behind the other, and stops at an error") {
  CHECK(io::read_all(io::multi_reader(pieces{"ab"}, pieces{""}, pieces{"cd", 2, io::eof, true}, pieces{"e"})).first ==
        "abcde");
  CHECK(io::read_all(io::multi_reader()).first == "");
  CHECK(io::read_all(io::multi_reader(pieces{"ab", 1, broken}, pieces{"cd"})) ==
        std::pair(std::string("ab"), error(broken)));
}

FIBER_TEST("io: multi_reader gives an end that comes with bytes on with them only if it is the last one") {
  const io::reader r = io::multi_reader(pieces{"a", 9, io::eof, true}, pieces{""}, pieces{"b", 9, io::eof, true});
  char buf[9];
  CHECK(r.read(buf) == io::result(1, nil));
  CHECK(r.read(buf) == io::result(1, io::eof));
  CHECK(r.read(buf) == io::result(0, io::eof));
}

FIBER_TEST("io: multi_writer writes to each, until one fails") {
  io::buffer a;
  io::buffer b;
  const io::writer w = io::multi_writer(&a, liar{1, broken}, &b);
  CHECK(io::multi_writer(&a, &b).write("x") == io::result(1, nil));
  CHECK(w.write("yz") == io::result(1, broken));
  CHECK(a.text() == "xyz");
  CHECK(b.text() == "x");
}

FIBER_TEST("io: a buffer gives back what was written to it, and makes room again") {
  io::buffer b;
  char buf[3];
  CHECK(b.read(buf) == io::result(0, io::eof));
  CHECK(b.read(std::span<char>()) == io::result(0, nil));
  std::string expected;
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    const std::string part = pattern(static_cast<std::size_t>(i % 7), static_cast<unsigned>(i));
    expected += part;
    CHECK(b.write(part) == io::result(part.size(), nil));
    const std::size_t n = b.read(buf).first;
    got.append(buf, n);
  }
  CHECK((got + std::string(b.text()) == expected));
  b.reset();
  b.write("abc");
  b.read(std::span(buf).first(1));
  b.write(b.text());
  CHECK(b.text() == "bcbc");
  b.truncate(3);
  CHECK(text_of(b.bytes()) == "bcb");
  CHECK(panic_of([&] { b.truncate(4); }) == "bytes.Buffer: truncation out of range");
}

FIBER_TEST("io: a reader knows what it was made from") {
  io::buffer b;
  const io::reader r = &b;
  CHECK(r.as<io::buffer>() == &b);
  CHECK(r.as<io::string_reader>() == nullptr);
  auto [x, y] = net::pipe();
  CHECK(*io::writer(x).as<net::conn>() == x);
}

FIBER_TEST("io: a write to a pipe waits until all has been read; close is its end") {
  auto [r, w] = io::pipe();
  std::atomic<bool> written = false;
  support::crew writer;
  writer.go([&, to = w] {
    CHECK(to.write("abcd") == io::result(4, nil));
    written = true;
    to.write("ef");
    CHECK(to.close() == nil);
    CHECK(to.write("x").second == io::closed_pipe);
  });
  char two[2];
  CHECK(r.read(two) == io::result(2, nil));
  CHECK(!written);
  CHECK(io::read_all(r) == std::pair(std::string("cdef"), error()));
  CHECK(r.read(two).second == io::eof);
  CHECK(r.close() == nil);
  CHECK(r.read(two).second == io::closed_pipe);
}

FIBER_TEST("io: an end of a pipe that is closed with an error gives it to the other; the first one counts") {
  char buf[2];
  {
    auto [r, w] = io::pipe();
    CHECK(w.close_with_error(broken) == nil);
    CHECK(w.close_with_error(io::unexpected_eof) == nil);
    CHECK(r.read(buf).second == broken);
    CHECK(r.read(buf).second == broken);
    CHECK(w.write("x").second == io::closed_pipe);
    r.close();
    CHECK(r.read(buf).second == io::closed_pipe);
  }
  {
    auto [r, w] = io::pipe();
    support::crew writer;
    writer.go([to = w] {
      CHECK(to.write("abc") == io::result(1, broken));
      CHECK(to.write("abc") == io::result(0, broken));
    });
    CHECK(r.read(std::span(buf).first(1)).first == 1);
    r.close_with_error(broken);
  }
  {
    auto [r, w] = io::pipe();
    r.close();
    CHECK(w.write("x").second == io::closed_pipe);
  }
}

FIBER_TEST("io: the last handle to an end of a pipe closes it, and a context ends a wait") {
  char buf[2];
  auto [r, w] = io::pipe();
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew reader;
  reader.go([&, x = ctx, from = r] { CHECK(errors::is(from.read(buf, x).second, context::canceled)); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  cancel();
  reader.join();
  w = {};
  CHECK(r.read(buf).second == io::eof);
}

PLAIN_TEST("io: plain threads copy through a pipe") {
  const std::string big = pattern(300'000);
  auto [r, w] = io::pipe();
  std::thread other([&, to = w] {
    CHECK(io::copy(to, pieces{big, 10'000}) == io::copied(300'000, nil));
    to.close();
  });
  CHECK((io::read_all(r).first == big));
  other.join();
}

FIBER_TEST("io: copy works from one connection to another") {
  const std::string big = pattern(static_cast<std::size_t>(support::scale(2'000'000)));
  support::net_pair in;
  support::net_pair out("unix", "@io_test_copy");
  support::crew all;
  all.go([&] {
    CHECK(in.a.write(big).first == big.size());
    in.a.close_write();
  });
  all.go([&] {
    CHECK(io::copy(out.a, in.b) == io::copied(static_cast<std::int64_t>(big.size()), nil));
    out.a.close_write();
  });
  CHECK((io::read_all(out.b).first == big));
}

FIBER_TEST("io: copy between connections says who failed") {
  support::net_pair in;
  support::net_pair out;
  in.a.write("abc");
  support::crew limits;
  limits.go([&] {
    CHECK(support::read_n(out.b, 3) == "abc");
    in.b.set_read_deadline(time::now());
  });
  auto [n, err] = io::copy(out.a, in.b);
  limits.join();
  CHECK(n == 3);
  CHECK(err.text() == support::error_of("read", in.b, "i/o timeout"));
  in.b.set_read_deadline(nil);
  out.a.close();
  in.a.write("abc");
  CHECK(errors::is(io::copy(out.a, in.b).second, net::closed));
}

FIBER_TEST("io: copy to a connection whose peer has gone fails, and no signal comes") {
  support::net_pair in;
  support::net_pair out;
  out.b.set_linger(0);
  out.b.close();
  support::crew writer;
  writer.go([&] {
    while (!in.a.write("some text").second) {
      runtime::gosched();
    }
  });
  const error err = io::copy(out.a, in.b).second;
  CHECK((errors::is(err, std::errc::broken_pipe) || errors::is(err, std::errc::connection_reset)));
  in.b.close();
}

FIBER_TEST("io: copy_n leaves what is behind in the connection") {
  support::net_pair in;
  support::net_pair out;
  in.a.write("abcdef");
  CHECK(io::copy_n(out.a, in.b, 4) == io::copied(4, nil));
  CHECK(support::read_n(out.b, 4) == "abcd");
  CHECK(support::read_n(in.b, 2) == "ef");
}

namespace {

// A file of the test's own, without a name, which stands at its beginning.
os::file file_of(std::string_view text) {
  char path[] = "/tmp/gossamer-io-XXXXXX";
  const os::file f = os::new_file(::mkstemp(path), path);
  ::unlink(path);
  CHECK(f.write(text).first == text.size());
  CHECK(f.seek(0, os::seek_from::start).second == nil);
  return f;
}

}  // namespace

FIBER_TEST("io: copy sends a file from where it stands, whole or in part") {
  const std::string big = pattern(static_cast<std::size_t>(support::scale(5'000'000)));
  for (const char* const network : {"tcp", "unix"}) {
    const os::file f = file_of(big);
    const support::net_pair out(network, std::string_view(network) == "tcp" ? "127.0.0.1:0" : "@io_test_file");
    support::crew copying;
    copying.go([&] {
      CHECK(io::copy_n(out.a, f, 1000) == io::copied(1000, nil));
      CHECK(f.seek(0, os::seek_from::current).first == 1000);
      CHECK(io::copy(out.a, io::limit_reader(f, 2000)) == io::copied(2000, nil));
      CHECK(io::copy(out.a, f) == io::copied(static_cast<std::int64_t>(big.size()) - 3000, nil));
      CHECK(io::copy(out.a, f) == io::copied(0, nil));
      CHECK(io::copy_n(out.a, f, 1) == io::copied(0, io::eof));
      out.a.close_write();
    });
    CHECK((io::read_all(out.b).first == big));
  }
}

FIBER_TEST("io: copy of a limited file says what is left of it") {
  const support::net_pair out;
  io::limited_reader all(file_of("abcdef"), 10);
  CHECK(io::copy(out.a, &all) == io::copied(6, nil));
  CHECK(all.left() == 4);
  const io::reader limited = io::limit_reader(file_of("abcdef"), 4);
  CHECK(io::copy(out.a, limited) == io::copied(4, nil));
  CHECK(limited.as<io::limited_reader>()->left() == 0);
  CHECK(support::read_n(out.b, 10) == "abcdefabcd");
}

namespace {

struct louder : os::file {
  explicit louder(os::file f) : os::file(std::move(f)) {}
  io::result read(std::span<std::byte> to) const {
    const auto r = os::file::read(to);
    for (std::byte& b : to.first(r.first)) {
      b &= std::byte{0xdf};
    }
    return r;
  }
};

}  // namespace

FIBER_TEST("io: copy reads what is derived from a file by its own read") {
  const support::net_pair out;
  CHECK(io::copy(out.a, louder(file_of("hello"))) == io::copied(5, nil));
  CHECK(support::read_n(out.b, 5) == "HELLO");
}

FIBER_TEST("io: copy leaves the process its locks of the file") {
  const support::net_pair out;
  char path[] = "/tmp/gossamer-io-XXXXXX";
  const os::file f = os::new_file(::mkstemp(path), path);
  CHECK(::lockf(f.native_handle(), F_LOCK, 0) == 0);
  f.write("x");
  f.seek(0, os::seek_from::start);
  CHECK(io::copy(out.a, f) == io::copied(1, nil));
  // Its own locks a process does not see: a child looks.
  const pid_t child = ::fork();
  if (child == 0) {
    const int n = ::open(path, O_RDWR);
    ::_exit(::lockf(n, F_TEST, 0) == 0 ? 1 : 0);
  }
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  ::unlink(path);
}

FIBER_TEST("io: copy of files that are closed, pipes and directories, and to whom has gone") {
  const support::net_pair out;
  const os::file gone = file_of("x");
  gone.close();
  CHECK(errors::is(io::copy(out.a, gone).second, os::closed));
  const os::file directory = os::open("/tmp").first;
  CHECK(errors::is(io::copy(out.a, directory).second, std::errc::is_a_directory));
  auto ends = os::pipe();
  ends.writer.write("through a pipe");
  ends.writer.close();
  CHECK(io::copy(out.a, ends.reader) == io::copied(14, nil));
  CHECK(support::read_n(out.b, 14) == "through a pipe");
  // What the kernel makes up has no size.
  const auto [n, err] = io::copy(out.a, os::open("/proc/self/comm").first);
  CHECK(n > 0);
  CHECK(err == nil);
  CHECK(support::read_n(out.b, static_cast<std::size_t>(n)) != "");
  const std::string big(20'000'000, 'x');
  const os::file f = file_of(big);
  support::crew limits;
  limits.go([&] {
    CHECK(support::read_n(out.b, 1) == "x");
    out.a.set_write_deadline(time::now());
  });
  const auto [part, late] = io::copy(out.a, f);
  limits.join();
  CHECK(part > 0);
  CHECK(late.text() == support::error_of("write", out.a, "i/o timeout"));
  out.a.set_write_deadline(nil);
  out.b.set_linger(0);
  out.b.close();
  const error broken_off = io::copy(out.a, f).second;
  CHECK((errors::is(broken_off, std::errc::broken_pipe) || errors::is(broken_off, std::errc::connection_reset)));
  out.a.close();
  f.seek(0, os::seek_from::start);
  CHECK(errors::is(io::copy(out.a, f).second, net::closed));
}
