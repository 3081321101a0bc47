// curl through the proxy sample to nginx: several transfers at the same time, both ways.
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/command.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "net_pair.hpp"
#include "nginx.hpp"
#include "peer.hpp"

using namespace gossamer;
using namespace peers;

namespace {

// The sample: PROXY names its executable.
class proxy {
 public:
  explicit proxy(const std::string& to)
      : its_(sample(), "--addr", "127.0.0.1:0", "--to", to), out_(its_.out_pipe().first) {
    CHECK(its_.start() == nil);
    const std::string line = io::buffered_reader(out_).read_line().first;
    constexpr std::string_view before = "listening on ";
    CHECK(line.starts_with(before));
    place_ = line.substr(std::min(before.size(), line.size()));
  }
  const std::string& place() const noexcept { return place_; }

  // Ends it in order; what it says to that.
  std::string end() {
    CHECK(its_.signal(os::signal(SIGTERM)) == nil);
    const auto [said, err] = io::read_all(out_);
    CHECK(err == nil);
    CHECK(its_.wait() == nil);
    return said;
  }

 private:
  static std::string sample() {
    const char* const path = std::getenv("PROXY");
    CHECK(path != nullptr);
    return path != nullptr ? path : "";
  }

  os::command its_;
  os::file out_;
  std::string place_;
};

std::string body_of(unsigned i) { return support::pattern(3'000'000 + i, i); }

}  // namespace

FIBER_TEST("curl: through the proxy come and go several files of megabytes at the same time") {
  constexpr unsigned files = 4;
  const nginx server;
  for (unsigned i = 0; i < files; ++i) {
    server.add(std::to_string(i), body_of(i));
  }
  proxy between(server.place());
  std::atomic<int> wrong = 0;
  {
    support::crew crew;
    for (unsigned i = 0; i < files; ++i) {
      const std::string name = std::to_string(i);
      crew.go([&, i, name] {
        const std::string place = "http://" + between.place();
        os::command curl("curl", "-sS", "--fail", place + "/" + name, place + "/chunked/" + name);
        const auto [got, err] = curl.output();
        wrong += err == nil && got == body_of(i) + body_of(i) ? 0 : 1;
      });
      crew.go([&, i, name] {
        io::string_reader body(body_of(i));
        os::command curl("curl", "-sS", "--fail", "-T", "-", "http://" + between.place() + "/put/" + name);
        curl.in = &body;
        wrong += curl.run() == nil && server.put(name) == body_of(i) ? 0 : 1;
      });
    }
  }
  CHECK(wrong == 0);
  const std::string said = between.end();
  CHECK(said.starts_with("ended: 8 connections, "));
}
