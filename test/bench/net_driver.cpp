// net_driver: the client of the network benchmarks, one thread and one epoll set, which measures the server from
// outside: what its threads' CPU time is per request, and how long requests take.
//
//   net_driver MODE [-p PORT] [-c CONNECTIONS] [-s BYTES] [-t SECONDS] [-P SERVER_PID] [-k CORE] [-d DEPTH]
//
// MODE   pp       each connection sends BYTES, waits for their echo, and sends again
//        udp      as pp, by datagrams
//        accept   as pp, but each request has a connection of its own
//        idle     each connection makes one request; then the server's memory and CPU are looked at
//        hello    as pp, by HTTP: GET /; json POST /json, a kilobyte; file GET /file. DEPTH requests are sent at once
//        http-idle  as idle, by HTTP
//        sink     one connection sends as fast as it can;  source   one receives
// Prints one line of KEY=VALUE.
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
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
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

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
settings set;

constexpr double warm_seconds = 0.3;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(2);
}

struct usage {
  double cpu_ns = 0;
  double resident_bytes = 0;
};

// Of all threads that the server has.
usage of_server() {
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
sockaddr_in server_address(unsigned i) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(set.port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (set.connections > 20'000 ? i % 8 : 0));
  return a;
}

int connect_to(unsigned i, int flags) {
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

struct connection {
  int fd = -1;
  std::size_t got = 0;
  clock::time_point sent;
};

std::vector<char> data(std::size_t{1} << 20, 'x');
std::string request;  // empty: `bytes` of anything

void send_request(connection& c) {
  c.got = 0;
  c.sent = clock::now();
  const std::size_t size = request.empty() ? set.bytes : request.size();
  if (::write(c.fd, request.empty() ? data.data() : request.data(), size) != static_cast<ssize_t>(size)) {
    die("write");
  }
}

// Some 1,100 bytes: a list of objects.
std::string json_body() {
  std::string text = "[";
  for (int i = 0; i < 12; ++i) {
    text += (i > 0 ? "," : "") + std::string("{\"id\":") + std::to_string(1000 + i) +
            ",\"name\":\"somebody else\",\"tags\":[\"one\",\"two\"],\"score\":0.5,\"active\":true}";
  }
  return text + "]";
}

// How long the answer to one request is, head and body: each time the same.
std::size_t length_of_answer() {
  const int fd = connect_to(0, 0);
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    die("write");
  }
  std::string answer;
  for (;;) {
    const ssize_t n = ::read(fd, data.data(), data.size());
    if (n <= 0) {
      die("read");
    }
    answer.append(data.data(), static_cast<std::size_t>(n));
    const std::size_t end = answer.find("\r\n\r\n");
    const std::size_t length = answer.find("Content-Length: ");
    if (end == std::string::npos) {
      continue;
    }
    if (!answer.starts_with("HTTP/1.1 200 ") || length > end) {
      std::fprintf(stderr, "the server said: %s\n", answer.substr(0, end).c_str());
      std::exit(2);
    }
    const std::size_t all = end + 4 + std::strtoul(answer.c_str() + length + 16, nullptr, 10);
    if (answer.size() >= all) {
      ::close(fd);
      return all;
    }
  }
}

void prepare_http(std::string_view kind) {
  const std::string fields = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: net_driver\r\nAccept: */*\r\n";
  const std::string body = json_body();
  if (kind == "json") {
    request = "POST /json" + fields +
              "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  } else {
    request = (kind == "file" ? "GET /file" : "GET /") + fields + "\r\n";
  }
  set.bytes = length_of_answer() * static_cast<std::size_t>(set.depth);
  const std::string one = request;
  for (int i = 1; i < set.depth; ++i) {
    request += one;
  }
}

// True when the whole answer is there.
bool receive(connection& c) {
  const ssize_t n = ::recv(c.fd, data.data(), set.bytes - c.got, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) {
    return false;
  }
  if (n <= 0) {
    die(n == 0 ? "the server closed a connection" : "read");
  }
  c.got += static_cast<std::size_t>(n);
  return c.got == set.bytes;
}

class requests {
 public:
  requests() : all_(static_cast<std::size_t>(set.connections)) {}

  void open_all() {
    for (connection& c : all_) {
      open(c, false);
    }
  }

  // Until `answered`, called for each, returns false; it is asked 20 times a second in any case.
  template <class Answered>
  void serve(Answered answered) {
    epoll_event events[512];
    for (;;) {
      const int n = ::epoll_wait(set_, events, 512, 50);
      for (int i = 0; i < n; ++i) {
        auto& c = *static_cast<connection*>(events[i].data.ptr);
        if (receive(c) && !answered(&c)) {
          return;
        }
      }
      if (!answered(nullptr)) {
        return;
      }
    }
  }

  void open(connection& c, bool resets) {
    c.fd = connect_to(next_++, 0);
    if (resets) {
      const linger at_once{1, 0};  // no TIME_WAIT: ports would run out
      ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.ptr = &c;
    ::epoll_ctl(set_, EPOLL_CTL_ADD, c.fd, &e);
    send_request(c);
  }

 private:
  const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<connection> all_;
  unsigned next_ = 0;

  friend void accept_mode();
};

void ping_pong() {
  requests all;
  all.open_all();
  record r;
  all.serve([&](connection* c) {
    if (c != nullptr) {
      r.answered(c->sent);
      send_request(*c);
    }
    return r.goes_on();
  });
  r.print_requests();
}

void accept_mode() {
  requests all;
  for (connection& c : all.all_) {
    all.open(c, true);
  }
  record r;
  all.serve([&](connection* c) {
    if (c != nullptr) {
      r.answered(c->sent);
      ::close(c->fd);
      all.open(*c, true);
    }
    return r.goes_on();
  });
  r.print_requests();
}

void idle() {
  const usage before = of_server();
  requests all;
  all.open_all();
  int answered = 0;
  all.serve([&](const connection* c) {
    answered += c != nullptr ? 1 : 0;
    return answered < set.connections;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const usage held = of_server();
  std::this_thread::sleep_for(duration<double>(set.seconds));
  const usage later = of_server();
  std::printf("connection_bytes=%.1f idle_cpu_pct=%.4f\n",
              (held.resident_bytes - before.resident_bytes) / set.connections,
              (later.cpu_ns - held.cpu_ns) / 1e7 / set.seconds);
}

void bulk(bool sends) {
  const int fd = connect_to(0, 0);
  constexpr std::size_t piece = 65536;
  for (record r; r.goes_on();) {
    const ssize_t n = sends ? ::write(fd, data.data(), piece) : ::read(fd, data.data(), piece);
    if (n <= 0) {
      die("bulk");
    }
    r.moved(static_cast<std::size_t>(n));
    if (!r.goes_on()) {
      r.print_bytes();
      return;
    }
  }
}

[[noreturn]] void refuse() {
  std::fputs(
      "usage: net_driver pp|udp|accept|idle|hello|json|file|http-idle|sink|source [-p PORT] [-c CONNECTIONS] [-s BYTES]"
      " [-t SECONDS] [-P SERVER_PID] [-k CORE] [-d DEPTH]\n",
      stderr);
  std::exit(1);
}

void read_arguments(int argc, char** argv) {
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
      set.bytes = std::min(static_cast<std::size_t>(whole), data.size());
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

void prepare_process() {
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

}  // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  prepare_process();
  if (set.mode == "pp" || set.mode == "udp") {
    ping_pong();
  } else if (set.mode == "accept") {
    accept_mode();
  } else if (set.mode == "hello" || set.mode == "json" || set.mode == "file") {
    prepare_http(set.mode);
    ping_pong();
  } else if (set.mode == "idle") {
    idle();
  } else if (set.mode == "http-idle") {
    prepare_http("hello");
    idle();
  } else if (set.mode == "sink" || set.mode == "source") {
    bulk(set.mode == "sink");
  } else {
    refuse();
  }
}
