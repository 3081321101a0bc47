// config_cache: many read a configuration that is seldom replaced. A reader keeps the one that it has got, whole, while
// the next is put in its place.
// Pattern: a cache with a sync.RWMutex, as in many Go servers.
//
//   $ tools/dev run config_cache
//   version 3 at https://v3.example
//   no reader saw a mixture
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

using namespace gossamer;

struct config {
  int version;
  std::string url;
};

class config_cache {
 public:
  std::shared_ptr<const config> get() const {
    std::shared_lock lock(mu_);
    return current_;
  }
  void reload(int version) {
    // Made before the lock is taken, so that no reader waits for it.
    auto next = std::make_shared<const config>(config{version, "https://v" + std::to_string(version) + ".example"});
    std::unique_lock lock(mu_);
    current_.swap(next);
  }

 private:
  mutable sync::rw_mutex mu_;
  std::shared_ptr<const config> current_ = std::make_shared<const config>(config{0, "https://v0.example"});
};

int main() {
  return run([] {
    config_cache cache;
    std::atomic<bool> mixture = false;
    sync::wait_group wg;
    for (int i = 0; i < 8; ++i) {
      wg.go([&] {
        for (int n = 0; n < 100; ++n) {
          auto c = cache.get();
          if (c->url != "https://v" + std::to_string(c->version) + ".example") mixture = true;
          runtime::gosched();
        }
      });
    }
    for (int version = 1; version <= 3; ++version) {
      cache.reload(version);
      runtime::gosched();
    }
    wg.wait();
    std::printf("version %d at %s\n", cache.get()->version, cache.get()->url.c_str());
    std::puts(mixture ? "A READER SAW A MIXTURE" : "no reader saw a mixture");
  });
}
