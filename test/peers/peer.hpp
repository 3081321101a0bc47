// peer: programs that we did not write, each started by a test on a free place, and ended by it.
#pragma once

#include <stdlib.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/net.hpp>
#include <gossamer/os/command.hpp>
#include <gossamer/os/file.hpp>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fiber_test.hpp"

namespace peers {

// A directory that goes with its owner, and all that is in it.
class folder {
 public:
  folder() : path_(std::filesystem::temp_directory_path() / "gossamer-peer-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error("no directory can be made: " + path_);
    }
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path_); }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// A port of loopback that nobody has now, and that no earlier call in this process has returned: the kernel may offer
// one again as soon as it is closed, before the server that it was meant for has it.
inline std::string free_port() {
  static std::mutex guard;
  static std::set<std::string> returned;
  for (;;) {
    const auto [l, err] = gossamer::net::listen("tcp", "127.0.0.1:0");
    CHECK(err == gossamer::nil);
    const std::string port = std::to_string(l.addr().port());
    l.close();
    const std::scoped_lock hold(guard);
    if (err || returned.insert(port).second) {
      return port;
    }
  }
}

// A program at work. What it says goes into a file, which is shown where something is wrong.
class peer {
 public:
  template <class... Args>
  explicit peer(const std::string& name, const Args&... args) : command_(name, args...) {
    const auto [log, problem] = gossamer::os::create(log_);
    CHECK(problem == gossamer::nil);
    command_.out = log;
    command_.err = log;
    const gossamer::error err = command_.start();
    CHECK(err == gossamer::nil);
    running_ = !err;
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  ~peer() { kill(); }

  // By SIGKILL, in the midst of whatever it is at. Returns once it is gone.
  void kill() {
    if (running_) {
      CHECK(command_.kill() == gossamer::nil);
      CHECK(command_.wait().text() == "signal: killed");
      running_ = false;
    }
  }

  // As it is asked to by that signal; returns once it is gone. It must exit with 0.
  void end(int how) {
    if (running_) {
      CHECK(command_.signal(gossamer::os::signal(how)) == gossamer::nil);
      CHECK(command_.wait() == gossamer::nil);
      running_ = false;
    }
  }

  // Waits until it takes connections there.
  bool serves(std::string_view network, std::string_view place) {
    const auto limit = gossamer::time::now() + support::patience;
    while (gossamer::time::now() < limit) {
      if (const auto [c, err] = gossamer::net::dial(network, place); !err) {
        c.close();
        return true;
      }
      gossamer::time::sleep(std::chrono::milliseconds(2));
    }
    FAIL_CHECK("nobody serves " << place << ": " << gossamer::os::read_file(log_).first);
    return false;
  }

 private:
  folder room_;
  std::string log_ = room_ / "log";
  gossamer::os::command command_;
  bool running_ = false;
};

}  // namespace peers
