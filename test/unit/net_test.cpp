// net: streams over TCP, reads and writes, close, deadlines.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::error_of;
using support::eventually;
using support::net_pair;
using support::pattern;
using support::read_all;
using support::read_n;
using support::scale;
using support::serve_echo;

namespace {

bool is_closed(const error& err) { return errors::is(err, net::closed); }
bool is_timeout(const error& err) { return errors::is(err, os::deadline_exceeded) && err.timeout(); }

// Until the connection takes no more. How much it took.
std::size_t fill(const net::conn& c) {
  const std::string block(1 << 16, 'x');
  std::size_t all = 0;
  // A busy kernel takes its time to hand on what makes room for more.
  for (int refused = 0; refused < 3;) {
    c.set_write_deadline(time::now() + 20ms);
    auto [n, err] = c.write(block);
    all += n;
    refused = n == 0 ? refused + 1 : 0;
    if (err && !is_timeout(err)) {
      CHECK(err == nil);
      break;
    }
  }
  c.set_write_deadline(nil);
  return all;
}

}  // namespace

// ---- bytes ----------------------------------------------------------------------------------------------------------

FIBER_TEST("net: what one end writes the other reads") {
  const net_pair p;
  auto [n, err] = p.a.write("hello");
  CHECK(n == 5);
  CHECK(err == nil);
  CHECK(read_n(p.b, 5) == "hello");
  CHECK(p.a.local_addr() == p.b.remote_addr());
  CHECK(p.a.remote_addr() == p.b.local_addr());
  CHECK(p.a.local_addr().network() == "tcp");
}

FIBER_TEST("net: a read takes what is there, into any range of bytes") {
  const net_pair p;
  p.a.write(std::vector<unsigned char>{1, 2, 3, 4, 5, 6, 7});
  std::array<char, 2> two{};
  CHECK(p.b.read(two).first == 2);
  CHECK(two[1] == 2);
  std::vector<std::byte> three(3);
  CHECK(p.b.read(three).first == 3);
  CHECK(three[2] == std::byte{5});
  std::string more(100, '\0');
  CHECK(p.b.read(std::span(more).first(50)).first == 2);
  CHECK(more[1] == 7);
}

FIBER_TEST("net: a string literal is written without its zero, an array whole") {
  const net_pair p;
  CHECK(p.a.write("abc").first == 3);
  char raw[4] = {'d', 0, 'e', 0};
  CHECK(p.a.write(raw).first == 4);
  CHECK(read_n(p.b, 7) == std::string("abcd\0e\0", 7));
}

FIBER_TEST("NE4: an empty read or write is nothing, and does not wait") {
  const net_pair p;
  std::string none;
  CHECK(p.a.read(none) == net::io_result(0, nil));
  CHECK(p.a.write(none) == net::io_result(0, nil));
  p.a.set_deadline(time::now() - 1s);
  CHECK(p.a.read(none).second == nil);
  CHECK(is_timeout(p.a.write(none).second));
  p.a.set_deadline(nullptr);
  CHECK(p.a.write(none).second == nil);
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  CHECK(p.a.write(none, ctx).second != nil);
  p.a.close();
  CHECK(is_closed(p.a.read(none).second));
  CHECK(is_closed(p.a.write(none).second));
}

FIBER_TEST("net: much more than the kernel's buffers hold goes through whole, both ways at once") {
  const net_pair p;
  const std::string there = pattern(static_cast<std::size_t>(scale(8 << 20)), 1);
  const std::string back = pattern(static_cast<std::size_t>(scale(8 << 20)), 2);
  support::crew all;
  all.go([&] { CHECK(p.a.write(there) == net::io_result(there.size(), nil)); });
  all.go([&] { CHECK(p.b.write(back) == net::io_result(back.size(), nil)); });
  all.go([&] { CHECK((read_n(p.a, back.size()) == back)); });
  CHECK((read_n(p.b, there.size()) == there));
}

FIBER_TEST("net: writev writes several buffers as one, however many") {
  const net_pair p;
  CHECK(p.a.writev({"ab", "", "cde", "f"}) == net::io_result(6, nil));
  CHECK(read_n(p.b, 6) == "abcdef");
  std::vector<std::string> parts;
  std::string whole;
  for (unsigned i = 0; i < 500; ++i) {
    parts.push_back(pattern(i * 7 % 3000, i));
    whole += parts.back();
  }
  std::vector<net::buffer> all;
  for (const std::string& s : parts) {
    all.push_back(std::as_bytes(std::span(s)));
  }
  support::crew writer;
  writer.go([&] { CHECK(p.a.writev(all) == net::io_result(whole.size(), nil)); });
  CHECK((read_n(p.b, whole.size()) == whole));
}

FIBER_TEST("net: writes of several fibers do not come between each other") {
  const net_pair p;
  constexpr std::size_t block = 200'000;
  const int rounds = scale(5);
  support::crew writers;
  for (const char c : {'a', 'b', 'c'}) {
    writers.go([&, c] {
      const std::string s(block, c);
      for (int i = 0; i < rounds; ++i) {
        CHECK(p.a.write(s).first == block);
      }
    });
  }
  int mixed = 0;
  for (int i = 0; i < 3 * rounds; ++i) {
    const std::string s = read_n(p.b, block);
    mixed += s == std::string(block, s[0]) ? 0 : 1;
  }
  CHECK(mixed == 0);
}

FIBER_TEST("net: several fibers may read, and nothing is read twice or lost") {
  const net_pair p;
  std::atomic<long> sum = 0;
  std::atomic<int> count = 0;
  support::crew readers;
  for (int i = 0; i < 4; ++i) {
    readers.go([&] {
      unsigned char c[3];
      for (;;) {
        auto [n, err] = p.b.read(c);
        for (std::size_t k = 0; k < n; ++k) {
          sum += c[k];
          ++count;
        }
        if (err) {
          break;
        }
      }
    });
  }
  long expected = 0;
  for (int i = 0; i < 2000; ++i) {
    const unsigned char c[1] = {static_cast<unsigned char>(i)};
    expected += c[0];
    p.a.write(std::span(c));
  }
  p.a.close_write();
  readers.join();
  CHECK(sum == expected);
  CHECK(count == 2000);
}

// ---- the end of a stream --------------------------------------------------------------------------------------------

FIBER_TEST("NE4: the peer's close reads as EOF, again and again, after all that it has written") {
  const net_pair p;
  p.a.write("last words");
  p.a.close();
  auto [all, err] = read_all(p.b);
  CHECK(all == "last words");
  CHECK(err == nil);
  char c[1];
  CHECK(p.b.read(c) == net::io_result(0, io::eof));
  CHECK(p.b.read(c) == net::io_result(0, io::eof));
}

FIBER_TEST("NE6: close_write: the peer reads EOF while the other way still flows") {
  const net_pair p;
  p.a.write("question");
  CHECK(p.a.close_write() == nil);
  CHECK(read_all(p.b).first == "question");
  p.b.write("answer");
  CHECK(read_n(p.a, 6) == "answer");
  CHECK(p.a.write("x").second.text() == error_of("write", p.a, "write: broken pipe"));
  p.b.close_write();
  CHECK(read_all(p.a).second == nil);
}

FIBER_TEST("net: close_read ends reads with EOF") {
  const net_pair p;
  support::crew reader;
  reader.go([&] {
    char c[1];
    CHECK(p.a.read(c) == net::io_result(0, io::eof));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.a.close_read() == nil);
}

FIBER_TEST("net: data and FIN in one segment: both arrive, on every connection") {
  const bound_listener place;
  support::crew server;
  server.go([&] { serve_echo(place.l); });
  int bad = 0;
  for (int i = 0; i < scale(1000); ++i) {
    auto [c, err] = net::dial("tcp", place.place());
    if (err) {
      ++bad;
      continue;
    }
    const std::string question(static_cast<std::size_t>(64 + i % 3 * 10), static_cast<char>('a' + i % 26));
    // What is held back goes out with the FIN.
    if (::send(c.native_handle(), question.data(), question.size(), MSG_MORE | MSG_NOSIGNAL) !=
        static_cast<ssize_t>(question.size())) {
      ++bad;
    }
    c.close_write();
    auto [answer, read_err] = read_all(c);
    bad += answer == question && read_err == nil ? 0 : 1;
    c.close();
  }
  CHECK(bad == 0);
  place.l.close();
}

FIBER_TEST("net: a FIN that comes with the data that a short read takes is seen, whoever is faster") {
  for (int i = 0; i < scale(500); ++i) {
    const net_pair p;
    support::crew writer;
    writer.go([&] {
      p.a.write("0123456789");
      p.a.close();
    });
    auto [all, err] = read_all(p.b);
    CHECK(all == "0123456789");
    CHECK(err == nil);
  }
}

FIBER_TEST("net: what stands behind urgent data is not forgotten by a short read") {
  const net_pair p;
  p.a.write("before");
  CHECK(::send(p.a.native_handle(), "!", 1, MSG_OOB) == 1);
  p.a.write("behind");
  CHECK(eventually([&] {
    char peek[32];
    return ::recv(p.b.native_handle(), peek, sizeof peek, MSG_PEEK | MSG_DONTWAIT) == 6;
  }));
  p.b.set_read_deadline(time::now() + support::patience);
  CHECK(read_n(p.b, 12) == "beforebehind");
}

FIBER_TEST("net: a peer's reset ends the read that waits, and writes fail") {
  const net_pair p;
  support::crew reader;
  reader.go([&] {
    char c[1];
    auto [n, err] = p.b.read(c);
    CHECK(n == 0);
    CHECK(err.text() == error_of("read", p.b, "read: connection reset by peer"));
    CHECK(errors::is(err, std::errc::connection_reset));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.a.set_linger(0) == nil);
  CHECK(p.a.close() == nil);
  reader.join();
  const error err = p.b.write("x").second;
  CHECK(err.text() == error_of("write", p.b, "write: broken pipe"));
}

FIBER_TEST("net: a write to a peer that has gone fails, though it is blocked by a full buffer") {
  const net_pair p;
  fill(p.a);
  support::crew writer;
  writer.go([&] {
    const std::string block(1 << 20, 'x');
    auto [n, err] = p.a.write(block);
    CHECK(n < block.size());
    CHECK(err != nil);
    CHECK(!err.timeout());
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  p.b.close();  // with unread data: a reset
}

// ---- close ----------------------------------------------------------------------------------------------------------

FIBER_TEST("NE3: close unblocks read and write: use of closed network connection") {
  const net_pair p;
  fill(p.a);
  support::crew blocked;
  for (int i = 0; i < 3; ++i) {  // one waits for data, the others for their turn
    blocked.go([&] {
      char c[1];
      const error err = p.a.read(c).second;
      CHECK(err.text() == error_of("read", p.a, "use of closed network connection"));
      CHECK(is_closed(err));
      CHECK(!err.timeout());
    });
    blocked.go([&] {
      const error err = p.a.write(std::string(1 << 22, 'y')).second;
      CHECK(err.text() == error_of("write", p.a, "use of closed network connection"));
    });
  }
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  CHECK(support::await_parked(wait_reason::semacquire, 4));
  CHECK(p.a.close() == nil);
}

FIBER_TEST("NE3: after close every operation fails, and a second close") {
  const net_pair p;
  const std::string local = p.a.local_addr().text();
  CHECK(p.a.close() == nil);
  char c[1];
  CHECK(p.a.read(c).second.text() == error_of("read", p.a, "use of closed network connection"));
  CHECK(p.a.write("x").second.text() == error_of("write", p.a, "use of closed network connection"));
  CHECK(p.a.close().text() == error_of("close", p.a, "use of closed network connection"));
  CHECK(p.a.close_write().text() == error_of("close", p.a, "use of closed network connection"));
  CHECK(p.a.set_deadline(time::now()).text() == "set tcp " + local + ": use of closed network connection");
  CHECK(p.a.set_no_delay(true).text() == error_of("set", p.a, "use of closed network connection"));
  CHECK(p.a.set_read_buffer(5).text() == "set tcp " + local + ": use of closed network connection");
  CHECK(p.a.native_handle() == -1);
  CHECK(p.a.release() == -1);
  CHECK(p.a.local_addr().text() == local);
}

FIBER_TEST("NE3: close unblocks accept, also those that stand in line") {
  const bound_listener place;
  support::crew blocked;
  for (int i = 0; i < 3; ++i) {
    blocked.go([&] {
      auto [c, err] = place.l.accept();
      CHECK(c == nil);
      CHECK(err.text() == "accept tcp " + place.place() + ": use of closed network connection");
      CHECK(is_closed(err));
    });
  }
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(support::await_parked(wait_reason::semacquire, 2));
  CHECK(place.l.close() == nil);
  blocked.join();
  CHECK(is_closed(place.l.accept().second));
  CHECK(place.l.close().text() == "close tcp " + place.place() + ": use of closed network connection");
}

FIBER_TEST("net: the place of a listener is free as soon as close returns, though others are in accept") {
  std::string place = "127.0.0.1:0";
  for (int i = 0; i < scale(100); ++i) {
    auto [l, err] = net::listen("tcp", place);
    CHECK(err == nil);
    if (err) {
      break;
    }
    place = l.addr().text();
    support::crew accepting;
    accepting.go([own = l] { CHECK(is_closed(own.accept().second)); });
    if (i % 2 == 0) {
      CHECK(support::await_parked(wait_reason::io_wait, 1));
    }
    CHECK(l.close() == nil);
  }
}

FIBER_TEST("net: a connection closed by one fiber while others read and write: nobody meets another's descriptor") {
  for (int i = 0; i < scale(60); ++i) {
    const net_pair first;
    const net_pair second;
    const std::string own = "second's own";
    support::crew all;
    for (int k = 0; k < 2; ++k) {
      all.go([&] {
        char buf[64];
        while (first.a.read(buf).second == nil) {
        }
      });
      all.go([&] {
        while (first.b.write("noise").second == nil) {
        }
      });
    }
    all.go([&] { first.a.close(); });
    all.go([&] { first.b.close(); });
    all.go([&] { second.a.write(own); });
    CHECK(read_n(second.b, own.size()) == own);
  }
}

FIBER_TEST("net: the last handle closes the connection") {
  const bound_listener place;
  auto [a, err] = net::dial("tcp", place.place());
  CHECK(err == nil);
  auto [b, err2] = place.l.accept();
  CHECK(err2 == nil);
  net::conn copy = b;
  b = nil;
  copy.write("x");
  copy = nil;
  CHECK(read_all(a).first == "x");
}

FIBER_TEST("net: release gives the descriptor away, and closes the connection for the others") {
  const net_pair p;
  support::crew reader;
  reader.go([&] {
    char c[1];
    CHECK(is_closed(p.a.read(c).second));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  const int own = p.a.native_handle();
  CHECK(p.a.release() == own);
  CHECK(is_closed(p.a.close()));
  CHECK(::write(own, "raw", 3) == 3);
  CHECK(read_n(p.b, 3) == "raw");
  CHECK(::close(own) == 0);
  CHECK(read_all(p.b).second == nil);
}

FIBER_TEST("net: all calls on a nil connection or listener fail") {
  const net::conn c;
  const net::listener l;
  char buf[1];
  CHECK(errors::is(c.read(buf).second, std::errc::invalid_argument));
  CHECK(errors::is(c.write("x").second, std::errc::invalid_argument));
  CHECK(errors::is(c.close(), std::errc::invalid_argument));
  CHECK(errors::is(c.set_deadline(nil), std::errc::invalid_argument));
  CHECK(errors::is(l.accept().second, std::errc::invalid_argument));
  CHECK(errors::is(l.close(), std::errc::invalid_argument));
  CHECK(!c.local_addr());
  CHECK(c.native_handle() == -1);
}

// ---- deadlines ------------------------------------------------------------------------------------------------------

FIBER_TEST("NE1: a past deadline fails at once even with data waiting; zero clears it") {
  const net_pair p;
  p.a.write("data");
  char c[8];
  CHECK(p.b.set_read_deadline(time::now() - 1s) == nil);
  auto [n, err] = p.b.read(c);
  CHECK(n == 0);
  CHECK(is_timeout(err));
  CHECK(is_timeout(p.b.read(c).second));
  CHECK(p.b.write("x").second == nil);  // the other half is not concerned
  CHECK(p.b.set_read_deadline(time::time_point()) == nil);
  CHECK(p.b.read(c).first == 4);
  CHECK(p.b.set_deadline(time::now() - 1s) == nil);
  CHECK(is_timeout(p.b.write("x").second));
  CHECK(p.b.set_deadline(nil) == nil);
  CHECK(p.b.write("x").second == nil);
}

FIBER_TEST("NE2: a read times out: read tcp A->B: i/o timeout") {
  const net_pair p;
  p.a.set_read_deadline(time::now() + 5ms);
  char c[1];
  const error err = p.a.read(c).second;
  CHECK(err.text() == error_of("read", p.a, "i/o timeout"));
  CHECK(is_timeout(err));
  const auto* op = errors::as<net::op_error>(err);
  CHECK(op != nullptr);
  CHECK((op != nullptr && op->op() == "read" && op->network() == "tcp" && op->source() == p.a.local_addr() &&
         op->addr() == p.a.remote_addr() && op->temporary()));
}

FIBER_TEST("NE2: a write that times out reports what it has written") {
  const net_pair p;
  const std::string big(64 << 20, 'x');
  std::size_t n = 0;
  error err;
  CHECK(support::with_a_limit(50ms, [&](std::chrono::nanoseconds limit) {
    p.a.set_write_deadline(time::now() + limit);
    std::tie(n, err) = p.a.write(big);
    return n > 0;
  }));
  CHECK(n < big.size());
  CHECK(err.text() == error_of("write", p.a, "i/o timeout"));
  p.b.close();
}

FIBER_TEST("NE1: a deadline applies to operations that wait already") {
  const net_pair p;
  support::crew reader;
  reader.go([&] {
    char c[1];
    CHECK(is_timeout(p.a.read(c).second));
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  CHECK(p.a.set_read_deadline(time::now() + 1h) == nil);
  CHECK(p.a.set_read_deadline(time::now() + 5ms) == nil);
}

FIBER_TEST("NE1: a deadline that is moved to later, or cleared, while an operation waits does not end it") {
  CHECK(support::with_a_limit(20ms, [](std::chrono::nanoseconds limit) {
    const net_pair p;
    net::io_result got;
    std::atomic<bool> over = false;
    support::crew reader;
    reader.go([&] {
      char c[1];
      got = p.a.read(c);
      over = true;
    });
    const auto first = time::now() + limit;
    p.a.set_read_deadline(first);
    CHECK(eventually([&] { return over || support::parked(wait_reason::io_wait) == 1; }));
    p.a.set_read_deadline(time::now() + 1h);
    bool moved_in_time = time::now() < first;
    time::sleep(limit + 10ms);
    const auto second = time::now() + limit;
    p.a.set_read_deadline(second);
    p.a.set_read_deadline(nil);
    moved_in_time = moved_in_time && time::now() < second;
    time::sleep(limit + 10ms);
    p.b.write("x");
    reader.join();
    if (moved_in_time) {
      CHECK(got == net::io_result(1, nil));
    }
    return moved_in_time;
  }));
}

FIBER_TEST("NE7: deadlines from 1 ns to 1 s all time out, none early") {
  for (const auto d : {1ns, 100ns, 1'000ns, 10'000ns, 100'000ns, 1'000'000ns, 10'000'000ns}) {
    const net_pair p;
    const auto begin = time::now();
    p.a.set_read_deadline(begin + d);
    char c[1];
    CHECK(is_timeout(p.a.read(c).second));
    CHECK(time::since(begin) >= d);
  }
  support::crew all;
  for (int i = 1; i <= 20; ++i) {
    all.go([d = i * 50ms] {
      const net_pair p;
      const auto begin = time::now();
      p.a.set_deadline(begin + d);
      char c[1];
      CHECK(is_timeout(p.a.read(c).second));
      CHECK(time::since(begin) >= d);
    });
  }
}

FIBER_TEST("NE7: deadlines may be set from any fiber while others read and write") {
  const net_pair p;
  std::atomic<bool> over = false;
  std::atomic<int> timeouts = 0;
  std::atomic<int> wrong = 0;
  std::atomic<long> written = 0;
  std::atomic<long> read = 0;
  support::crew all, setters;
  for (int i = 0; i < 2; ++i) {
    all.go([&] {
      while (!over) {
        auto [n, err] = p.a.write("0123456789");
        written += static_cast<long>(n);
        timeouts += err ? 1 : 0;
        wrong += err && !is_timeout(err) ? 1 : 0;
        runtime::gosched();
      }
    });
    all.go([&] {
      char buf[100];
      while (!over) {
        auto [n, err] = p.b.read(buf);
        read += static_cast<long>(n);
        timeouts += err ? 1 : 0;
        wrong += err && !is_timeout(err) ? 1 : 0;
        runtime::gosched();
      }
    });
    setters.go([&] {
      for (int k = 0; !over; ++k) {
        const auto when = time::now() + std::chrono::microseconds(k % 5 * 50);
        p.a.set_deadline(when);
        p.b.set_deadline(when);
        if (k % 3 == 0) {
          p.a.set_deadline(nil);
          p.b.set_deadline(nil);
        }
        time::sleep(20us);
      }
    });
  }
  CHECK(eventually([&] { return timeouts > scale(200) && read > scale(1000); }));
  over = true;
  setters.join();  // theirs would be the last word
  p.a.set_deadline(time::now() - 1s);
  p.b.set_deadline(time::now() - 1s);
  all.join();
  CHECK(wrong == 0);
  p.a.set_deadline(nil);
  p.b.set_deadline(nil);
  p.a.close_write();
  read += static_cast<long>(read_all(p.b).first.size());
  CHECK(read == written);
}

FIBER_TEST("NE1: a deadline of a listener ends accept; cleared, it accepts again") {
  const bound_listener place;
  place.l.set_deadline(time::now() + 5ms);
  const error err = place.l.accept().second;
  CHECK(err.text() == "accept tcp " + place.place() + ": i/o timeout");
  CHECK(is_timeout(err));
  place.l.set_deadline(nil);
  auto [c, dial_err] = net::dial("tcp", place.place());
  CHECK(dial_err == nil);
  CHECK(place.l.accept().second == nil);
}

FIBER_TEST("net: a slow-loris reader costs its writer no more than the deadline") {
  const net_pair p;
  fill(p.a);
  support::crew reader;
  std::atomic<bool> over = false;
  reader.go([&] {
    char c[1];
    while (!over) {
      p.b.read(c);
      time::sleep(1ms);
    }
  });
  p.a.set_write_deadline(time::now() + 30ms);
  CHECK(is_timeout(p.a.write(std::string(1 << 22, 'x')).second));
  over = true;
}

// ---- stops ----------------------------------------------------------------------------------------------------------

FIBER_TEST("net: a context ends a read, a write and an accept that wait: operation was canceled") {
  const net_pair p;
  const bound_listener place;
  fill(p.a);
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew blocked;
  blocked.go([&, c = ctx] {
    char buf[1];
    const error err = p.a.read(buf, c).second;
    CHECK(err.text() == error_of("read", p.a, "operation was canceled"));
    CHECK(errors::is(err, net::canceled));
    CHECK(errors::is(err, context::canceled));
  });
  blocked.go([&, c = ctx] { CHECK(errors::is(p.a.write(std::string(1 << 22, 'x'), c).second, net::canceled)); });
  blocked.go([&, c = ctx] { CHECK(errors::is(place.l.accept(c).second, net::canceled)); });
  blocked.go([&, c = ctx] { CHECK(errors::is(place.l.accept(c).second, net::canceled)); });  // in line
  CHECK(support::await_parked(wait_reason::io_wait, 3));
  CHECK(support::await_parked(wait_reason::semacquire, 1));
  cancel();
  blocked.join();
  char buf[1];
  CHECK(errors::is(p.a.read(buf, ctx).second, net::canceled));
  // The connection itself is as good as before.
  p.b.write("y");
  CHECK(p.a.read(buf) == net::io_result(1, nil));
}

FIBER_TEST("net: a context whose deadline passes ends a read with a timeout") {
  const net_pair p;
  auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
  defer d1{cancel};
  char buf[1];
  const error err = p.a.read(buf, ctx).second;
  CHECK(err.text() == error_of("read", p.a, "i/o timeout"));
  CHECK(is_timeout(err));
  CHECK(errors::is(err, context::deadline_exceeded));
}

// ---- plain threads --------------------------------------------------------------------------------------------------

PLAIN_TEST("net: every call works from a plain thread, which blocks") {
  const bound_listener place;
  std::thread server([&] {
    auto [c, err] = place.l.accept();
    CHECK(err == nil);
    CHECK(read_n(c, 4) == "ping");
    CHECK(c.write("pong").second == nil);
    CHECK(read_all(c).second == nil);
    c.close();
  });
  auto [c, err] = net::dial("tcp", place.place());
  CHECK(err == nil);
  CHECK(c.write("ping").second == nil);
  CHECK(read_n(c, 4) == "pong");
  c.set_read_deadline(time::now() + 5ms);
  char buf[1];
  CHECK(is_timeout(c.read(buf).second));
  CHECK(c.close() == nil);
  server.join();
}

FIBER_TEST("net: a plain thread and a fiber talk, and a close from one wakes the other") {
  const net_pair p;
  std::thread other([&] {
    for (int i = 0; i < scale(200); ++i) {
      CHECK(read_n(p.b, 4) == "ping");
      p.b.write("pong");
    }
    char c[1];
    CHECK(is_closed(p.b.read(c).second));
  });
  for (int i = 0; i < scale(200); ++i) {
    p.a.write("ping");
    CHECK(read_n(p.a, 4) == "pong");
  }
  time::sleep(5ms);
  p.b.close();
  runtime::blocking([&] { other.join(); });
}

// ---- options --------------------------------------------------------------------------------------------------------

namespace {

int option_of(const net::conn& c, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(c.native_handle(), level, name, &value, &size);
  return value;
}

}  // namespace

FIBER_TEST("net: no_delay and keep-alive are on by default, at both ends, and can be set") {
  const net_pair p;
  for (const net::conn& c : {p.a, p.b}) {
    CHECK(option_of(c, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option_of(c, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(c, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
    CHECK(option_of(c, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
    CHECK(c.set_no_delay(false) == nil);
    CHECK(c.set_keep_alive(false) == nil);
    CHECK(c.set_keep_alive_period(1500ms) == nil);
    CHECK(c.set_read_buffer(100'000) == nil);
    CHECK(c.set_write_buffer(100'000) == nil);
    CHECK(option_of(c, IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(option_of(c, SOL_SOCKET, SO_KEEPALIVE) == 0);
    CHECK(option_of(c, IPPROTO_TCP, TCP_KEEPIDLE) == 2);
    CHECK(option_of(c, SOL_SOCKET, SO_RCVBUF) >= 100'000);
    CHECK(option_of(c, SOL_SOCKET, SO_SNDBUF) >= 100'000);
  }
}

FIBER_TEST("net: a close that lingers holds up nobody else") {
  const net_pair p;
  fill(p.a);
  CHECK(p.a.set_linger(1) == nil);
  std::atomic<int> turns = 0;
  std::atomic<bool> over = false;
  support::crew other;
  other.go([&] {
    while (!over) {
      ++turns;
      time::sleep(1ms);
    }
  });
  CHECK(eventually([&] { return turns > 0; }));
  turns = 0;
  p.a.close();
  CHECK(turns > 10);
  over = true;
}

// With one worker: with more of them than processors the kernel decides who has his turn.
PLAIN_TEST("net: where more is ready than a worker's queue holds, each connection has its turn") {
  run(
      [] {
        constexpr std::size_t pairs = 350;
        constexpr long trips = 20;  // of each, on average
        const bound_listener place;
        std::vector<std::pair<net::conn, net::conn>> all(pairs);
        for (auto& [a, b] : all) {
          a = net::dial("tcp", place.place()).first;
          b = place.l.accept().first;
        }
        std::vector<long> had(pairs);
        std::atomic<long> sum = 0;
        support::crew crew;
        for (std::size_t i = 0; i < pairs; ++i) {
          crew.go([&, i] {
            char c = 'x';
            while (sum < trips * static_cast<long>(pairs) && !all[i].first.write(std::string_view(&c, 1)).second &&
                   !all[i].first.read(std::span(&c, 1)).second) {
              ++had[i];
              ++sum;
            }
            all[i].first.close();
          });
          crew.go([&, i] {
            char c = 0;
            while (!all[i].second.read(std::span(&c, 1)).second &&
                   !all[i].second.write(std::string_view(&c, 1)).second) {
            }
            all[i].second.close();
          });
        }
        crew.join();
        CHECK(*std::min_element(had.begin(), had.end()) > trips / 4);
      },
      {.procs = 1});
}
