// The main program of the unit tests: doctest, the runners of FIBER_TEST and PLAIN_TEST, and the children.
#define DOCTEST_CONFIG_IMPLEMENT
// Counters in thread-locals: to the thread sanitizer a race between two fibers that run on one worker.
#define DOCTEST_CONFIG_NO_MULTI_LANE_ATOMICS
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "gossamer/asio.hpp"

namespace support {

namespace {

using namespace std::chrono_literals;

std::atomic<int> workers{0};  // of the running body; 0 outside
std::atomic<const char*> running_test{"(none)"};

// ---- what a body may leave behind -----------------------------------------------------------------------------------

template <class Visit>
void for_each_entry(const char* folder, Visit visit) {
  DIR* dir = ::opendir(folder);
  while (const dirent* entry = ::readdir(dir)) {
    if (entry->d_name[0] != '.') {
      visit(entry->d_name);
    }
  }
  ::closedir(dir);
}

// Threads but those that the runtime keeps.
int count_threads(std::string* names = nullptr) {
  int n = 0;
  for_each_entry("/proc/self/task", [&](const char* id) {
    std::ifstream file(std::string("/proc/self/task/") + id + "/comm");
    std::string name;
    if (std::getline(file, name) && name.rfind("goss/", 0) != 0) {
      ++n;
      if (names != nullptr) {
        *names += " `" + name + "`";
      }
    }
  });
  return n;
}

// Those of the poller, which it opens when it is first needed and keeps, do not count.
int count_descriptors() {
  int n = 0;
  for_each_entry("/proc/self/fd", [&](const char* name) {
    char target[64] = {};
    const ssize_t length = ::readlink(("/proc/self/fd/" + std::string(name)).c_str(), target, sizeof target - 1);
    const std::string_view what(target, length > 0 ? static_cast<std::size_t>(length) : 0);
    const bool of_poller =
        what == "anon_inode:[eventpoll]" || what == "anon_inode:[eventfd]" || what == "anon_inode:[timerfd]";
    n += of_poller ? 0 : 1;
  });
  return n;
}

struct belongings {
  int threads = count_threads();
  int descriptors = count_descriptors();
};

// A joined thread is seen in /proc for a moment longer.
void check_nothing_left(const belongings& before) {
  const auto limit = std::chrono::steady_clock::now() + 2s;
  belongings now;
  while ((now.threads > before.threads || now.descriptors > before.descriptors) &&
         std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
    now = belongings();
  }
  if (now.threads > before.threads) {
    std::string names;
    count_threads(&names);
    FAIL_CHECK("the test left " << now.threads - before.threads << " threads; now there are" << names);
  }
  if (now.descriptors > before.descriptors) {
    FAIL_CHECK("the test left " << now.descriptors - before.descriptors << " descriptors");
  }
}

// ---- a test that hangs ----------------------------------------------------------------------------------------------

void say(const char* text) { [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text)); }

void on_alarm(int) {
  char line[32];
  std::snprintf(line, sizeof line, " (workers: %d)\n", workers.load());
  say("\nHUNG: ");
  say(running_test.load());
  say(line);
  ::_exit(3);
}

// A body has so long, and as long again after each child, before the process gives up: below what meson allows a file,
// and far above what it takes, also beside a hundred other processes.
void start_clock() { ::alarm(static_cast<unsigned>(120 * (slowdown > 4 ? 4 : slowdown))); }
void stop_clock() { ::alarm(0); }

// ---- what doctest prints --------------------------------------------------------------------------------------------

// Says the number of workers before each failure.
struct width_note : doctest::IReporter {
  explicit width_note(const doctest::ContextOptions& o) : options(o) {}
  void log_assert(const doctest::AssertData& a) override {
    if (a.m_failed) {
      note();
    }
  }
  void log_message(const doctest::MessageData&) override { note(); }
  void test_case_start(const doctest::TestCaseData& t) override { running_test = t.m_name; }
  void test_run_end(const doctest::TestRunStats& stats) override {
    if (stats.numTestCasesFailed > 0) {
      const char* knob = std::getenv("GOSSAMER");
      *options.cout << "GOSSAMER=" << (knob != nullptr ? knob : "") << std::endl;
    }
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override { running_test = "(none)"; }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

  void note() {
    if (const int n = workers; n != 0) {
      *options.cout << "\nat " + std::to_string(n) + (n == 1 ? " worker:\n" : " workers:\n") << std::flush;
    }
  }
  const doctest::ContextOptions& options;
};
REGISTER_LISTENER("width", 1, width_note);

}  // namespace

int width() noexcept { return workers; }

void run_at_each_width(void (*body)()) {
  static const bool warm = [] {  // what the runtime keeps for good is not a test's
    gossamer::run([] {}, {.procs = 32});
    return true;
  }();
  static_cast<void>(warm);
  for (const int n : {1, 2, 8, 32}) {
    workers = n;
    start_clock();
    const belongings before;
    const int code = gossamer::run(
        [body] {
          const int fibers = gossamer::runtime::num_fibers();
          body();
          // A fiber ends a moment after its last done() or send.
          if (!eventually([&] { return gossamer::runtime::num_fibers() <= fibers; })) {
            FAIL_CHECK("the test left " << gossamer::runtime::num_fibers() - fibers << " fibers");
          }
        },
        {.procs = n});
    CHECK(code == 0);
    check_nothing_left(before);
    stop_clock();
  }
  workers = 0;
}

void run_plain(void (*body)()) {
  start_clock();
  const belongings before;
  body();
  check_nothing_left(before);
  stop_clock();
}

// ---- children -------------------------------------------------------------------------------------------------------

namespace {

child_program* children = nullptr;

int run_as_child(std::string_view name) {
  for (const child_program* c = children; c != nullptr; c = c->next) {
    if (name == c->name) {
      return c->body();
    }
  }
  std::fprintf(stderr, "there is no child program `%s`\n", std::string(name).c_str());
  return 125;
}

struct pipe_ends {
  int read_end = -1;
  int write_end = -1;
  pipe_ends() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    read_end = ends[0];
    write_end = ends[1];
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close_write();
    ::close(read_end);
  }
  void close_write() {
    if (write_end >= 0) {
      ::close(write_end);
      write_end = -1;
    }
  }
};

std::vector<std::string> environment_with(const environment& extra) {
  std::vector<std::string> all;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view item = *e;
    const auto replaced = [&](const auto& pair) { return item.substr(0, item.find('=')) == pair.first; };
    if (std::none_of(extra.begin(), extra.end(), replaced)) {
      all.emplace_back(item);
    }
  }
  for (const auto& [key, value] : extra) {
    all.push_back(key + "=" + value);
  }
  return all;
}

std::string this_program() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return std::string(path, n > 0 ? static_cast<std::size_t>(n) : 0);
}

pid_t start_child(std::vector<std::string> words, const environment& extra, int out, int err) {
  std::vector<std::string> variables = environment_with(extra);
  std::vector<char*> pointers;
  for (std::string& v : variables) {
    pointers.push_back(v.data());
  }
  pointers.push_back(nullptr);
  std::vector<char*> arguments;
  for (std::string& w : words) {
    arguments.push_back(w.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t pid = -1;
  const int problem = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), pointers.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    throw std::system_error(problem, std::generic_category(), "posix_spawn");
  }
  return pid;
}

// Reads what is there; false at the end of the stream.
bool read_some(int fd, std::string& to) {
  char buffer[4096];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) {
    to.append(buffer, static_cast<std::size_t>(n));
  }
  return n > 0 || (n < 0 && errno == EINTR);
}

}  // namespace

child_program::child_program(const char* n, int (*b)()) : name(n), body(b), next(children) { children = this; }

child_result run_child(std::string_view name, const environment& extra) {
  return run_self_by({}, "--child=" + std::string(name), extra);
}

child_result run_self_by(const std::vector<std::string>& command, const std::string& argument,
                         const environment& extra) {
#if GOSSAMER_TSAN
  // By default it waits for a second at each exit, and minds threads that a program which dies has not joined.
  const char* given = std::getenv("TSAN_OPTIONS");
  environment all = extra;
  all.emplace_back("TSAN_OPTIONS",
                   std::string(given != nullptr ? given : "") + ":atexit_sleep_ms=0:report_thread_leaks=0");
#else
  const environment& all = extra;
#endif
  const auto begin = std::chrono::steady_clock::now();
  const auto limit = begin + 60s;
  pipe_ends out;
  pipe_ends err;
  std::vector<std::string> words = command;
  words.push_back(this_program());
  words.push_back(argument);
  const pid_t pid = start_child(std::move(words), all, out.write_end, err.write_end);
  out.close_write();
  err.close_write();

  child_result result;
  std::array<pollfd, 2> fds{{{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    if (left <= 0ms) {
      result.timed_out = true;
      ::kill(pid, SIGKILL);
      break;
    }
    ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents != 0 && !read_some(fds[i].fd, i == 0 ? result.out : result.err)) {
        fds[i].fd = -1;
      }
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  start_clock();
  if (WIFEXITED(status)) {
    result.code = WEXITSTATUS(status);
  } else if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  }
  return result;
}

}  // namespace support

namespace {

// Whoever starts the tests: a shell in the background (which ignores SIGINT and SIGQUIT), a service manager, a tool
// that has signals blocked, streams closed, or few descriptors. The children of tests inherit what is set here.
void take_standard_state() {
  for (int s = 1; s < NSIG; ++s) {
    struct sigaction now{};
    if (::sigaction(s, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN) {
      ::signal(s, SIG_DFL);
    }
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      ::open("/dev/null", O_RDWR);  // the lowest that is free
    }
  }
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur < 1024) {
    descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 1024);
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
}

// A failure must be repeatable: where the environment names no seed, one is drawn now and named at the end.
void draw_seed() {
  const char* given = std::getenv("GOSSAMER");
  const std::string knob = given != nullptr ? given : "";
  if (knob.find("seed=") == std::string::npos) {
    const std::string seed = "seed=" + std::to_string(std::random_device{}());
    ::setenv("GOSSAMER", (knob.empty() ? seed : knob + "," + seed).c_str(), 1);
  }
}

}  // namespace

#if GOSSAMER_TSAN
// Asio remembers in a thread-local what runs on a thread: written on a worker's own stack and read by its fibers, which
// the sanitizer takes for threads that nothing orders. So does doctest, which place of its counters is a thread's, and
// OpenSSL, whose random generators are a thread's.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:boost::asio::detail::keyword_tss_ptr\nrace:doctest::detail::MultiLaneAtomic\n"
         "race:libcrypto.so\n";
}
// To know what to suppress it looks up names, for which it starts a process: before descriptors are counted.
extern "C" void __sanitizer_symbolize_pc(void* pc, const char* format, char* text, std::size_t size);
static void start_symbolizer() {
  char text[256];
  __sanitizer_symbolize_pc(reinterpret_cast<void*>(&start_symbolizer), "%f", text, sizeof text);
}
#else
static void start_symbolizer() {}
#endif

int main(int argc, char** argv) {
  constexpr std::string_view child = "--child=";
  if (argc > 1 && std::string_view(argv[1]).substr(0, child.size()) == child) {
    return support::run_as_child(std::string_view(argv[1]).substr(child.size()));
  }
  take_standard_state();
  draw_seed();
  if (std::getenv("GOSSAMER_TEST_ASIO") != nullptr) {
    gossamer::runtime::io_context();  // from now on who has the watch waits in it
  }
  start_symbolizer();
  std::thread([] {}).join();  // with the first one the thread sanitizer starts a thread of its own
  struct sigaction action{};
  action.sa_handler = &support::on_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  doctest::Context context(argc, argv);
  return context.run();
}
