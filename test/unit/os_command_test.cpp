// os: programs that are started, fed, listened to and waited for.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "child.hpp"
#include "commands.hpp"
#include "inside.hpp"
#include "net_pair.hpp"
#include "os/child.hpp"

using namespace gossamer;
using support::announcing;
using support::no_children;
using support::pattern;

namespace {

using output_result = std::pair<std::string, error>;

}  // namespace

FIBER_TEST("exec: output is what the program wrote, and nil that it exited with 0") {
  CHECK(os::command("echo", "hello", "world").output() == output_result("hello world\n", nil));
  CHECK(os::command("sh", "-c", "echo out; echo err >&2").combined_output() == output_result("out\nerr\n", nil));
  CHECK(os::command("sh", "-c", "echo out; echo err >&2").output() == output_result("out\n", nil));
  CHECK(os::command("true").run() == nil);
  CHECK(no_children());
}

FIBER_TEST("exec: output keeps both ends of what a program that failed complained of") {
  const error few = os::command("sh", "-c", "echo why >&2; exit 1").output().second;
  CHECK(few.text() == "exit status 1");
  CHECK(errors::as<os::exit_error>(few)->standard_error() == "why\n");
  const error many = os::command("sh", "-c", "yes 1234567 | head -n 20000 >&2; echo last >&2; exit 1").output().second;
  const std::string& kept = errors::as<os::exit_error>(many)->standard_error();
  CHECK(kept.starts_with("1234567\n1234567\n"));
  CHECK(kept.find("\n... omitting 94469 bytes ...\n") == 32768);
  CHECK(kept.ends_with("1234567\nlast\n"));
  CHECK(kept.size() == 65536 + 30);
  io::buffer mine;
  os::command elsewhere("sh", "-c", "echo why >&2; exit 1");
  elsewhere.err = &mine;
  CHECK(errors::as<os::exit_error>(elsewhere.output().second)->standard_error().empty());
  CHECK(mine.text() == "why\n");
  CHECK(no_children());
}

FIBER_TEST("exec: an exit code and a signal are errors with Go's texts") {
  auto [text, err] = os::command("sh", "-c", "echo so far; exit 3").output();
  CHECK(text == "so far\n");
  CHECK(err.text() == "exit status 3");
  const auto* exit = errors::as<os::exit_error>(err);
  CHECK(exit != nullptr);
  CHECK(exit->exit_code() == 3);
  CHECK(exit->signal() == os::signal());
  CHECK(exit->standard_error().empty());
  const error killed = os::command("sh", "-c", "kill -9 $$").run();
  CHECK(killed.text() == "signal: killed");
  CHECK(errors::as<os::exit_error>(killed)->signal() == os::kill);
  CHECK(errors::as<os::exit_error>(killed)->exit_code() == -1);
  CHECK(no_children());
}

FIBER_TEST("exec: what cannot be started says why") {
  const error none = os::command("no-such-program-here").run();
  CHECK(none.text() == "exec: \"no-such-program-here\": executable file not found in $PATH");
  CHECK(errors::is(none, os::not_found));
  CHECK(os::command("..").run().text() == "exec: \"..\": executable file not found in $PATH");
  CHECK(os::command("/no/such").run().text() == "fork/exec /no/such: no such file or directory");
  CHECK(errors::is(os::command("/no/such").run(), os::not_exist));
  CHECK(os::command("/etc/passwd").run().text() == "fork/exec /etc/passwd: permission denied");
  CHECK(errors::is(os::command("/tmp").run(), os::permission));
  CHECK(os::command("").run().text() == "exec: no command");
  os::command c("true");
  c.dir = "/no/such";
  CHECK(c.run().text() == "chdir /no/such: no such file or directory");
  os::command e("true");
  e.dir = "/etc/passwd";
  CHECK(errors::is(e.run(), std::errc::not_a_directory));
  CHECK(os::look_path("/no/such").second.text() == "exec: \"/no/such\": stat /no/such: no such file or directory");
  CHECK(os::look_path("/tmp").second.text() == "exec: \"/tmp\": is a directory");
  CHECK(os::look_path("/etc/passwd").second.text() == "exec: \"/etc/passwd\": permission denied");
  CHECK(os::look_path("").second.text() == "exec: \"\": executable file not found in $PATH");
  os::file closed = os::open("/dev/null").first;
  closed.close();
  os::command d("cat");
  d.in = closed;
  CHECK(errors::is(d.run(), os::closed));
  d.in = nil;
  CHECK(d.run().text() == "exec: already started");
  CHECK(no_children());
}

FIBER_TEST("exec: a zero in a name, an argument, the directory or the environment is refused, not cut off there") {
  const std::string zero("true\0b", 6);
  CHECK(errors::is(os::command(zero).run(), std::errc::invalid_argument));
  CHECK(errors::is(os::command("/bin/" + zero).run(), std::errc::invalid_argument));
  const error argument = os::command("true", zero).run();
  CHECK(argument.text().starts_with("fork/exec /"));
  CHECK(argument.text().ends_with("/true: invalid argument"));
  CHECK(errors::is(os::look_path(zero).second, std::errc::invalid_argument));
  os::command c("true");
  c.env = std::vector<std::string>{"A=" + zero};
  CHECK(c.run().text() == "exec: environment variable contains NUL");
  os::command d("true");
  d.dir = std::string("/\0b", 3);
  CHECK(d.run() != nil);
  os::command e("true");
  e.env = std::vector<std::string>();
  e.dir = std::string("/\0b", 3);
  CHECK(errors::is(e.run(), std::errc::invalid_argument));
  CHECK(no_children());
}

FIBER_TEST("exec: a command is started once, also if that failed") {
  os::command c("/no/such");
  CHECK(errors::is(c.run(), os::not_exist));
  CHECK(c.start().text() == "exec: already started");
  CHECK(c.output().second.text() == "exec: already started");
  CHECK(c.wait().text() == "exec: not started");
  CHECK(no_children());
}

FIBER_TEST("exec: a reader feeds the program, a writer takes what it writes") {
  const std::string big = pattern(static_cast<std::size_t>(support::scale(1'000'000)));
  io::string_reader from(big);
  os::command c("cat");
  c.in = &from;
  auto [text, err] = c.output();
  CHECK(err == nil);
  CHECK((text == big));
  // It need not read all.
  io::string_reader more(big);
  os::command head("head", "-c", "10");
  head.in = &more;
  CHECK((head.output() == output_result(big.substr(0, 10), nil)));
}

FIBER_TEST("exec: pipes stream both ways while the program runs") {
  os::command c("cat");
  auto [to, e1] = c.in_pipe();
  auto [from, e2] = c.out_pipe();
  CHECK(e1 == nil);
  CHECK(e2 == nil);
  CHECK(c.in_pipe().second.text() == "exec: Stdin already set");
  CHECK(c.start() == nil);
  CHECK(c.out_pipe().second.text() == "exec: Stdout already set");
  CHECK(c.err_pipe().second.text() == "exec: StderrPipe after process started");
  char buf[5];
  for (int i = 0; i < 20; ++i) {
    CHECK(to.write("hello") == io::result(5, nil));
    CHECK(io::read_full(from, buf) == io::result(5, nil));
    CHECK(std::string_view(buf, 5) == "hello");
  }
  to.close();
  CHECK(from.read(buf).second == io::eof);
  CHECK(c.wait() == nil);
  CHECK(errors::is(from.read(buf).second, os::closed));
}

FIBER_TEST("exec: environment, directory and files are the program's") {
  os::command c("/bin/sh", "-c", "echo $A; pwd; env | grep -c =");
  c.env = std::vector<std::string>{"A=b"};
  c.dir = "/";
  auto [text, err] = c.output();
  CHECK(err == nil);
  CHECK(support::contains(text, "b\n/\n"));
  auto [null, e] = os::open("/dev/null");
  os::command cat("cat");
  cat.in = null;
  CHECK(cat.output() == output_result("", nil));
}

FIBER_TEST("exec: the program starts with no signal blocked and nothing open that closes with exec") {
  auto [r, w, err] = os::pipe();
  auto [mask, e] = os::command("grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status").output();
  CHECK(support::contains(mask, "SigBlk:\t0000000000000000\n"));
  const std::size_t ignored = mask.find("SigIgn:\t");
  CHECK(ignored != mask.npos);
  // The two that are glibc's own it leaves ignored.
  const auto own = std::uint64_t{3} << 31;
  CHECK((ignored == mask.npos || (std::strtoull(mask.c_str() + ignored + 8, nullptr, 16) & ~own) == 0));
  auto [open, e2] = os::command("sh", "-c", "ls /proc/$$/fd").output();
  io::string_reader numbers(open);
  io::buffered_reader lines(&numbers);
  for (auto [line, err2] = lines.read_line(); !err2; std::tie(line, err2) = lines.read_line()) {
    const int n = std::atoi(line.c_str());
    // The test itself may have been started with more.
    CHECK((n < 3 || (::fcntl(n, F_GETFD) & FD_CLOEXEC) == 0));
  }
  CHECK(e2 == nil);
}

FIBER_TEST("exec: kill and signal reach a program that runs, and none that has been waited for") {
  os::command c("sleep", "1000");
  CHECK(c.kill().text() == "exec: not started");
  CHECK(c.wait().text() == "exec: not started");
  CHECK(c.pid() == 0);
  CHECK(c.start() == nil);
  CHECK(c.start().text() == "exec: already started");
  CHECK(c.pid() > 0);
  support::crew killer;
  killer.go([&] {
    CHECK(support::await_parked(wait_reason::io_wait, 1));
    CHECK(c.signal(SIGTERM) == nil);
  });
  CHECK(c.wait().text() == "signal: terminated");
  CHECK(c.kill() == os::process_done);
  CHECK(c.kill().text() == "os: process already finished");
  CHECK(c.wait().text() == "exec: Wait was already called");
  CHECK(no_children());
}

FIBER_TEST("exec: a context that ends kills the program, and is in the error") {
  os::command c("sleep", "1000");
  CHECK(c.start() == nil);
  auto [ctx, cancel] = context::with_timeout(context::background(), 20ms);
  const error err = c.wait(ctx);
  CHECK(err.text() == "signal: killed");
  CHECK(errors::is(err, context::deadline_exceeded));
  CHECK(err.timeout());
  cancel();
  CHECK(errors::is(os::command("sleep", "1000").run(ctx), context::deadline_exceeded));
  CHECK(no_children());
}

FIBER_TEST("exec: a context ends the wait for what a program's own children still write") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  os::command c("sh", "-c", "sleep 1000 & echo $!; exit 0");
  announcing text;
  c.out = &text;
  CHECK(c.start() == nil);
  support::crew canceller;
  canceller.go([&, stop = cancel] {
    CHECK(text.await());
    CHECK(support::await_parked(wait_reason::wait_group_wait, 1));
    stop();
  });
  CHECK(errors::is(c.wait(ctx), context::canceled));
  canceller.join();
  support::kill_left_behind(text);
  CHECK(no_children());
}

FIBER_TEST("exec: a command that is not waited for leaves no process and no descriptor") {
  {
    os::command c("sleep", "1000");
    c.out_pipe();
    CHECK(c.start() == nil);
  }
  {
    os::command never("sleep", "1000");
    never.in_pipe();
  }
  CHECK(no_children());
}

FIBER_TEST("exec: where the kernel tells nothing of the end a thread waits for it, unless it is stopped") {
  os::child c;
  CHECK(c.start({.path = "/bin/sleep", .args = {"sleep", "1000"}, .env = {}, .dir = {}, .numbers = {}}) == 0);
  auto [ctx, cancel] = context::with_timeout(context::background(), 20ms);
  c.await_by_blocking(ctx);
  CHECK(!c.has_ended());
  CHECK(c.send(SIGKILL) == 0);
  c.await_by_blocking(wait::stop());
  CHECK(c.has_ended());
  int problem = 0;
  CHECK(c.reap(problem).signal() == SIGKILL);
  CHECK(problem == 0);
  CHECK(c.send(SIGKILL) == -1);
  cancel();
}

FIBER_TEST("exec: many programs at once, each waited for by its fiber") {
  support::crew all;
  std::atomic<int> done = 0;
  for (int i = 0; i < 20; ++i) {
    all.go([&, i] {
      const std::string text = std::to_string(i);
      CHECK(os::command("echo", text).output() == output_result(text + "\n", nil));
      ++done;
    });
  }
  all.join();
  CHECK(done == 20);
  CHECK(no_children());
}

FIBER_TEST("exec: output and combined_output refuse what is set already, and a writer that fails is the error") {
  io::buffer b;
  os::command c("echo", "x");
  c.out = &b;
  CHECK(c.output().second.text() == "exec: Stdout already set");
  c.out = nil;
  c.err = &b;
  CHECK(c.combined_output().second.text() == "exec: Stderr already set");
  struct full {
    io::result write(std::span<const std::byte>) const { return {0, io::short_buffer}; }
  };
  os::command d("echo", "x");
  d.out = full{};
  CHECK(d.run() == io::short_buffer);
}

PLAIN_TEST("exec: a plain thread runs a program") {
  CHECK(os::command("echo", "plain").output() == output_result("plain\n", nil));
  CHECK(os::look_path("sh").second == nil);
  CHECK(no_children());
}

FIBER_TEST("exec: two writers that were made from one pointer are one, and get both outputs in their order") {
  std::string wanted;
  for (int i = 1; i <= 500; ++i) {
    wanted += "o" + std::to_string(i) + "\ne" + std::to_string(i) + "\n";
  }
  io::buffer b;
  os::command c("sh", "-c", "for i in $(seq 500); do echo o$i; echo e$i >&2; done");
  c.out = &b;
  c.err = &b;
  CHECK(c.run() == nil);
  CHECK((b.text() == wanted));
}
