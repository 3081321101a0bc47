// net: what the kernel and the peers may do wrong: interrupted calls, no memory, no descriptors, names that hang, and
// connections that come and go at random.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <gossamer/net.hpp>
#include <gossamer/os.hpp>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <string>
#include <vector>

#include "child.hpp"
#include "faults.hpp"
#include "few_descriptors.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using support::bound_listener;
using support::call;
using support::error_of;
using support::eventually;
using support::fault;
using support::few_descriptors;
using support::net_pair;
using support::pattern;
using support::read_n;
using support::scale;

FIBER_TEST("net: calls that are interrupted are made again: no byte is lost") {
  const fault in(call::recv, EINTR, 2);
  const fault out(call::send, EINTR, 2);
  const fault many(call::sendmsg, EINTR, 2);
  const fault accepted(call::accept4, EINTR, 2);
  const net_pair p;
  const std::string there = pattern(static_cast<std::size_t>(scale(1 << 20)));
  support::crew writer;
  writer.go([&] {
    CHECK(p.a.write(there).first == there.size());
    CHECK(p.a.writev({there, "end"}).first == there.size() + 3);
  });
  CHECK((read_n(p.b, 2 * there.size() + 3) == there + there + "end"));
  writer.join();
  CHECK(in.struck() > 0);
  CHECK(out.struck() > 0);
}

FIBER_TEST("net: a request costs one read and one write: a stream that is exhausted is not asked once more") {
  const net_pair p;
  const int n = scale(1000);
  support::crew server;
  server.go([&] {
    char buf[4096];
    for (;;) {
      auto [got, err] = p.b.read(buf);
      if (err) {
        break;
      }
      p.b.write(std::span(buf).first(got));
    }
  });
  const long reads = support::calls_of(call::recv);
  const long writes = support::calls_of(call::send);
  char buf[4096];
  for (int i = 0; i < n; ++i) {
    p.a.write("question");
    CHECK(p.a.read(buf).first == 8);
  }
  CHECK(support::calls_of(call::send) - writes == 2 * n);
  // An event may come late, and cost a try.
  CHECK(support::calls_of(call::recv) - reads <= 2 * n + n / 5 + 10);
  p.a.close();
}

FIBER_TEST("net: a connect of which nothing comes ends with its deadline") {
  const fault never_begun(call::connect, EINTR);  // as if it went on
  const bound_listener place;
  CHECK(support::with_a_limit(10ms, [&](std::chrono::nanoseconds limit) {
    CHECK(net::dial_timeout("tcp", place.place(), limit).second.timeout());
    return never_begun.struck() > 0;
  }));
}

FIBER_TEST("net: where the kernel lacks memory for a write, it is tried again") {
  const net_pair p;
  {
    const fault lack(call::send, ENOBUFS, 1, 3);
    CHECK(p.a.write("at last") == net::io_result(7, nil));
    CHECK(lack.struck() == 3);
  }
  CHECK(read_n(p.b, 7) == "at last");
  const fault lack(call::send, ENOBUFS);
  p.a.set_write_deadline(time::now() + 10ms);
  CHECK(p.a.write("never").second.timeout());
  p.a.set_write_deadline(nil);
  const error err = p.a.write("never").second;
  CHECK(err.text() == error_of("write", p.a, "write: no buffer space available"));
}

FIBER_TEST("net: close, and a deadline that is set, end a write that waits for memory") {
  const fault lack(call::send, ENOBUFS);
  const net_pair p;
  support::crew blocked;
  blocked.go([&] { CHECK(errors::is(p.a.write("x").second, net::closed)); });
  blocked.go([&] { CHECK(p.b.write("x").second.timeout()); });
  CHECK(support::await_parked(wait_reason::io_wait, 2));
  p.a.close();
  p.b.set_write_deadline(time::now() - 1s);
}

FIBER_TEST("net: a peer that was reset before it was accepted is nobody's business") {
  const bound_listener place;
  const fault gone(call::accept4, ECONNABORTED, 1, 2);
  auto [c, err] = net::dial("tcp", place.place());
  CHECK(err == nil);
  CHECK(place.l.accept().second == nil);
  CHECK(gone.struck() == 2);
}

FIBER_TEST("net: with no descriptors left accept fails after a pause, temporarily, and recovers") {
  const bound_listener place;
  auto [first, err] = net::dial("tcp", place.place());
  CHECK(err == nil);
  few_descriptors none(0);
  const auto begin = time::now();
  int failures = 0;
  for (; failures < 4; ++failures) {
    const error lack = place.l.accept().second;
    CHECK((lack ? lack.text() : "") == "accept tcp " + place.place() + ": accept4: too many open files");
    const auto* op = errors::as<net::op_error>(lack);
    CHECK((op != nullptr && op->temporary()));
  }
  CHECK(time::since(begin) >= 75ms);  // 5 + 10 + 20 + 40
  const error refused = net::dial("tcp", place.place()).second;
  CHECK((refused ? refused.text() : "") == "dial tcp " + place.place() + ": socket: too many open files");
  none.free(3);  // the monitor may have its moment now
  auto [c, late] = place.l.accept();
  CHECK(late == nil);
}

FIBER_TEST("net: close and deadlines end an accept that pauses") {
  const fault lack(call::accept4, EMFILE);
  const bound_listener place;
  place.l.set_deadline(time::now() + 20ms);
  error err;
  for (int i = 0; i < 10 && !err.timeout(); ++i) {
    err = place.l.accept().second;
  }
  CHECK(err.text() == "accept tcp " + place.place() + ": i/o timeout");
  place.l.set_deadline(nil);
  support::crew accepting;
  accepting.go([&] {
    error last;
    while (!errors::is(last, net::closed)) {
      last = place.l.accept().second;
    }
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  place.l.close();
}

FIBER_TEST("net: look-ups that hang hold nobody up; who waits for one may leave") {
  std::atomic<int> left = 0;
  {
    const support::hanging_names names;
    auto [ctx, cancel] = context::with_cancel(context::background());
    support::crew asking;
    for (int i = 0; i < 5; ++i) {
      asking.go([&, c = ctx] {
        CHECK(net::dial_context(c, "tcp", "name.invalid:80").second.text() ==
              "dial tcp: lookup name.invalid: operation was canceled");
        ++left;
      });
    }
    CHECK(eventually([] { return support::hanging_names::hanging() == 5; }));
    CHECK(net::dial_timeout("tcp", "name.invalid:80", 5ms).second.text() ==
          "dial tcp: lookup name.invalid: i/o timeout");
    const net_pair others;
    others.a.write("x");
    CHECK(read_n(others.b, 1) == "x");
    cancel();
    asking.join();
  }
  CHECK(left == 5);
}

FIBER_TEST("net: connections that are opened and dropped at random leave nothing, and no byte is wrong") {
  const bound_listener place;
  support::crew server;
  server.go([&] { support::serve_echo(place.l); });
  std::atomic<int> wrong = 0;
  std::atomic<int> good = 0;
  {
    support::crew clients;
    for (unsigned i = 0; i < 8; ++i) {
      clients.go([&, i] {
        unsigned random = i + 1;
        for (int round = 0; round < scale(60); ++round) {
          random = random * 1664525 + 1013904223;
          auto [c, err] = net::dial("tcp", place.place());
          if (err) {
            ++wrong;
            continue;
          }
          const std::string question = pattern(random >> 8 & 0xffff, random);
          switch (random >> 28) {
            case 0:
              c.set_linger(0);
              break;
            case 1:
              c.write(question);
              c.set_linger(0);
              break;
            case 2:
              c.write(question);
              break;
            case 3:
              c.close_write();
              break;
            default: {
              support::crew writer;
              writer.go([&, to = c] { to.write(question); });
              const bool same = read_n(c, question.size()) == question;
              ++(same ? good : wrong);
            }
          }
          if (random >> 27 & 1) {
            c.close();
          }
        }
      });
    }
  }
  place.l.close();
  server.join();
  CHECK(wrong == 0);
  CHECK(good > 0);
}

CHILD_PROGRAM("waits for connections that do not come") {
  return run([] {
    auto [l, err] = net::listen("tcp", "127.0.0.1:0");
    go([own = l] { own.accept(); });
    net::conn a = net::dial("tcp", l.addr().text()).first;
    go([a] {
      char c[1];
      a.read(c);
    });
    time::sleep(300ms);
    const auto cpu = std::clock();
    time::sleep(1s);
    return (std::clock() - cpu) * 1000 / CLOCKS_PER_SEC > 100 ? 1 : 0;
  });
}
PLAIN_TEST("net: an idle process with open connections uses next to no CPU") {
  CHECK(support::run_child("waits for connections that do not come").exited_with(0));
}

CHILD_PROGRAM("nothing but a read") {
  return run(
      [] {
        auto [l, err] = net::listen("tcp", "127.0.0.1:0");
        auto [a, err2] = net::dial("tcp", l.addr().text());
        a.set_read_deadline(time::now() + 700ms);
        char c[1];
        return a.read(c).second.timeout() ? 7 : 1;
      },
      {.procs = 2});
}
PLAIN_TEST("FR1: who waits for a connection is not deadlocked") {
  CHECK(support::run_child("nothing but a read").exited_with(7));
}
