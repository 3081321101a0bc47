// once_error: what is made when it is first needed, and once only. If that fails, all who ask get the same error.
// Pattern: lazy initialisation with sync.Once; sync.OnceValues since Go 1.21.
//
//   $ tools/dev run once_error
//   dialling db.example
//   10 callers: connection refused
//   reading the zone file
//   10 callers: UTC+1
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <string>
#include <utility>

using namespace gossamer;

// With a sync::once, the error kept beside it.
class connection {
 public:
  error open() {
    once_.do_([this] {
      std::puts("dialling db.example");
      err_ = errors::make("connection refused");
    });
    return err_;
  }

 private:
  sync::once once_;
  error err_;  // written in do_(), and read behind it
};

int main() {
  return run([] {
    connection db;
    std::atomic<int> refused = 0, told = 0;
    sync::wait_group wg;
    for (int i = 0; i < 10; ++i) {
      wg.go([&] {
        if (db.open()) ++refused;
      });
    }
    wg.wait();
    std::printf("%d callers: %s\n", refused.load(), db.open().text().c_str());

    // The same as a function, which keeps what it has returned.
    auto zone = sync::once_values([] {
      std::puts("reading the zone file");
      return std::pair<std::string, error>("UTC+1", nil);
    });
    for (int i = 0; i < 10; ++i) {
      wg.go([&] {
        auto [name, err] = zone();
        if (!err) ++told;
      });
    }
    wg.wait();
    std::printf("%d callers: %s\n", told.load(), zone().first.c_str());
  });
}
