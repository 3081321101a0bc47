// use_fiber: any asynchronous operation of Asio's as a call that blocks; cancelled, given up and refused.
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "child.hpp"
#include "gossamer/asio.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::panic_of;
using support::scale;

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

enum class way { at_once, posted, from_thread };
constexpr way ways[] = {way::at_once, way::posted, way::from_thread};

// An operation that hands over `values`, in that way.
template <class Signature, class Token, class... Values>
auto async_give(way how, Token&& token, Values... values) {
  return asio::async_initiate<Token, Signature>(
      [how](auto handler, auto... vs) {
        auto call = [h = std::move(handler), ... v = std::move(vs)]() mutable { std::move(h)(std::move(v)...); };
        if (how == way::at_once) {
          call();
        } else if (how == way::posted) {
          asio::post(runtime::io_context(), std::move(call));
        } else {
          std::thread(std::move(call)).detach();
        }
      },
      token, std::move(values)...);
}

// The code of the system_error that f() throws; none if it returns.
template <class F>
error_code thrown_by(F&& f) {
  try {
    f();
  } catch (const boost::system::system_error& e) {
    return e.code();
  }
  return {};
}

const error_code refused = asio::error::connection_refused;
const error_code aborted = asio::error::operation_aborted;
const error_code timed_out = asio::error::timed_out;

struct connected_pair {
  tcp::socket a{runtime::io_context()};
  tcp::socket b{runtime::io_context()};
  connected_pair() {
    tcp::acceptor acceptor(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
    support::crew crew;
    crew.go([&] { a.async_connect(acceptor.local_endpoint(), use_fiber); });
    b = acceptor.async_accept(use_fiber);
  }
};

// No default constructor, and it can only be moved.
struct token_of_value {
  explicit token_of_value(int n) : p(std::make_unique<int>(n)) {}
  std::unique_ptr<int> p;
};

}  // namespace

// ---- results --------------------------------------------------------------------------------------------------------

FIBER_TEST("use_fiber returns what an operation of any signature hands over, whoever calls its handler and when") {
  for (const way w : ways) {
    async_give<void()>(w, use_fiber);
    async_give<void(error_code)>(w, use_fiber, error_code());
    async_give<void(std::exception_ptr)>(w, use_fiber, std::exception_ptr());
    CHECK(async_give<void(int)>(w, use_fiber, 3) == 3);
    CHECK(async_give<void(error_code, std::string)>(w, use_fiber, error_code(), std::string("text")) == "text");
    CHECK(async_give<void(std::exception_ptr, int)>(w, use_fiber, std::exception_ptr(), 5) == 5);
    CHECK(*async_give<void(std::unique_ptr<int>)>(w, use_fiber, std::make_unique<int>(6)) == 6);
    CHECK(*async_give<void(error_code, token_of_value)>(w, use_fiber, error_code(), token_of_value(7)).p == 7);
    CHECK(async_give<void(const std::string&)>(w, use_fiber, std::string("kept")) == "kept");
    auto [n, p] = async_give<void(error_code, int, std::unique_ptr<int>)>(w, use_fiber, error_code(), 8,
                                                                          std::make_unique<int>(9));
    CHECK(n == 8);
    CHECK(*p == 9);
    auto [a, b] = async_give<void(int, char)>(w, use_fiber, 1, 'c');
    CHECK(a == 1);
    CHECK(b == 'c');
    CHECK(async_give<void(int) noexcept>(w, use_fiber, 10) == 10);
    auto [ec, m] = async_give<void(error_code, int)>(w, asio::as_tuple(use_fiber), refused, 11);
    CHECK(ec == refused);
    CHECK(m == 11);
  }
}

FIBER_TEST("an error is thrown, or stored with []; what was handed over with it is returned then") {
  for (const way w : ways) {
    CHECK(thrown_by([&] { async_give<void(error_code)>(w, use_fiber, refused); }) == refused);
    CHECK(thrown_by([&] { async_give<void(error_code, int)>(w, use_fiber, refused, 1); }) == refused);
    error_code ec;
    CHECK(async_give<void(error_code, int)>(w, use_fiber[ec], refused, 2) == 2);
    CHECK(ec == refused);
    async_give<void(error_code)>(w, use_fiber[ec], error_code());
    CHECK(!ec);
    ec = refused;
    CHECK(async_give<void(int)>(w, use_fiber[ec], 3) == 3);
    CHECK(!ec);
  }
}

FIBER_TEST("an exception is thrown; of those in an exception_ptr [] stores a system_error") {
  const auto of_system = std::make_exception_ptr(boost::system::system_error(refused));
  const auto other = std::make_exception_ptr(std::runtime_error("other"));
  for (const way w : ways) {
    error_code ec;
    CHECK_THROWS_AS(async_give<void(std::exception_ptr)>(w, use_fiber, other), std::runtime_error);
    CHECK_THROWS_AS(async_give<void(std::exception_ptr)>(w, use_fiber[ec], other), std::runtime_error);
    CHECK(thrown_by([&] { async_give<void(std::exception_ptr, int)>(w, use_fiber, of_system, 1); }) == refused);
    async_give<void(std::exception_ptr, int)>(w, use_fiber[ec], of_system, 1);
    CHECK(ec == refused);
  }
}

FIBER_TEST("what the beginning of an operation throws leaves the call, once its handler is gone") {
  const auto fail = [](auto&& token) {
    return asio::async_initiate<decltype(token), void(error_code, int)>(
        [](auto handler) {
          const auto gone = std::move(handler);
          throw std::runtime_error("not begun");
        },
        token);
  };
  CHECK_THROWS_AS(fail(use_fiber), std::runtime_error);
  CHECK_THROWS_AS(fail(use_fiber.within(1h)), std::runtime_error);
  const auto strand = asio::make_strand(runtime::io_context());
  CHECK_THROWS_AS(fail(use_fiber.on(strand)), std::runtime_error);
}

// ---- given up -------------------------------------------------------------------------------------------------------

FIBER_TEST("an operation that is given up without its handler being called ends with operation_aborted") {
  const auto give_up = [](auto&& token, bool at_once) {
    return asio::async_initiate<decltype(token), void(error_code, int)>(
        [at_once](auto handler) {
          if (!at_once) {
            std::thread([h = std::move(handler)] {}).detach();
          }
        },
        token);
  };
  for (const bool at_once : {true, false}) {
    error_code ec;
    CHECK(thrown_by([&] { give_up(use_fiber, at_once); }) == aborted);
    CHECK(give_up(use_fiber[ec], at_once) == 0);
    CHECK(ec == aborted);
    const auto drop = [&](auto&& token) {
      return asio::async_initiate<decltype(token), void(error_code, token_of_value)>([](auto) {}, token);
    };
    CHECK(thrown_by([&] { drop(use_fiber[ec]); }) == aborted);
  }
}

FIBER_TEST("who waits for an io_context that nobody runs goes on when it is destroyed") {
  for (int kind = 0; kind < 3; ++kind) {
    auto own = std::make_unique<asio::io_context>();
    asio::io_context& context_of_own = *own;
    auto [ctx, cancel] = context::with_cancel(context::background());
    defer d1{cancel};
    std::atomic<bool> begun = false;
    std::atomic<bool> wrong = true;
    support::crew crew;
    crew.go([&, c = ctx] {
      error_code ec;
      begun = true;
      if (kind == 0) {
        asio::post(context_of_own, use_fiber[ec]);
      } else if (kind == 1) {
        asio::post(context_of_own, use_fiber(c)[ec]);
      } else {
        async_give<void()>(way::at_once, use_fiber.on(context_of_own)[ec]);
      }
      wrong = ec != aborted;
    });
    CHECK(support::await_parked(wait_reason::io_wait, 1));
    if (kind == 1) {
      cancel();  // nobody runs what asks the operation to end; but it has been asked before the context goes
      CHECK(begun);
      CHECK(support::await_parked(wait_reason::io_wait, 1));
      asio::post(context_of_own, [] {});  // comes after what was posted; so does the end of the context
    }
    own.reset();
    crew.join();
    CHECK(!wrong);
  }
}

// ---- cancellation ---------------------------------------------------------------------------------------------------

FIBER_TEST("nothing is started once the context is cancelled, or the time has come") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  int started = 0;
  const auto count = [&](auto&& token) {
    return asio::async_initiate<decltype(token), void(error_code, int)>(
        [&](auto handler) {
          ++started;
          std::move(handler)(error_code(), 1);
        },
        token);
  };
  error_code ec;
  CHECK(count(use_fiber(ctx)[ec]) == 0);
  CHECK(ec == aborted);
  CHECK(thrown_by([&] { count(use_fiber(ctx)); }) == aborted);
  CHECK(count(use_fiber.until(time::now() - 1s)[ec]) == 0);
  CHECK(ec == timed_out);
  CHECK(count(use_fiber.within(-1s)[ec]) == 0);
  CHECK(ec == timed_out);
  CHECK(started == 0);
  CHECK(count(use_fiber.within(1h)[ec]) == 1);
  CHECK(!ec);
}

FIBER_TEST("an operation that is pending ends with operation_aborted once the context is cancelled") {
  connected_pair pair;
  asio::steady_timer timer(runtime::io_context(), 1h);
  asio::steady_timer on_strand(runtime::io_context(), 1h);  // no object of Asio's is for two at once
  const auto strand = asio::make_strand(runtime::io_context());
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, executor>
      of_fibers(executor{}, 1h);
  std::atomic<int> cancelled = 0;
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew crew;
  const auto expect_end = [&](auto operation) {
    crew.go([&, c = ctx, operation] {
      error_code ec;
      operation(c, ec);
      cancelled += ec == aborted ? 1 : 0;
    });
  };
  expect_end([&](const context::context& c, error_code& ec) { timer.async_wait(use_fiber(c)[ec]); });
  expect_end([&](const context::context& c, error_code& ec) { on_strand.async_wait(use_fiber[ec].on(strand)(c)); });
  expect_end([&](const context::context& c, error_code& ec) { of_fibers.async_wait(use_fiber(c)[ec]); });
  expect_end([&](const context::context& c, error_code& ec) {
    char byte = 0;
    pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber(c, asio::cancellation_type::total)[ec]);
  });
  // A composed one, in its second step.
  expect_end([&](const context::context& c, error_code& ec) {
    char bytes[2] = {};
    CHECK(asio::async_read(pair.b, asio::buffer(bytes), use_fiber(c)[ec]) == 1);
    CHECK(bytes[0] == 'x');
  });
  asio::async_write(pair.a, asio::buffer("x", 1), use_fiber);
  CHECK(eventually([&] { return pair.b.available() == 0; }));
  CHECK(support::await_parked(wait_reason::io_wait, 5));
  cancel();
  crew.join();
  CHECK(cancelled == 5);
}

FIBER_TEST("an operation that takes too long ends with timed_out, and the socket can be used on") {
  connected_pair pair;
  error_code ec;
  char byte = 0;
  CHECK(pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber.within(1ms)[ec]) == 0);
  CHECK(ec == timed_out);
  CHECK(thrown_by([&] { pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber.until(time::now() + 1ms)); }) ==
        timed_out);
  asio::async_write(pair.b, asio::buffer("y", 1), use_fiber);
  CHECK(pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber.within(1h)) == 1);
  CHECK(byte == 'y');
}

FIBER_TEST("the call returns when the operation has ended, though it does not end early") {
  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  std::atomic<bool> release = false;
  const auto stubborn = [&](auto&& token) {
    return asio::async_initiate<decltype(token), void(error_code, int)>(
        [&](auto handler) {
          begun = true;
          std::thread([&, h = std::move(handler)]() mutable {
            while (!release) {
              std::this_thread::yield();
            }
            over = true;
            std::move(h)(error_code(), 4);
          }).detach();
        },
        token);
  };
  auto [ctx, cancel] = context::with_cancel(context::background());
  support::crew crew;
  crew.go([&, end_it = cancel] {
    CHECK(eventually([&] { return begun.load(); }));
    end_it();
    time::sleep(2ms);
    release = true;
  });
  error_code ec;
  CHECK(stubborn(use_fiber(ctx)[ec]) == 4);
  CHECK(over);
  CHECK(!ec);
}

FIBER_TEST("a cancellation that races with the end loses or wins, and the call returns once") {
  std::minstd_rand random(static_cast<unsigned>(support::width()));
  int won = 0;
  int lost = 0;
  const auto strand = asio::make_strand(runtime::io_context());
  const int rounds = scale(10'000);
  for (int i = 0; i < rounds; ++i) {
    auto timer = std::make_unique<asio::steady_timer>(runtime::io_context());
    timer->expires_after(std::chrono::microseconds(random() % 60));
    auto [ctx, cancel] = context::with_cancel(context::background());
    support::crew crew;
    crew.go([end_it = cancel, spins = random() % 64, yields = random() % 4] {
      for (unsigned n = 0; n < yields; ++n) {
        runtime::gosched();
      }
      for (unsigned n = 0; n < spins * 50; ++n) {
        asm volatile("");
      }
      end_it();
    });
    error_code ec;
    if (i % 2 == 0) {
      timer->async_wait(use_fiber(ctx)[ec]);
    } else {
      timer->async_wait(use_fiber.on(strand)(ctx)[ec]);
    }
    timer.reset();
    (ec ? won : lost) += ec == aborted || !ec ? 1 : -rounds;
  }
  CHECK(won + lost == rounds);
}

FIBER_TEST("a time-out that races with the end loses or wins, in sockets too") {
  connected_pair pair;
  support::crew crew;
  const int rounds = scale(2000);
  crew.go([&] {
    std::minstd_rand random(7);
    for (int i = 0; i < rounds; ++i) {
      time::sleep(std::chrono::microseconds(random() % 100));
      asio::async_write(pair.b, asio::buffer("zz", 2), use_fiber);
    }
    pair.b.shutdown(tcp::socket::shutdown_send);
  });
  long total = 0;
  error_code ec;
  while (ec != asio::error::eof) {
    char bytes[3] = {};
    total += static_cast<long>(
        asio::async_read(pair.a, asio::buffer(bytes), use_fiber.within(std::chrono::microseconds(50))[ec]));
    if (ec && ec != timed_out && ec != asio::error::eof) {
      CHECK(ec == timed_out);
      break;
    }
  }
  CHECK(total == 2L * rounds);
}

// ---- with Asio's own objects ----------------------------------------------------------------------------------------

FIBER_TEST("many timers are waited for at once") {
  const int n = scale(10'000);
  std::atomic<int> ended = 0;
  support::crew crew;
  for (int i = 0; i < n; ++i) {
    crew.go([&, i] {
      asio::steady_timer timer(runtime::io_context(), std::chrono::microseconds(i % 1000 * 20));
      timer.async_wait(use_fiber);
      ++ended;
    });
  }
  crew.join();
  CHECK(ended == n);
}

FIBER_TEST("sockets: each of many connections gets its own bytes back") {
  constexpr int connections = 20;
  constexpr int rounds = 20;
  tcp::acceptor acceptor(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
  support::crew crew;
  crew.go([&] {
    for (int i = 0; i < connections; ++i) {
      auto s = std::make_shared<tcp::socket>(acceptor.async_accept(use_fiber));
      crew.go([s] {
        char bytes[64];
        error_code ec;
        while (const std::size_t n = s->async_read_some(asio::buffer(bytes), use_fiber[ec])) {
          asio::async_write(*s, asio::buffer(bytes, n), use_fiber);
        }
      });
    }
  });
  std::atomic<int> right = 0;
  for (int i = 0; i < connections; ++i) {
    crew.go([&, i] {
      tcp::socket s(runtime::io_context());
      s.async_connect(acceptor.local_endpoint(), use_fiber);
      for (int round = 0; round < rounds; ++round) {
        const std::string sent = std::to_string(i) + " " + std::to_string(round);
        std::string got(sent.size(), ' ');
        asio::async_write(s, asio::buffer(sent), use_fiber);
        asio::async_read(s, asio::buffer(got), use_fiber);
        right += sent == got ? 1 : 0;
      }
    });
  }
  crew.join();
  CHECK(right == connections * rounds);
}

FIBER_TEST(
    "a socket that another fiber closes ends a read with operation_aborted; nobody listens: connection_refused") {
  connected_pair pair;
  support::crew crew;
  std::atomic<bool> ended = false;
  crew.go([&] {
    char byte = 0;
    error_code ec;
    pair.a.async_read_some(asio::buffer(&byte, 1), use_fiber[ec]);
    ended = ec == aborted;
  });
  CHECK(support::await_parked(wait_reason::io_wait, 1));
  pair.a.cancel();
  crew.join();
  CHECK(ended);
  tcp::endpoint nobody;
  {
    const tcp::acceptor closed(runtime::io_context(), {asio::ip::address_v4::loopback(), 0});
    nobody = closed.local_endpoint();
  }
  tcp::socket s(runtime::io_context());
  CHECK(thrown_by([&] { s.async_connect(nobody, use_fiber); }) == refused);
}

// Asio keeps a thread for the resolver and descriptors for signals, for as long as the io_context lives.
CHILD_PROGRAM("resolves and takes a signal") {
  return run([] {
    tcp::resolver resolver(runtime::io_context());
    const auto found = resolver.async_resolve("127.0.0.1", "80", use_fiber);
    error_code ec;
    resolver.async_resolve("no.such.name.invalid", "80", use_fiber[ec]);
    if (found.begin()->endpoint().port() != 80 || !ec) {
      return 1;
    }
    asio::signal_set signals(runtime::io_context(), SIGUSR2);
    auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
    defer d1{cancel};
    signals.async_wait(use_fiber(ctx)[ec]);
    if (ec != aborted) {
      return 2;
    }
    // To a thread that does not block it, and at once: the thread sanitizer holds signals back from one that waits.
    std::thread sender([] {
      sigset_t mask;
      ::sigemptyset(&mask);
      ::sigaddset(&mask, SIGUSR2);
      ::pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
      ::pthread_kill(::pthread_self(), SIGUSR2);
    });
    const int got = signals.async_wait(use_fiber);
    runtime::blocking([&] { sender.join(); });
    return got == SIGUSR2 ? 0 : 3;
  });
}
PLAIN_TEST("names are resolved and signals waited for") {
  CHECK(support::run_child("resolves and takes a signal").exited_with(0));
}

// ---- where it may be called -----------------------------------------------------------------------------------------

PLAIN_TEST("a plain thread blocks until the operation has ended") {
  runtime::io_context();
  for (const way w : ways) {
    CHECK(async_give<void(error_code, int)>(w, use_fiber, error_code(), 3) == 3);
  }
  asio::steady_timer timer(runtime::io_context(), 1ms);
  timer.async_wait(use_fiber);
  error_code ec;
  timer.expires_after(1h);
  timer.async_wait(use_fiber.within(1ms)[ec]);
  CHECK(ec == timed_out);
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  defer d1{cancel};
  timer.async_wait(use_fiber(ctx)[ec]);
  CHECK(ec == aborted);
}

FIBER_TEST("in a handler on a worker's own stack it panics by name, and starts nothing") {
  std::string text;
  std::atomic<bool> called = false;
  bool started = false;
  asio::post(runtime::io_context(), [&] {
    text =
        panic_of([&] { asio::async_initiate<const use_fiber_t&, void()>([&](auto) { started = true; }, use_fiber); });
    called = true;
  });
  CHECK(eventually([&] { return called.load(); }));
  CHECK(text == "no_suspend: IO wait would block inside \"a handler of the io_context\"");
  CHECK(!started);
}

FIBER_TEST("objects on an io_context that plain threads run wake fibers of the runtime") {
  asio::io_context own;
  auto stay = std::make_optional(asio::make_work_guard(own));
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { own.run(); });
  }
  std::atomic<int> ended = 0;
  {
    support::crew crew;
    for (int i = 0; i < 50; ++i) {
      crew.go([&, i] {
        asio::steady_timer timer(own, std::chrono::microseconds(i * 50));
        timer.async_wait(use_fiber);
        asio::post(own, use_fiber);
        timer.expires_after(1h);
        error_code ec;
        timer.async_wait(use_fiber.within(1ms)[ec]);
        ended += ec == timed_out ? 1 : 0;
      });
    }
  }
  CHECK(ended == 50);
  stay.reset();
  runtime::blocking([&] {
    for (std::thread& t : threads) {
      t.join();
    }
  });
}

// ---- memory ---------------------------------------------------------------------------------------------------------

FIBER_TEST("an operation's memory is its caller's, and what it keeps beyond the handler's call is waited for") {
  for (int i = 0; i < scale(200); ++i) {
    std::atomic<bool> given = false;
    const auto keep = [&](auto&& token) {
      return asio::async_initiate<decltype(token), void()>(
          [&](auto handler) {
            auto allocator = asio::get_associated_allocator(handler);
            using bytes = typename std::allocator_traits<decltype(allocator)>::template rebind_alloc<char>;
            std::thread([&, a = bytes(allocator), h = std::move(handler)]() mutable {
              char* const first = a.allocate(200);
              char* const second = a.allocate(200);
              first[199] = second[199] = 1;
              std::move(h)();
              std::this_thread::yield();
              given = true;
              a.deallocate(second, 200);
              a.deallocate(first, 200);
            }).detach();
          },
          token);
    };
    keep(use_fiber);
    CHECK(given);
  }
}
