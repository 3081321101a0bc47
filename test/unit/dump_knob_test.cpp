// GOSSAMER=dump=SIGNAL:FORMAT:PATH: in which form a signal dumps, and where to.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/knob.hpp"
#include "child.hpp"
#include "fiber_test.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::child_result;
using support::contains;
using support::count_of;
using support::run_child;

namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct folder {
  std::string path = "/tmp/gossamer-dump-XXXXXX";
  folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    for (const char* name : {"/dump", "/target", "/link"}) {
      ::unlink((path + name).c_str());
    }
    ::rmdir(path.c_str());
  }
};

// Whether the thread that writes dumps is there.
bool dumps_yet() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return std::any_of(begin(threads), end(threads),
                     [](const auto& thread) { return content_of(thread.path() / "comm") == "goss/dump\n"; });
}

// Four fibers that wait at one place, and a signal: ends when the file, or stderr, has what is asked for.
int signal_until(int signal, const std::string& file, int times) {
  return run([&] {
    auto ch = make_chan<int>();
    for (int i = 0; i < 4; ++i) {
      go([=] { *ch; });
    }
    while (runtime::num_fibers(runtime::status::waiting) < 4) {
      runtime::gosched();
    }
    for (int i = 1; i <= times; ++i) {
      ::kill(::getpid(), signal);
      std::string so_far;
      do {
        time::sleep(1ms);
        so_far = content_of(file);
      } while (count_of(so_far, "total ") + count_of(so_far, "main fiber") + count_of(so_far, "\"total\"") < i ||
               dumps_yet());
    }
  });
}

}  // namespace

CHILD_PROGRAM("dump to the file twice, by SIGUSR1") { return signal_until(SIGUSR1, std::getenv("DUMP_FILE"), 2); }
CHILD_PROGRAM("dump to the file once, by SIGQUIT") { return signal_until(SIGQUIT, std::getenv("DUMP_FILE"), 1); }
CHILD_PROGRAM("dump to stderr, which is the file, by SIGUSR1") {
  const char* const file = std::getenv("DUMP_FILE");
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(fd, STDERR_FILENO);
  return signal_until(SIGUSR1, file, 1);
}

PLAIN_TEST("a dump to a file is appended, in the format that is asked for, and is its owner's alone") {
  const folder f;
  const std::string file = f.path + "/dump";
  const child_result r =
      run_child("dump to the file twice, by SIGUSR1", {{"GOSSAMER", "dump=usr1:groups:" + file}, {"DUMP_FILE", file}});
  CHECK(r.exited_with(0));
  CHECK(r.err == "");
  const std::string text = content_of(file);
  CHECK(count_of(text, "fiber profile: total 5\n") == 2);
  CHECK(count_of(text, "\n4 @ ") == 2);
  struct stat now{};
  CHECK(::stat(file.c_str(), &now) == 0);
  CHECK((now.st_mode & 0777) == 0600);
}

PLAIN_TEST("SIGQUIT too dumps as the knob says, and the program goes on") {
  const folder f;
  const std::string file = f.path + "/dump";
  const child_result r =
      run_child("dump to the file once, by SIGQUIT", {{"GOSSAMER", "dump=quit:text:" + file}, {"DUMP_FILE", file}});
  CHECK(r.exited_with(0));
  CHECK(r.err == "");
  CHECK(count_of(content_of(file), "[chan receive]") == 4);
}

PLAIN_TEST("without a file the dump goes to stderr, in its format") {
  const folder f;
  const std::string file = f.path + "/dump";
  const child_result r =
      run_child("dump to stderr, which is the file, by SIGUSR1", {{"GOSSAMER", "dump=usr1:json"}, {"DUMP_FILE", file}});
  CHECK(r.exited_with(0));
  CHECK(contains(content_of(file), "{\"version\": 1,"));
}

PLAIN_TEST("where the file cannot be opened, or is a link, stderr says so and gets the dump") {
  const folder f;
  const std::string link = f.path + "/link", target = f.path + "/target", file = f.path + "/dump";
  CHECK(::symlink(target.c_str(), link.c_str()) == 0);
  for (const std::string& bad : {link, std::string("/no/such/folder/dump")}) {
    const child_result r = run_child("dump to stderr, which is the file, by SIGUSR1",
                                     {{"GOSSAMER", "dump=usr1:groups:" + bad}, {"DUMP_FILE", file}});
    CHECK(r.exited_with(0));
    CHECK(contains(content_of(file), "gossamer: cannot dump to " + bad + ": "));
    CHECK(contains(content_of(file), "fiber profile: total "));
    ::unlink(file.c_str());
  }
  CHECK(::access(target.c_str(), F_OK) != 0);
}

PLAIN_TEST("the knob takes a signal, a format and a file, and names what is no good") {
  using base::dump_format;
  const base::knob k = base::parse_knob("dump=quit:pprof:/a:b/c,traceback=crash,raw,procs=2");
  CHECK(k.dump_signal == SIGQUIT);
  CHECK(k.dump_as == dump_format::pprof);
  CHECK(k.dump_path == "/a:b/c");
  CHECK(k.raw);
  CHECK(k.traceback_level == base::traceback::crash);
  CHECK(k.complaints == "");
  CHECK(base::parse_knob("dump=usr2:folded").dump_as == dump_format::folded);
  CHECK(base::parse_knob("dump=usr2").dump_as == dump_format::text);
  CHECK(!base::parse_knob("traceback=all").raw);
  for (const char* bad : {"dump=quit:", "dump=quit:xml", "dump=quit:groups:", "dump=none:groups", "dump=:groups",
                          "dump=quit:GROUPS:/f", "dump=quit::/f", "traceback=all:raw", "raw", "procs=2,raw"}) {
    const base::knob wrong = base::parse_knob(bad);
    CHECK_MESSAGE(count_of(wrong.complaints, "is ignored") == 1, bad);
    CHECK(!wrong.dump_signal);
    CHECK(!wrong.raw);
  }
  CHECK(base::parse_knob("dump=usr1:json,dump=usr2:xml").dump_signal == SIGUSR1);
}
