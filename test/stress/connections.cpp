// connections: connections over loopback that are opened, used and dropped at random, and a watchdog that ends it if
// nothing moves.
//
// usage: connections [SECONDS [WORKERS [SEED [CONNECTIONS]]]]
//
// Default: 10 seconds, 8 workers, a seed that is printed (also for 0). With CONNECTIONS it goes on until so many have
// been opened and dropped: `connections 60 8 0 20000`.
//
// The clients, which are fibers and a few plain threads, dial an echo server of the same process. What comes back where
// nobody interferes must be what was sent. Others close or reset connections while they are in use, move deadlines, or
// go without a word. At the end no fiber and no descriptor may be left.
#include <dirent.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace gossamer;

namespace {

constexpr auto stall = 40s;
constexpr int fiber_clients = 24;
constexpr int thread_clients = 2;

std::atomic<long> dialed{0};
std::atomic<long> checked{0};
std::atomic<long> bytes{0};
std::atomic<bool> over{false};
std::atomic<bool> all_gone{false};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "connections: %s (%ld dialed, %ld checked)\n", what, dialed.load(), checked.load());
  debug::dump(stderr);
  std::abort();
}

class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  std::string bytes(std::size_t most) {
    std::string s(below(most + 1), '\0');
    for (char& c : s) {
      c = static_cast<char>(engine_());
    }
    return s;
  }

 private:
  std::mt19937_64 engine_;
};

int open_descriptors() {
  int n = 0;
  DIR* d = ::opendir("/proc/self/fd");
  while (::readdir(d) != nullptr) {
    ++n;
  }
  ::closedir(d);
  return n;
}

void echo(const net::conn& c) {
  char buf[2048];
  for (;;) {
    auto [n, err] = c.read(buf);
    if (err || c.write(std::span(buf).first(n)).second) {
      break;
    }
  }
  c.close();
}

void serve(const net::listener& l) {
  sync::wait_group serving;
  for (;;) {
    auto [c, err] = l.accept();
    if (errors::is(err, net::closed)) {
      break;
    }
    if (!err) {
      serving.add(1);
      go([&, own = c] {
        echo(own);
        serving.done();
      });
    }
  }
  serving.wait();
}

// All of it comes back, then the end of the stream.
void check_echo(const net::conn& c, dice& d) {
  const std::string question = d.bytes(100'000);
  sync::wait_group writing;
  writing.add(1);
  go([&] {
    c.write(question);
    c.close_write();
    writing.done();
  });
  std::string answer;
  char buf[3000];
  for (;;) {
    auto [n, err] = c.read(buf);
    answer.append(buf, n);
    if (err == io::eof) {
      break;
    }
    if (err) {
      fail(err.text().c_str());
    }
  }
  writing.wait();
  if (answer != question) {
    fail("what came back is not what was sent");
  }
  ++checked;
  bytes += static_cast<long>(answer.size());
}

// One fiber reads, another writes, and in the middle of it somebody closes, or the deadline comes.
void disturb(const net::conn& c, dice& d) {
  const std::string question = d.bytes(30'000);
  sync::wait_group using_it;
  using_it.add(2);
  go([&] {
    char buf[500];
    while (c.read(buf).second == nil) {
    }
    using_it.done();
  });
  go([&] {
    while (c.write(question).second == nil) {
    }
    using_it.done();
  });
  const std::size_t way = d.below(3);
  for (std::size_t i = d.below(5); i > 0; --i) {
    c.set_deadline(time::now() + 1h);
    runtime::gosched();
  }
  if (way == 0) {
    c.close();
  } else if (way == 1) {
    c.set_deadline(time::now() + std::chrono::microseconds(d.below(2000)));
  } else {
    c.set_linger(0);
    time::sleep(std::chrono::microseconds(d.below(500)));
    c.close();
  }
  using_it.wait();
}

void play(const std::string& place, std::uint64_t seed) {
  dice d(seed);
  while (!over) {
    auto [c, err] = net::dial("tcp", place);
    if (err) {
      fail(err.text().c_str());
    }
    ++dialed;
    switch (d.below(8)) {
      case 0:
        break;  // gone without a word
      case 1:
        c.write(d.bytes(5000));
        break;
      case 2:
        c.write(d.bytes(5000));
        c.set_linger(0);
        c.close();
        break;
      case 3:
      case 4:
        disturb(c, d);
        break;
      default:
        check_echo(c, d);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 10;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 8;
  const std::uint64_t given = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const std::uint64_t seed = given != 0 ? given : std::random_device{}();
  const long least = argc > 4 ? std::atol(argv[4]) : 0;
  std::printf("connections: seed %llu\n", static_cast<unsigned long long>(seed));
  const int code = run(
      [&] {
        auto [l, err] = net::listen("tcp", "127.0.0.1:0");
        if (err) {
          fail(err.text().c_str());
        }
        const int before = open_descriptors();
        std::thread watchdog([] {
          long last = -1;
          for (auto since = std::chrono::steady_clock::now(); !all_gone;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            const auto now = std::chrono::steady_clock::now();
            since = dialed != last ? now : since;
            last = dialed;
            if (now - since > stall) {
              fail("nothing moves any more");
            }
          }
        });
        sync::wait_group server;
        server.add(1);
        go([&, own = l] {
          serve(own);
          server.done();
        });
        const std::string place = l.addr().text();
        sync::wait_group clients;
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < fiber_clients + thread_clients; ++i) {
          clients.add(1);
          const auto client = [&, i] {
            play(place, seed + i);
            clients.done();
          };
          if (i < fiber_clients) {
            go(client);
          } else {
            threads.emplace_back(client);
          }
        }
        time::sleep(std::chrono::seconds(seconds));
        while (dialed < least) {
          time::sleep(10ms);
        }
        over = true;
        clients.wait();
        for (std::thread& t : threads) {
          t.join();
        }
        l.close();
        server.wait();
        all_gone = true;
        watchdog.join();
        for (const auto limit = time::now() + stall; runtime::num_fibers() > 1 || open_descriptors() >= before;) {
          runtime::gosched();
          if (time::now() > limit) {
            fail("fibers or descriptors are left");
          }
        }
      },
      {.procs = workers, .seed = seed});
  std::printf("connections: %ld dialed, %ld checked, %ld bytes\n", dialed.load(), checked.load(), bytes.load());
  return code != 0 || checked == 0 ? 1 : 0;
}
