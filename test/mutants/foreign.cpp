// Descriptors that belong to others, whose numbers become other files' between two waits. Kills: an event of the old
// file that is taken for the new one's, one who waits for a file that has gone and is not told, a way that is not
// armed.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <gossamer/io.hpp>
#include <string>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

struct sockets {
  int a = -1;
  int b = -1;
  sockets() {
    int both[2];
    expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0, "there are sockets");
    a = both[0];
    b = both[1];
  }
  sockets(const sockets&) = delete;
  sockets& operator=(const sockets&) = delete;
  ~sockets() {
    ::close(a);
    ::close(b);
  }
};

void put(int fd, char c) { expect(::write(fd, &c, 1) == 1, "a byte can be written"); }
char take(int fd) {
  char c = 0;
  return ::read(fd, &c, 1) == 1 ? c : '\0';
}

// Until all that run have parked.
void settle() { time::sleep(2ms); }

// What the old file says, which has been waited for in vain, comes before what the new one does.
void old_events() {
  sockets old, young, later;
  const int number = ::dup(old.a);
  auto [ctx, cancel] = context::with_timeout(context::background(), 1ms);
  expect(io::wait_readable(number, ctx) != nil, "a context ends a wait");
  cancel();
  expect(::dup2(young.a, number) == number, "a number becomes another file's");
  sync::wait_group both;
  both.go([&] {
    expect(io::wait_readable(number) == nil, "a wait ends");
    expect(take(number) == 'y', "a wait is ended by its own file");
  });
  both.go([&] { expect(io::wait_readable(later.a) == nil, "a wait ends"); });
  settle();
  put(old.b, 'o');
  put(later.b, 'l');
  settle();
  put(young.b, 'y');
  both.wait();
  ::close(number);
}

void gone_files() {
  sockets old, young;
  const int number = ::dup(old.a);
  sync::wait_group both;
  both.go([&] { expect(io::wait_readable(number) != nil, "who waits for a file that has gone is told"); });
  settle();
  expect(::dup2(young.a, number) == number, "a number becomes another file's");
  both.go([&] { expect(io::wait_readable(number) == nil, "a wait ends"); });
  settle();
  put(young.b, 'y');
  both.wait();
  ::close(number);
}

void both_ways() {
  sockets s;
  const std::string much(1 << 16, 'x');
  while (::write(s.a, much.data(), much.size()) > 0) {
  }
  sync::wait_group reader, writer;
  reader.go([&] {
    auto [ctx, cancel] = context::with_timeout(context::background(), 5s);
    expect(io::wait_readable(s.a, ctx) == nil, "who reads is told, though another waits to write");
    cancel();
  });
  settle();
  writer.go([&] { expect(io::wait_writable(s.a) == nil, "a wait ends"); });
  settle();
  put(s.b, 'r');
  reader.wait();
  std::string room(1 << 16, '\0');
  while (::read(s.b, room.data(), room.size()) > 0) {
  }
  writer.wait();
}

}  // namespace

int main() {
  return run(
      [] {
        for (int i = 0; i < 10; ++i) {
          old_events();
          gone_files();
          both_ways();
        }
        return 0;
      },
      {.procs = 2});
}
