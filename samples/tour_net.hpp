// tour_net: the part of tour that listens and dials, and then looks at the fibers that are there.
#pragma once

#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/leak.hpp>
#include <gossamer/net.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace gossamer;

// Answers with what it reads. One fiber accepts, and each connection has one of its own.
class echo_service {
 public:
  explicit echo_service(net::listener l) : listener_(std::move(l)) {
    start("accept", [this] { accept_all(); });
  }
  echo_service(const echo_service&) = delete;
  echo_service& operator=(const echo_service&) = delete;
  // Waits until the clients have closed their connections.
  ~echo_service() {
    listener_.close();
    fibers_.wait();
  }
  std::string addr() const { return listener_.addr().text(); }

 private:
  template <class F>
  void start(const char* name, F f) {
    fibers_.add();
    go(fiber_options{.name = name}, [this, f] {
      f();
      fibers_.done();
    });
  }

  void accept_all() {
    for (;;) {
      auto [c, err] = listener_.accept();
      if (errors::is(err, net::closed)) return;
      if (!err) start("echo", [c = c] { echo(c); });
    }
  }

  static void echo(const net::conn& c) {
    defer d1{[&] { c.close(); }};
    char buf[2048];
    for (;;) {
      auto [n, err] = c.read(buf);
      if (err || c.write(std::span(buf).first(n)).second) return;
    }
  }

  net::listener listener_;
  sync::wait_group fibers_;
};

// Asks so many times; how many answers were the question.
inline int ask(const net::conn& c, int times) {
  std::string question(1024, 'q'), answer(1024, ' ');
  int right = 0;
  for (int i = 0; i < times; ++i) {
    question[0] = static_cast<char>('a' + i % 26);
    if (c.write(question).second || io::read_full(c, answer).second) break;
    right += answer == question ? 1 : 0;
  }
  return right;
}

// Two hundred clients, at the same time, over loopback. False if an answer was missing.
inline bool tcp_echo(const net::listener& l) {
  constexpr int clients = 200, times = 200;
  const echo_service service(l);
  const auto start = std::chrono::steady_clock::now();
  std::atomic<int> right = 0;
  sync::wait_group finished;
  for (int i = 0; i < clients; ++i) {
    finished.go([&] {
      auto [c, err] = net::dial("tcp", service.addr());
      if (!err) right += ask(c, times);
      c.close();
    });
  }
  finished.wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("TCP: %d clients, %d echoes in %.2f s: %.0f a second, %.1f MB there and back\n", clients, right.load(),
              took.count(), right / took.count(), 2 * right * 1024 / 1e6);
  return right == clients * times;
}

// While some clients have nothing to say: what everybody waits for; then one fiber in full, by its name.
inline bool look_around(const net::listener& l) {
  const echo_service service(l);
  std::vector<net::conn> quiet(3);
  defer d1{[&] {
    for (auto& c : quiet) c.close();
  }};
  for (auto& c : quiet) {
    c = net::dial("tcp", service.addr()).first;
    if (ask(c, 1) != 1) return false;
  }
  // Main, the one that accepts, and theirs. Those that served before need a moment to end.
  while (runtime::num_fibers() != 5 || runtime::num_fibers(runtime::status::waiting) != 4) runtime::gosched();

  debug::dump(stdout, debug::format::groups);
  debug::dump(stdout, debug::format::text, {.name = "accept"});
  return true;
}

// Nobody is left who could have been forgotten.
inline bool nobody_left() {
  error leaked = leak::verify_none();
  std::printf("%s", leak::report().text().c_str());
  return !leaked;
}

// False if something is wrong.
inline bool tour_net() {
  auto [for_echo, err] = net::listen("tcp", "127.0.0.1:0");
  auto [for_looking, err2] = net::listen("tcp", "127.0.0.1:0");
  if (error any = errors::join(err, err2)) {
    std::fprintf(stderr, "tour: %s\n", any.text().c_str());
    return false;
  }
  const bool answered = tcp_echo(for_echo), seen = look_around(for_looking);
  return answered && seen;
}
