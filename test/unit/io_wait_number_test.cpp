// io: waiting for descriptors that belong to others: whose numbers come and go, and of every sort; from wherever.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>

#include "few_descriptors.hpp"
#include "foreign_pair.hpp"
#include "in_runs.hpp"
#include "inside.hpp"
#include "net_pair.hpp"

using namespace gossamer;
using namespace support;

FIBER_TEST("between two waits the number may become another file's, also while the old one lives on") {
  foreign_pair old;
  const int number = old.a;
  const int old_file = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  for (int round = 0; round < 20; ++round) {
    // A wait that its context has ended, with which an event of the old file might still be on its way...
    auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
    CHECK(io::wait_readable(number, ctx).timeout());
    cancel();
    // ... and one for the new one, which only its own bytes end.
    foreign_pair young;
    CHECK(::dup2(young.a, number) == number);
    support::crew crew;
    std::atomic<bool> ended = false;
    crew.go([&] {
      CHECK(io::wait_readable(number) == nil);
      CHECK(take(number) == 'y');
      ended = true;
    });
    foreign_pair later;  // what comes of it comes behind
    std::atomic<bool> all_came = false;
    crew.go([&] {
      CHECK(io::wait_readable(later.a) == nil);
      all_came = true;
    });
    CHECK(await_parked(wait_reason::io_wait, 2));
    put(old.b);
    put(later.b);
    CHECK(eventually([&] { return all_came.load(); }));
    for (int i = 0; i < 5; ++i) {
      runtime::gosched();
    }
    CHECK(!ended);
    put(young.b, 'y');
    crew.join();
    CHECK(take(old_file) == 'x');
    CHECK(::dup2(old_file, number) == number);
  }
  ::close(old_file);
}

FIBER_TEST("numbers that are closed and opened all the time, waited for by many fibers") {
  constexpr int fibers = 20;
  std::atomic<int> wrong = 0;
  support::crew crew;
  for (int f = 0; f < fibers; ++f) {
    crew.go([&, f] {
      for (int round = 0; round < scale(100); ++round) {
        foreign_pair p((f + round) % 2 == 0 ? a_pipe : sockets);
        std::atomic<int> read = 0;
        support::crew reader;
        reader.go([&] {
          wrong += io::wait_readable(p.a) == nil && take(p.a) == f ? 0 : 1;
          ++read;
        });
        for (int i = 0; i < round % 3; ++i) {
          runtime::gosched();
        }
        wrong += ::write(p.b, std::array{static_cast<char>(f)}.data(), 1) == 1 ? 0 : 1;
        reader.join();
        wrong += read == 1 ? 0 : 1;
      }
    });
  }
  crew.join();
  CHECK(wrong == 0);
}

FIBER_TEST("a conn's own descriptor is waited for beside its reads, and the close of the conn ends that") {
  for (int round = 0; round < 3; ++round) {
    const net_pair p;
    support::crew crew;
    crew.go([&] { CHECK(io::wait_readable(p.a.native_handle()) == nil); });
    crew.go([&] { CHECK(read_n(p.a, 5) == "hello"); });
    CHECK(await_parked(wait_reason::io_wait, 2));
    p.b.write("h");  // whichever of the two is faster
    p.b.write("ellomore");
    crew.join();
    CHECK(read_n(p.a, 4) == "more");
    if (!polls_by_asio()) {
      support::crew waiting;
      waiting.go([&] { CHECK(is_bad_descriptor(io::wait_readable(p.a.native_handle()))); });
      CHECK(await_parked(wait_reason::io_wait, 1));
      p.a.close();
    }
  }
}

FIBER_TEST("who waits for a number whose file has gone is told so when it is waited for again") {
  if (polls_by_asio()) {
    return;  // there the wait has the file
  }
  foreign_pair p;
  foreign_pair q;
  const int number = p.a;
  support::crew crew;
  std::atomic<bool> told = false;
  crew.go([&] {
    CHECK(is_bad_descriptor(io::wait_readable(number)));
    told = true;
  });
  CHECK(await_parked(wait_reason::io_wait, 1));
  CHECK(::dup2(q.a, number) == number);
  crew.go([&] { CHECK(io::wait_readable(number) == nil); });
  CHECK(eventually([&] { return told.load(); }));
  put(q.b);
}

PLAIN_TEST("plain threads wait, too, without a run() and beside one") {
  foreign_pair p(sockets);
  std::thread reader([&] {
    CHECK(io::wait_readable(p.a) == nil);
    CHECK(take(p.a) == 'x');
    auto [ctx, cancel] = context::with_timeout(context::background(), 5ms);
    CHECK(io::wait_readable(p.a, ctx).timeout());
    cancel();
  });
  std::this_thread::sleep_for(1ms);
  put(p.b);
  reader.join();
  run_each([&](auto in_run) {
    std::thread waiting([&] { CHECK(io::wait_readable(p.a) == nil); });
    in_run([&] {
      support::crew crew;
      crew.go([&] { CHECK(io::wait_readable(p.a) == nil); });
      runtime::gosched();
      put(p.b);
      runtime::blocking([&] { waiting.join(); });  // nobody looks at events once main has returned
    });
    CHECK(take(p.a) == 'x');
  });
}

PLAIN_TEST("fibers that were abandoned while they waited are in nobody's way in a later run()") {
  if (polls_by_asio()) {
    return;  // there each has a copy of the descriptor, which stays open, as all that an abandoned fiber owns
  }
  foreign_pair p;
  run_each([&](auto in_run) {
    in_run([&] {
      for (int i = 0; i < 3; ++i) {
        go([&] { static_cast<void>(io::wait_readable(p.a)); });
      }
      CHECK(await_parked(wait_reason::io_wait, 3));
    });
    in_run([&] {
      support::crew crew;
      crew.go([&] { CHECK(io::wait_readable(p.a) == nil); });
      CHECK(await_parked(wait_reason::io_wait, 1));
      put(p.b);
      crew.join();
      CHECK(take(p.a) == 'x');
    });
  });
}
FIBER_TEST("an eventfd and an epoll set are waited for as all else") {
  const int counter = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event e{};
  e.events = EPOLLIN;
  CHECK(::epoll_ctl(set, EPOLL_CTL_ADD, counter, &e) == 0);
  support::crew crew;
  for (const int fd : {counter, set}) {
    crew.go([fd] { CHECK(io::wait_readable(fd) == nil); });
  }
  CHECK(await_parked(wait_reason::io_wait, 2));
  const std::uint64_t one = 1;
  CHECK(::write(counter, &one, sizeof one) == sizeof one);
  crew.join();
  ::close(set);
  ::close(counter);
}

FIBER_TEST("what never blocks is always ready: files, directories, /dev/null") {
  for (const char* const path : {"/proc/self/exe", "/", "/dev/null", "/dev/zero"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    const auto [r, err] = io::wait_ready(fd, to_do_both);
    CHECK(err == nil);
    CHECK(r.readable);
    CHECK(r.writable);
    CHECK(!r.failed);
    CHECK(io::wait_readable(fd) == nil);
    ::close(fd);
  }
}

FIBER_TEST("a number that is no open descriptor fails with the kernel's error, nothing to wait for as well") {
  CHECK(is_bad_descriptor(io::wait_readable(-1)));
  CHECK(is_bad_descriptor(io::wait_writable(-7)));
  CHECK(is_bad_descriptor(io::wait_readable(1'000'000'000)));
  foreign_pair p;
  const int number = p.a;
  p.close_a();
  CHECK(is_bad_descriptor(io::wait_readable(number)));
  CHECK(is_bad_descriptor(io::wait_ready(number, to_do_both).second));
  const auto [r, err] = io::wait_ready(p.b, {});
  CHECK(err.text() == "poll: invalid argument");
  CHECK(errors::is(err, std::errc::invalid_argument));
}

FIBER_TEST("a wait needs no descriptor of its own; with the portable poller it fails where there is none") {
  foreign_pair p;
  support::crew waiting;
  {
    const few_descriptors none(0);
    waiting.go([&] {
      const error err = io::wait_readable(p.a);
      CHECK((polls_by_asio() ? errors::is(err, std::errc::too_many_files_open) : err == nil));
    });
    if (!polls_by_asio()) {
      CHECK(await_parked(wait_reason::io_wait, 1));
      put(p.b);
    }
    waiting.join();
  }
}
