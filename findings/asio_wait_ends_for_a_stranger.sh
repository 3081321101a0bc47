#!/usr/bin/env bash
# Asio: async_wait() of a new descriptor ends with success though nothing has come, where another one was released while
# its event was in the reactor's hand.
#
# Expected: async_wait(wait_read) completes without an error when a read would not block.
# Seen with Boost.Asio 1.81 (libboost1.81-dev 1.81.0-5+deb12u1), and the same with standalone Asio 1.22.1 and
# Boost.Asio 1.83; Linux 6.18, one thread: two pipes become readable at once, so that one epoll_wait() reports both. The
# handler of the first one releases the second and watches a third pipe, which is empty. The third takes over the
# reactor's state of the second, for which an event stands in the queue: that event ends the wait. A read says EAGAIN.
#
#   waits ended: 1 of the two that were written to, 1 of the empty pipe (Success)
#   read from the empty pipe: Resource temporarily unavailable
#
# So what a wait says is a hint: try, and wait again. Exit code 0 if it is still so, 1 if not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 . # apt reads as its own user
apt-get download -qq libboost1.81-dev=1.81.0-5+deb12u1
dpkg -x libboost1.81-dev_*.deb .
cat >wait.cpp <<'C'
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

using boost::asio::posix::stream_descriptor;
using error = boost::system::error_code;

int main() {
  int one[2], two[2], three[2];
  if (pipe2(one, O_NONBLOCK) != 0 || pipe2(two, O_NONBLOCK) != 0 || pipe2(three, O_NONBLOCK) != 0) {
    return 2;
  }
  boost::asio::io_context context(1);
  stream_descriptor first(context, one[0]);
  stream_descriptor second(context, two[0]);
  stream_descriptor empty(context);
  int written = 0;
  int ended = 0;
  error how;
  const auto replace = [&](stream_descriptor& other) {
    if (++written == 1) {
      other.release();
      empty.assign(three[0]);
      empty.async_wait(stream_descriptor::wait_read, [&](error e) {
        ++ended;
        how = e;
      });
    }
  };
  first.async_wait(stream_descriptor::wait_read, [&](error e) {
    if (!e) {
      replace(second);
    }
  });
  second.async_wait(stream_descriptor::wait_read, [&](error e) {
    if (!e) {
      replace(first);
    }
  });
  if (write(one[1], "x", 1) != 1 || write(two[1], "x", 1) != 1) {
    return 2;
  }
  context.run_for(std::chrono::milliseconds(500));
  char c;
  const long n = read(three[0], &c, 1);
  std::printf("waits ended: %d of the two that were written to, %d of the empty pipe (%s)\n", written, ended,
              how.message().c_str());
  std::printf("read from the empty pipe: %s\n", n < 0 ? std::strerror(errno) : "something");
  return written == 1 && ended == 1 && !how && n < 0 ? 0 : 1;
}
C
g++ -std=c++20 -O1 -I usr/include wait.cpp -o wait -pthread
./wait
