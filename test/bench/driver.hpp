// driver: what the clients of the network benchmarks have in common: their arguments, connections, and what they
// measure.
//
//   DRIVER MODE [-p PORT] [-c CONNECTIONS] [-s BYTES] [-t SECONDS] [-P SERVER_PID] [-k CORE] [-d DEPTH]
#pragma once

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace driver {

using clock = std::chrono::steady_clock;
using std::chrono::duration;

struct settings {
  std::string mode;
  int port = 9000;
  int connections = 1;
  std::size_t bytes = 64;  // of what is answered
  int depth = 1;
  double seconds = 1;
  int server = 0;
  int core = -1;
};
inline settings set;

inline constexpr double warm_seconds = 0.3;

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(2);
}

struct usage {
  double cpu_ns = 0;
  double resident_bytes = 0;
};

// Of all threads that the server has.
inline usage of_server() {
  usage sum;
  const std::string folder = "/proc/" + std::to_string(set.server);
  DIR* const tasks = ::opendir((folder + "/task").c_str());
  while (const dirent* const task = tasks != nullptr ? ::readdir(tasks) : nullptr) {
    if (task->d_name[0] == '.') {  // task/../schedstat is the first thread's, once more
      continue;
    }
    std::FILE* const f = std::fopen((folder + "/task/" + task->d_name + "/schedstat").c_str(), "r");
    double ns = 0;
    if (f != nullptr && std::fscanf(f, "%lf", &ns) == 1) {
      sum.cpu_ns += ns;
    }
    if (f != nullptr) {
      std::fclose(f);
    }
  }
  if (tasks != nullptr) {
    ::closedir(tasks);
  }
  if (std::FILE* const f = std::fopen((folder + "/statm").c_str(), "r")) {
    double pages = 0;
    if (std::fscanf(f, "%*s %lf", &pages) == 1) {
      sum.resident_bytes = pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
    }
    std::fclose(f);
  }
  return sum;
}

// Connections to 127.0.0.1 to .8 in turn: one address has but 28,000 ports.
inline sockaddr_in server_address(unsigned i) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(set.port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (set.connections > 20'000 ? i % 8 : 0));
  return a;
}

inline int connect_to(unsigned i, int flags) {
  const bool datagrams = set.mode == "udp";
  const int fd = ::socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) {
    die("socket");
  }
  const sockaddr_in a = server_address(i);
  for (int tries = 0; ::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0 && errno != EINPROGRESS;) {
    if (++tries > 200) {
      die("connect");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

// From the end of the warming on: requests, their times, the server's usage.
class record {
 public:
  // False when the time is over.
  bool goes_on() {
    const auto now = clock::now();
    if (!measuring_ && duration<double>(now - start_).count() >= warm_seconds) {
      measuring_ = true;
      begin_ = clock::now();
      before_ = of_server();
      amount_ = 0;
      times_.clear();
    }
    if (measuring_ && duration<double>(now - begin_).count() >= set.seconds) {
      seconds_ = duration<double>(clock::now() - begin_).count();
      after_ = of_server();
      return false;
    }
    return true;
  }
  void answered(clock::time_point began) {
    amount_ += set.depth;
    times_.push_back(duration<float, std::micro>(clock::now() - began).count());
  }
  void moved(std::size_t bytes) { amount_ += static_cast<double>(bytes); }

  void print_requests() {
    std::sort(times_.begin(), times_.end());
    std::printf("rate=%.1f cpu_us=%.4f p50_us=%.2f p99_us=%.2f p999_us=%.2f\n", amount_ / seconds_, cpu_us(),
                percentile(.5), percentile(.99), percentile(.999));
  }
  void print_bytes() const { std::printf("mb_s=%.1f cpu_us_mb=%.3f\n", amount_ / seconds_ / 1e6, cpu_us() * 1e6); }

 private:
  double cpu_us() const { return amount_ > 0 ? (after_.cpu_ns - before_.cpu_ns) / 1e3 / amount_ : 0; }
  double percentile(double p) const {
    const auto n = static_cast<double>(times_.size());
    return times_.empty() ? 0 : static_cast<double>(times_[static_cast<std::size_t>(p * (n - 1))]);
  }

  clock::time_point start_ = clock::now();
  clock::time_point begin_;
  bool measuring_ = false;
  double amount_ = 0;
  double seconds_ = 1;
  std::vector<float> times_;
  usage before_;
  usage after_;
};

[[noreturn]] inline void refuse() {
  std::fputs(
      "usage: DRIVER MODE [-p PORT] [-c CONNECTIONS] [-s BYTES] [-t SECONDS] [-P SERVER_PID] [-k CORE] [-d DEPTH]\n",
      stderr);
  std::exit(1);
}

inline void read_arguments(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) {
    refuse();
  }
  set.mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const double value = std::atof(argv[i + 1]);
    const int whole = static_cast<int>(value);
    if (key == "-p") {
      set.port = whole;
    } else if (key == "-c") {
      set.connections = whole;
    } else if (key == "-s") {
      set.bytes = static_cast<std::size_t>(whole);
    } else if (key == "-t") {
      set.seconds = value;
    } else if (key == "-P") {
      set.server = whole;
    } else if (key == "-k") {
      set.core = whole;
    } else if (key == "-d") {
      set.depth = whole;
    } else {
      refuse();
    }
  }
}

inline void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (set.core >= 0) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(set.core), &only);
    ::sched_setaffinity(0, sizeof only, &only);
  }
}

}  // namespace driver
