// The cost of what is done to a connection beside reading and writing.
#include <unistd.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>

#include <array>
#include <string>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

struct ends {
  net::conn here;
  net::conn there;
};

template <class T>
T got(std::pair<T, error> result) {
  if (result.second) {
    panic(result.second.text());
  }
  return result.first;
}

ends connect_over(const net::listener& l) {
  const net::conn here = got(net::dial("tcp", l.addr().text()));
  return {here, got(l.accept())};
}

net::listener listen_here() { return got(net::listen("tcp", "127.0.0.1:0")); }

figure set_deadline(long rounds) {
  const auto l = listen_here();
  const auto c = connect_over(l);
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    c.here.set_read_deadline(time::now() + 5s);
  }
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

// A fiber waits for what it reads meanwhile.
figure set_deadline_waiting(long rounds) {
  const auto l = listen_here();
  const auto c = connect_over(l);
  sync::wait_group reading;
  reading.add();
  go([&] {
    std::array<char, 64> room;
    c.here.read(room);
    reading.done();
  });
  time::sleep(1ms);
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    c.here.set_read_deadline(time::now() + 5s);
  }
  const double all = nanoseconds_since(start);
  c.here.close();
  reading.wait();
  return {all / static_cast<double>(rounds)};
}

// From close() until who waited for a read has returned from it, and has been waited for.
figure close_unblock(long rounds) {
  const auto l = listen_here();
  double all = 0;
  for (long r = 0; r < rounds; ++r) {
    const auto c = connect_over(l);
    const auto over = make_chan<void>();
    go([&] {
      std::array<char, 64> room;
      c.here.read(room);
      close(over);
    });
    time::sleep(100us);
    const auto start = clock::now();
    c.here.close();
    over.recv();
    all += nanoseconds_since(start);
    c.there.set_linger(0);  // no TIME_WAIT: ports would run out
    c.there.close();
  }
  return {all / static_cast<double>(rounds)};
}

// A descriptor comes with each message.
int take_descriptor(const net::conn& c) {
  std::array<char, 1> byte;
  std::array<std::byte, 64> control;
  const net::msg_read m = c.read_msg(byte, control);
  const auto messages = net::parse_socket_control_message(std::span(control).first(m.control_n)).first;
  const auto numbers = m.err || messages.empty() ? std::vector<int>() : net::parse_unix_rights(messages[0]).first;
  if (numbers.size() != 1) {
    panic("bench: no descriptor");
  }
  return numbers[0];
}

void pass_on(const net::conn& c, int number) {
  if (const net::msg_written m = c.write_msg("x", net::unix_rights({number})); m.err) {
    panic(m.err.text());
  }
}

// One fiber sends a descriptor to another, which sends it back; both close what they get.
figure pass_descriptor(long rounds) {
  const auto l = got(net::listen("unix", "@gossamer-bench-" + std::to_string(::getpid())));
  const net::conn here = got(net::dial("unix", l.addr().text()));
  const net::conn there = got(l.accept());
  sync::wait_group echoing;
  echoing.add();
  go([&] {
    for (long r = 0; r < rounds; ++r) {
      const int number = take_descriptor(there);
      pass_on(there, number);
      ::close(number);
    }
    echoing.done();
  });
  const auto start = clock::now();
  for (long r = 0; r < rounds; ++r) {
    pass_on(here, 1);
    ::close(take_descriptor(here));
  }
  const double seconds = nanoseconds_since(start) / 1e9;
  echoing.wait();
  return {static_cast<double>(rounds) / seconds};
}

constexpr row rows[] = {
    {"pass_descriptor", "trips/s", 100'000, 10'000, pass_descriptor},
    {"set_deadline", "ns/call", 5'000'000, 500'000, set_deadline},
    {"set_deadline_waiting", "ns/call", 5'000'000, 500'000, set_deadline_waiting},
    {"close_unblock", "ns/close", 2'000, 200, close_unblock},
};

}  // namespace

std::span<const row> socket_rows() { return rows; }

}  // namespace bench
