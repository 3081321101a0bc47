// os: descriptors that programs get beyond 0, 1 and 2.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "child.hpp"
#include "commands.hpp"

using namespace gossamer;
using support::no_children;

namespace {

std::string text_of(const error& err) { return err ? err.text() : "nil"; }

std::pair<std::string, error> output_of(os::command& c) {
  auto result = c.output();
  CHECK(text_of(result.second) == "nil");
  return result;
}

// A file that holds the text, and nobody finds.
os::file holding(std::string_view text) {
  const std::string path = "/tmp/gossamer-" + std::to_string(::getpid()) + "-extra";
  auto [f, err] = os::open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  CHECK(text_of(err) == "nil");
  CHECK(os::remove(path) == nil);
  CHECK(f.write(text).second == nil);
  CHECK(f.seek(0, os::seek_from::start).second == nil);
  return f;
}

}  // namespace

FIBER_TEST("exec: extra files are 3, 4 and so on, and stay open here") {
  const os::file first = holding("first\n");
  const os::file second = holding("second\n");
  os::command c("sh", "-c", "cat <&4; cat <&3");
  c.extra_files = {first, second};
  CHECK(output_of(c).first == "second\nfirst\n");
  // It is the same open file, with one place.
  char buf[8];
  CHECK(first.read(buf) == io::result(0, io::eof));
  CHECK(first.seek(0, os::seek_from::start) == std::pair<std::int64_t, error>(0, nil));
  CHECK(first.read(buf) == io::result(6, nil));
  CHECK((::fcntl(first.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(no_children());
}

FIBER_TEST("exec: extra files whose numbers are each other's reach the program in their order") {
  // Whatever numbers they have here, all of those that the program gets are among them.
  std::vector<os::file> files;
  for (int i = 0; i < 12; ++i) {
    files.push_back(holding(std::to_string(i) + "\n"));
  }
  std::vector<os::file> turned(files.rbegin(), files.rend());
  turned.push_back(files[0]);
  std::string script;
  for (std::size_t i = 0; i < turned.size(); ++i) {
    script += "read x </proc/self/fd/" + std::to_string(3 + i) + "; echo $x;";
  }
  os::command c("sh", "-c", script);
  c.extra_files = turned;
  CHECK(output_of(c).first == "11\n10\n9\n8\n7\n6\n5\n4\n3\n2\n1\n0\n0\n");
  CHECK(no_children());
}

FIBER_TEST("exec: the number of a nil extra file is not open") {
  os::command c("sh", "-c", "cat <&4; test -e /proc/$$/fd/3 || echo none; test -e /proc/$$/fd/5 || echo none");
  c.extra_files = {nil, holding("second\n"), nil};
  CHECK(output_of(c).first == "second\nnone\nnone\n");
  CHECK(no_children());
}

FIBER_TEST("exec: a pipe among the extra files blocks the program, and parks here") {
  auto [from, to, no_pipe] = os::pipe();
  auto [from_back, to_back, no_second] = os::pipe();
  os::command c("sh", "-c", "cat <&3 >&4");
  c.extra_files = {from, to_back};
  CHECK(text_of(c.start()) == "nil");
  CHECK(from.close() == nil);
  CHECK(to_back.close() == nil);
  for (int i = 0; i < 3; ++i) {
    runtime::gosched();
    CHECK(to.write("hello") == io::result(5, nil));
    char buf[5];
    CHECK(io::read_full(from_back, buf) == io::result(5, nil));
    CHECK(std::string_view(buf, 5) == "hello");
  }
  CHECK((::fcntl(to.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(from_back.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK(to.close() == nil);
  char more[1];
  CHECK(from_back.read(more) == io::result(0, io::eof));
  CHECK(text_of(c.wait()) == "nil");
  CHECK(no_children());
}

FIBER_TEST("exec: a pipe whose other end is closed is given to the program all the same") {
  auto [from, to, no_pipe] = os::pipe();
  CHECK(to.write("left") == io::result(4, nil));
  CHECK(to.close() == nil);
  os::command reads("sh", "-c", "cat <&3");
  reads.extra_files = {from};
  CHECK(output_of(reads).first == "left");
  auto [nobody, gone, no_second] = os::pipe();
  CHECK(nobody.close() == nil);
  os::command writes("sh", "-c", "trap '' PIPE; echo x >&3 || echo broken");
  writes.extra_files = {gone};
  writes.err = io::discard;
  CHECK(output_of(writes).first == "broken\n");
  CHECK(no_children());
}

FIBER_TEST("exec: an extra file that is closed, and one too many, start nothing and leave nothing") {
  const os::file shut = holding("x");
  CHECK(shut.close() == nil);
  os::command c("true");
  c.extra_files = {holding("y"), shut};
  const error closed = c.run();
  CHECK(errors::is(closed, os::closed));
  CHECK(closed.text().starts_with("dup /tmp/gossamer-"));
  CHECK(closed.text().ends_with("-extra: file already closed"));
  // More than the process may have open.
  ::rlimit limit{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t most = 500;
  if (limit.rlim_cur < most) {
    return;
  }
  const ::rlimit lower{.rlim_cur = most, .rlim_max = limit.rlim_max};
  const os::file one = holding("z");
  CHECK(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  os::command many("true");
  many.extra_files.assign(most, one);
  CHECK(errors::is(many.run(), std::errc::too_many_files_open));
  CHECK(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(no_children());
}

FIBER_TEST("exec: a program that fails to start keeps none of its extra files open") {
  auto [from, to, no_pipe] = os::pipe();
  os::command c("/no/such");
  c.extra_files = {to};
  CHECK(text_of(c.run()) == "fork/exec /no/such: no such file or directory");
  CHECK(to.close() == nil);
  char buf[1];
  CHECK(from.read(buf) == io::result(0, io::eof));  // nobody else holds it
  CHECK(no_children());
}

FIBER_TEST("exec: of many programs that start at once each has its own extra files and no other's") {
  const os::file any = holding("x");
  const auto open_in = [](os::command& c) { return output_of(c).first; };
  os::command alone("sh", "-c", "ls /proc/$$/fd");
  alone.extra_files = {any};
  const std::string wanted = open_in(alone);
  CHECK(support::contains(wanted, "3\n"));
  support::crew all;
  for (int i = 0; i < 16; ++i) {
    all.go([&] {
      os::command c("sh", "-c", "ls /proc/$$/fd");
      c.extra_files = {any};
      CHECK(open_in(c) == wanted);
    });
  }
  all.join();
  CHECK(no_children());
}

PLAIN_TEST("exec: a plain thread gives files to a program") {
  os::command c("sh", "-c", "cat <&3");
  c.extra_files = {holding("plain\n")};
  CHECK(output_of(c).first == "plain\n");
  CHECK(no_children());
}
