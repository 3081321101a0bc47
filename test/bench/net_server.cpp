// net_server: the server of the network benchmarks. usage: net_server [-m echo|sink|source|file|udp] [-p PORT]
// [-w WORKERS] [-b BYTES] [-hog MICROSECONDS] [-dl 1]; Go's side is go_net/main.go.
#include <fcntl.h>
#include <unistd.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/file.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace gossamer;

struct settings {
  std::string mode = "echo";
  std::string address = "0.0.0.0:9000";
  int workers = 1;
  std::size_t bytes = 4096;
  std::chrono::microseconds hog{0};
  bool deadlines = false;
};
settings set;

// The buffer lies on the stack: a connection that waits costs the one page that its fiber costs anyway.
template <std::size_t Bytes>
void echo(const net::conn& c) {
  std::array<char, Bytes> room;
  for (;;) {
    if (set.deadlines) {
      c.set_read_deadline(time::now() + 5s);
    }
    const auto [n, err] = c.read(room);
    if (err || c.write(std::string_view(room.data(), static_cast<std::size_t>(n))).second) {
      return;
    }
  }
}

void sink(const net::conn& c) {
  std::vector<char> room(65536);
  while (!c.read(room).second) {
  }
}

void source(const net::conn& c) {
  const std::vector<char> room(65536);
  while (!c.write(room).second) {
  }
}

// A file of 1 GB, all of it in the page cache.
os::file large_file() {
  char path[] = "/tmp/bench-file-XXXXXX";
  const os::file f = os::new_file(::mkstemp(path), path);
  ::unlink(path);
  const std::vector<char> room(1 << 20, 'x');
  for (int i = 0; i < 1024; ++i) {
    f.write(room);
  }
  return f;
}
os::file large;

// For one connection.
void send_file(const net::conn& c) {
  do {
    large.seek(0, os::seek_from::start);
  } while (!io::copy(c, large).second);
}

// What several peers send is answered in batches.
int echo_datagrams() {
  const auto [c, err] = net::listen_packet("udp4", set.address);
  if (err) {
    std::fprintf(stderr, "net_server: %s\n", err.text().c_str());
    return 1;
  }
  std::fputs("ready\n", stderr);
  constexpr std::size_t most = 64;
  std::vector<std::array<std::byte, 2048>> room(most);
  std::vector<net::in_message> in(most);
  std::vector<net::out_message> out(most);
  for (std::size_t i = 0; i < most; ++i) {
    in[i].to = room[i];
  }
  for (;;) {
    const auto [n, problem] = c.read_batch(in);
    if (problem) {
      return 1;
    }
    for (std::size_t i = 0; i < n; ++i) {
      out[i].from = std::span(room[i]).first(in[i].n);
      out[i].to = in[i].from;
    }
    c.write_batch(std::span(out).first(n));
  }
}

void hog() {
  for (;;) {
    for (const auto start = time::now(); time::since(start) < set.hog;) {
    }
    runtime::gosched();
  }
}

int serve() {
  if (set.mode == "udp") {
    return echo_datagrams();
  }
  const auto [listener, err] = net::listen("tcp4", set.address);
  if (err) {
    std::fprintf(stderr, "net_server: %s\n", err.text().c_str());
    return 1;
  }
  if (set.mode == "file") {
    large = large_file();
  }
  if (set.hog.count() > 0) {
    go(hog);
  }
  std::fputs("ready\n", stderr);
  const auto echo_any = set.bytes <= 1024 ? echo<1024> : echo<4096>;
  const auto work = set.mode == "echo" ? echo_any : set.mode == "sink" ? sink : set.mode == "file" ? send_file : source;
  for (;;) {
    const auto [c, problem] = listener.accept();
    if (problem) {
      std::fprintf(stderr, "net_server: %s\n", problem.text().c_str());
      return 1;
    }
    go([c = c, work] {
      work(c);
      c.close();
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const int n = std::atoi(argv[i + 1]);
    if (key == "-m") {
      set.mode = argv[i + 1];
    } else if (key == "-p") {
      set.address = "0.0.0.0:" + std::to_string(n);
    } else if (key == "-w") {
      set.workers = n;
    } else if (key == "-b") {
      set.bytes = static_cast<std::size_t>(n);
    } else if (key == "-hog") {
      set.hog = std::chrono::microseconds(n);
    } else if (key == "-dl") {
      set.deadlines = n != 0;
    }
  }
  return run(serve, {.procs = set.workers});
}
