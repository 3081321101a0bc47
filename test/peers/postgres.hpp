// postgres: a database server, on a port of loopback and on a unix socket. The data is made once in a process, and lost
// at its end.
#pragma once

#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/os/command.hpp>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "../../samples/pq.hpp"
#include "fiber_test.hpp"
#include "peer.hpp"

namespace peers {

class postgres {
 public:
  postgres() { start(); }
  postgres(const postgres&) = delete;
  postgres& operator=(const postgres&) = delete;
  // In order: one that is killed leaves a piece of shared memory for the next that starts on the same data.
  ~postgres() { its_->end(SIGINT); }

  void start() {
    const std::vector<std::string> words{"postgres",
                                         "-D",
                                         room() / "data",
                                         "-k",
                                         room().path(),
                                         "-p",
                                         port_,
                                         "-c",
                                         "listen_addresses=127.0.0.1",
                                         "-c",
                                         "fsync=off",
                                         "-c",
                                         "max_connections=150",
                                         "-c",
                                         "dynamic_shared_memory_type=mmap"};
    its_.emplace(first_of(words), rest_of(words));
    CHECK(its_->serves("unix", room() / (".s.PGSQL." + port_)));
    // It takes connections before it lets anybody in.
    CHECK(support::eventually([this] { return !pq::connection::connect(about().c_str()).second; }));
  }
  // With all that serves its connections.
  void kill() {
    const int segment = shared_memory();
    its_->kill();
    // Its own processes notice a little later, and until then no other starts on the same data.
    CHECK(support::eventually([&] {
      shmid_ds s{};
      return ::shmctl(segment, IPC_STAT, &s) != 0 || s.shm_nattch == 0;
    }));
  }

  const std::string& port() const noexcept { return port_; }
  // Where its unix socket is.
  static const std::string& place() { return room().path(); }
  // For libpq.
  std::string about() const { return "host=" + place() + " port=" + port_ + " user=test dbname=postgres"; }

 private:
  // The number of the piece that says whether anybody works on the data. It stands in the seventh line, behind its key.
  static int shared_memory() {
    std::ifstream about(room() / "data/postmaster.pid");
    std::string line;
    for (int i = 0; i < 7; ++i) {
      std::getline(about, line);
    }
    long key = 0;
    int number = -1;
    std::istringstream(line) >> key >> number;
    CHECK(number >= 0);
    return number;
  }

  // It refuses to be root's: then it is started by a program that makes it nobody's.
  static bool as_nobody() noexcept { return ::geteuid() == 0; }
  static std::string first_of(const std::vector<std::string>& words) { return as_nobody() ? "setpriv" : words.front(); }
  static std::vector<std::string> rest_of(std::vector<std::string> words) {
    if (as_nobody()) {
      words.insert(words.begin(), {"--reuid=nobody", "--regid=nogroup", "--clear-groups"});
    } else {
      words.erase(words.begin());
    }
    return words;
  }

  static const folder& room() {
    static const folder made;
    static gossamer::sync::once filled;
    filled.do_([] {
      if (as_nobody()) {
        CHECK(gossamer::os::command("chown", "nobody", made.path()).run() == gossamer::nil);
      }
      const std::vector<std::string> words{"initdb", "-D", made / "data", "-U",         "test",     "-A",
                                           "trust",  "-E", "UTF8",        "--locale=C", "--no-sync"};
      const auto [said, err] = gossamer::os::command(first_of(words), rest_of(words)).combined_output();
      CHECK_MESSAGE(err == gossamer::nil, said);
    });
    return made;
  }

  std::string port_ = free_port();
  std::optional<peer> its_;
};

}  // namespace peers
