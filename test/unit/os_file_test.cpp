// os: files and pipes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/file.hpp>
#include <gossamer/time.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "child.hpp"
#include "file_behind.hpp"
#include "inside.hpp"
#include "net_pair.hpp"
#include "os/file_core.hpp"

using namespace gossamer;
using support::eventually;
using support::pattern;

namespace {

// A folder that goes with all that is in it, one level deep.
struct folder {
  std::string path = "/tmp/gossamer_os_XXXXXX";
  std::vector<std::string> made;

  folder() { CHECK(::mkdtemp(path.data()) != nullptr); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    for (const std::string& f : made) {
      os::remove(f);
    }
    CHECK(os::remove(path) == nil);
  }
  std::string file(std::string_view name) { return made.emplace_back(path + "/" + std::string(name)); }
};

}  // namespace

FIBER_TEST("os: what is written to a file is read from it, also at places of one's own") {
  folder tmp;
  const std::string path = tmp.file("f");
  auto [f, err] = os::create(path);
  CHECK(err == nil);
  CHECK(f.name() == path);
  CHECK(f.write("hello world") == io::result(11, nil));
  CHECK(f.write_at("W", 6) == io::result(1, nil));
  char buf[5];
  CHECK(f.read(buf) == io::result(0, io::eof));
  CHECK(f.read(std::span<char>()) == io::result(0, nil));
  CHECK(f.write("") == io::result(0, nil));
  CHECK(f.seek(0, os::seek_from::start) == std::pair(std::int64_t{0}, error()));
  CHECK(f.read(buf) == io::result(5, nil));
  CHECK(std::string_view(buf, 5) == "hello");
  CHECK(f.seek(-2, os::seek_from::end).first == 9);
  CHECK(f.read(buf) == io::result(2, nil));
  CHECK(f.read_at(buf, 6) == io::result(5, nil));
  CHECK(std::string_view(buf, 5) == "World");
  CHECK(f.read_at(buf, 8) == io::result(3, io::eof));
  CHECK(f.stat().first.size == 11);
  CHECK(f.stat().first.name == "f");
  CHECK(f.truncate(4) == nil);
  CHECK(f.sync() == nil);
  CHECK(f.stat().first.size == 4);
  CHECK(f.seek(-1, os::seek_from::start).second.text() == "seek " + path + ": invalid argument");
  CHECK(f.read_at(buf, -1).second.text() == "readat " + path + ": negative offset");
  CHECK(f.read_at(std::span<char>(), -1).second.text() == "readat " + path + ": negative offset");
  CHECK(f.write_at("x", -1).second.text() == "writeat " + path + ": negative offset");
  CHECK(f.set_deadline(time::now()) == os::no_deadline);
  CHECK(f.close() == nil);
}

FIBER_TEST("os: errors of files say what failed, on what, and why") {
  folder tmp;
  const error none = os::open("/no/such").second;
  CHECK(none.text() == "open /no/such: no such file or directory");
  CHECK(errors::is(none, os::not_exist));
  CHECK(errors::is(none, std::errc::no_such_file_or_directory));
  CHECK(!errors::is(none, os::exist));
  CHECK(!errors::is(none, os::permission));
  CHECK(errors::as<os::path_error>(none)->op() == "open");
  CHECK(errors::as<os::path_error>(none)->path() == "/no/such");
  CHECK(os::read_file("/no/such").second.text() == none.text());
  CHECK(os::stat("/no/such").second.text() == "stat /no/such: no such file or directory");
  CHECK(os::remove("/no/such").text() == "remove /no/such: no such file or directory");
  CHECK(os::read_file(tmp.path).second.text() == "read " + tmp.path + ": is a directory");
  const std::string path = tmp.file("f");
  CHECK(os::write_file(path, "x", 0600) == nil);
  const error there = os::open_file(path, O_CREAT | O_EXCL | O_RDWR, 0600).second;
  CHECK(errors::is(there, os::exist));
  CHECK(there.text() == "open " + path + ": file exists");
  const error not_empty = os::remove(tmp.path);
  CHECK(errors::is(not_empty, os::exist));
  CHECK(errors::is(os::syscall_error("open", EACCES), os::permission));
  char one[1];
  CHECK(errors::is(os::open_file(path, O_WRONLY, 0).first.read(one).second, std::errc::bad_file_descriptor));
  CHECK(errors::is(os::open(std::string_view("a\0b", 3)).second, std::errc::invalid_argument));
  CHECK(os::open("").second.text() == "open : no such file or directory");
}

FIBER_TEST("os: a closed file refuses all that comes; a nil one, too") {
  folder tmp;
  const std::string path = tmp.file("f");
  auto [f, err] = os::create(path);
  CHECK(f.close() == nil);
  char buf[4];
  CHECK(f.read(buf).second.text() == "read " + path + ": file already closed");
  CHECK(errors::is(f.read(buf).second, os::closed));
  CHECK(errors::is(f.write("x").second, os::closed));
  CHECK(errors::is(f.read_at(buf, 0).second, os::closed));
  CHECK(errors::is(f.write_at("x", 0).second, os::closed));
  CHECK(errors::is(f.seek(0, os::seek_from::end).second, os::closed));
  CHECK(errors::is(f.truncate(0), os::closed));
  CHECK(errors::is(f.sync(), os::closed));
  CHECK(errors::is(f.stat().second, os::closed));
  CHECK(f.close().text() == "close " + path + ": file already closed");
  CHECK(f.native_handle() == -1);
  const os::file none;
  CHECK(none == nil);
  CHECK(errors::is(none.read(buf).second, std::errc::invalid_argument));
  CHECK(errors::is(none.write("x").second, std::errc::invalid_argument));
  CHECK(errors::is(none.close(), std::errc::invalid_argument));
  CHECK(errors::is(none.set_deadline(nil), std::errc::invalid_argument));
}

FIBER_TEST("os: read_file and write_file move whole files, of any size, and those that do not tell theirs") {
  folder tmp;
  const std::string path = tmp.file("f");
  for (const std::size_t n : {0UL, 1UL, 511UL, 512UL, 100'000UL}) {
    const std::string text = pattern(n);
    CHECK(os::write_file(path, text, 0640) == nil);
    auto [all, err] = os::read_file(path);
    CHECK(err == nil);
    CHECK((all == text));
  }
  CHECK(os::stat(path).first.permissions() == 0640);
  CHECK(os::stat(path).first.is_regular());
  CHECK(os::stat("/").first.is_dir());
  CHECK(os::read_file("/proc/self/status").first.find("State:") != std::string::npos);
}

FIBER_TEST("os: a file is closed with its last handle") {
  folder tmp;
  const std::string path = tmp.file("f");
  int number = -1;
  support::file_behind behind;
  {
    const os::file f = os::create(path).first;
    const os::file g = f;
    number = g.native_handle();
    behind = support::file_behind(number);
    CHECK(behind.is_known());
  }
  CHECK(!behind.is_open_as(number));
  CHECK(os::standard_output().native_handle() == 1);
}

FIBER_TEST("os: files read and write as readers and writers do") {
  folder tmp;
  const std::string big = pattern(200'000);
  auto [f, err] = os::create(tmp.file("f"));
  io::string_reader from(big);
  CHECK(io::copy(f, &from) == io::copied(200'000, nil));
  f.seek(0, os::seek_from::start);
  CHECK((io::read_all(f).first == big));
  f.seek(0, os::seek_from::start);
  io::buffered_reader lines(f);
  std::string again;
  for (;;) {
    auto [line, e] = lines.read_string('\n');
    again += line;
    if (e) {
      break;
    }
  }
  CHECK((again == big));
}

FIBER_TEST("os: fibers park on a pipe, and no worker is lost") {
  auto [r, w, err] = os::pipe();
  CHECK(err == nil);
  const std::string big = pattern(static_cast<std::size_t>(support::scale(1'000'000)));
  support::crew all;
  all.go([&, from = r] { CHECK((io::read_all(from).first == big)); });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(w.write(big) == io::result(big.size(), nil));
  CHECK(w.close() == nil);
}

FIBER_TEST("os: writes to a pipe do not come between each other, however large") {
  auto [r, w, err] = os::pipe();
  const std::size_t size = 200'000;
  support::crew all;
  for (const char c : {'a', 'b', 'c'}) {
    all.go([to = w, c, size] { CHECK(to.write(std::string(size, c)).first == size); });
  }
  for (int i = 0; i < 3; ++i) {
    std::string part(size, ' ');
    CHECK(io::read_full(r, part).first == size);
    CHECK((part == std::string(size, part[0])));
  }
}

FIBER_TEST("os: close ends what waits on a pipe, a deadline and a context do, too") {
  auto [r, w, err] = os::pipe();
  char buf[4];
  r.set_deadline(time::now() - 1s);
  CHECK(r.read(buf).second.text() == "read |0: i/o timeout");
  CHECK(errors::is(r.read(buf).second, os::deadline_exceeded));
  r.set_deadline(time::now() + 10ms);
  CHECK(r.read(buf).second.timeout());
  r.set_deadline(nil);
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew blocked;
  blocked.go([from = r, x = ctx] {
    char own[4];
    CHECK(errors::is(from.read(own, x).second, context::canceled));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  cancel();
  blocked.join();
  blocked.go([from = r] {
    char own[4];
    CHECK(from.read(own).second.text() == "read |0: file already closed");
  });
  auto [full_r, full_w, err2] = os::pipe();
  blocked.go([to = full_w] {
    const std::string big(1'000'000, 'x');
    CHECK(to.write(big).second.text() == "write |1: file already closed");
  });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  CHECK(full_w.close() == nil);
  CHECK(r.close() == nil);
  CHECK(errors::is(r.close(), os::closed));
  CHECK(errors::is(r.set_deadline(nil), os::closed));
}

FIBER_TEST("os: a write to a pipe that nobody reads is an error, and no signal") {
  auto [r, w, err] = os::pipe();
  r.close();
  const error e = w.write("x").second;
  CHECK(e.text() == "write |1: broken pipe");
  CHECK(errors::is(e, std::errc::broken_pipe));
}

PLAIN_TEST("os: plain threads use files and pipes, and get no signal from a pipe that nobody reads") {
  auto [r, w, err] = os::pipe();
  std::thread reader([from = r] { CHECK(io::read_all(from).first == "text"); });
  CHECK(w.write("text").first == 4);
  w.close();
  reader.join();
  CHECK(os::read_file("/proc/self/status").second == nil);
  auto [r2, w2, err2] = os::pipe();
  r2.close();
  CHECK(errors::is(w2.write("x").second, std::errc::broken_pipe));
}

FIBER_TEST("os: fibers park on a named pipe as well, which has deadlines") {
  folder tmp;
  const std::string path = tmp.file("fifo");
  CHECK(::mkfifo(path.c_str(), 0600) == 0);
  auto [f, err] = os::open_file(path, O_RDWR, 0);
  CHECK(err == nil);
  std::atomic<bool> has_read = false;
  support::crew reader;
  reader.go([&has_read, same = f] {
    char buf[4];
    CHECK(same.read(buf) == io::result(1, nil));
    has_read = true;
    CHECK(errors::is(same.read(buf).second, os::deadline_exceeded));
    CHECK(errors::is(same.read(buf).second, os::deadline_exceeded));
  });
  CHECK(eventually([] { return runtime::num_fibers(runtime::status::waiting) >= 1; }));
  CHECK(runtime::num_fibers(runtime::status::syscall) == 0);
  auto [g, err2] = os::open_file(path, O_WRONLY, 0);
  CHECK(g.write("x").first == 1);
  CHECK(eventually([&] { return has_read.load(); }));
  CHECK(f.set_deadline(time::now() + 10ms) == nil);
  reader.join();
  CHECK(f.close() == nil);
}

FIBER_TEST("os: a named pipe ends when its last writer has gone, and goes on with the next") {
  folder tmp;
  const std::string path = tmp.file("fifo");
  CHECK(::mkfifo(path.c_str(), 0600) == 0);
  support::crew writer;
  writer.go([&path] {
    auto [w, err] = os::open_file(path, O_WRONLY, 0);  // waits for the reader
    CHECK(err == nil);
    CHECK(w.write("one").second == nil);
  });
  auto [r, err] = os::open(path);
  CHECK(err == nil);
  writer.join();
  char buf[8];
  CHECK(r.read(buf) == io::result(3, nil));
  CHECK(r.read(buf) == io::result(0, io::eof));
  auto [w, err2] = os::open_file(path, O_WRONLY, 0);
  CHECK(err2 == nil);
  CHECK(w.write("two").second == nil);
  CHECK(r.read(buf) == io::result(3, nil));
}

FIBER_TEST("os: a file that is closed while another is in a call on it stays open until that returns") {
  folder tmp;
  const std::string path = tmp.file("fifo");
  CHECK(::mkfifo(path.c_str(), 0600) == 0);
  // Opened both ways, so that neither open nor close ends anything; reads block their thread.
  const int number = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const support::file_behind behind(number);
  const os::file f(new os::file_core(path, number, os::file_core::kind::blocking));
  support::crew reader;
  reader.go([same = f] {
    char buf[4];
    CHECK(same.read(buf) == io::result(1, nil));
    CHECK(errors::is(same.read(buf).second, os::closed));
  });
  CHECK(eventually([] { return runtime::num_fibers(runtime::status::syscall) == 1; }));
  CHECK(f.close() == nil);
  CHECK(behind.is_open_as(number));
  auto [g, err2] = os::open_file(path, O_WRONLY, 0);
  CHECK(g.write("x").first == 1);
  reader.join();
  CHECK(!behind.is_open_as(number));
}

FIBER_TEST("os: what is opened to append takes no write at an offset") {
  folder tmp;
  const std::string path = tmp.file("log");
  for (const bool by_number : {false, true}) {
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_TRUNC;
    const auto f = by_number ? os::new_file(::open(path.c_str(), flags | O_CLOEXEC, 0600), path)
                             : os::open_file(path, flags, 0600).first;
    CHECK(f.write("hello").second == nil);
    const auto [n, err] = f.write_at("X", 0);
    CHECK(n == 0);
    CHECK(err.text() == "os: invalid use of WriteAt on file opened with O_APPEND");
    CHECK(os::read_file(path).first == "hello");
    CHECK(f.close() == nil);
  }
}

FIBER_TEST("os: the name of a file is the last of its path") {
  CHECK(os::stat("/tmp/").first.name == "tmp");
  CHECK(os::stat("/tmp").first.name == "tmp");
  CHECK(os::stat("//").first.name == "/");
  CHECK(os::stat("/").first.name == "/");
  CHECK(os::stat(".").first.name == ".");
}

FIBER_TEST("os: a directory is read by its path only where it is one: a pipe with a name keeps nobody waiting") {
  folder tmp;
  const std::string path = tmp.file("fifo");
  CHECK(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(os::read_dir(path).second.text() == "open " + path + ": not a directory");
}

// Of standard input and output, which are the caller's to share with others that make them so.
CHILD_PROGRAM("os: standard streams that do not block") {
  int in[2];
  int out[2];
  if (::pipe2(in, O_NONBLOCK) != 0 || ::pipe2(out, O_NONBLOCK) != 0) {
    return 1;
  }
  ::dup2(in[0], 0);
  ::dup2(out[1], 1);
  return run([&] {
    const std::string large(1 << 20, 'x');
    sync::wait_group both;
    both.go([&] {
      time::sleep(std::chrono::milliseconds(20));
      static_cast<void>(::write(in[1], "x", 1));
    });
    char one[2];
    if (os::standard_input().read(one) != io::result(1, nil)) {
      return 2;
    }
    both.go([&] {
      std::size_t got = 0;
      char some[4096];
      while (got < large.size()) {
        const ssize_t n = ::read(out[0], some, sizeof some);
        got += n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n < 0) {
          time::sleep(std::chrono::milliseconds(1));
        }
      }
    });
    if (os::standard_output().write(large) != io::result(large.size(), nil)) {
      return 3;
    }
    both.wait();
    return 4;
  });
}
PLAIN_TEST("os: standard streams wait where somebody has made them not block") {
  const auto r = support::run_child("os: standard streams that do not block");
  CHECK(r.code == 4);
}
