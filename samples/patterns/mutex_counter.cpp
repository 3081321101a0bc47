// mutex_counter: counters behind a mutex. std::scoped_lock unlocks it however the scope ends.
// Pattern: sync.Mutex, A Tour of Go.
//
//   $ tools/dev run mutex_counter
//   somekey: 1000
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <map>
#include <mutex>
#include <string>

using namespace gossamer;

class safe_counter {
 public:
  void inc(const std::string& key) {
    std::scoped_lock lock(mu_);
    ++counts_[key];
  }
  int value(const std::string& key) {
    std::scoped_lock lock(mu_);
    return counts_[key];
  }

 private:
  sync::mutex mu_;  // not std::mutex: waiting for it would block the worker's thread
  std::map<std::string, int> counts_;
};

int main() {
  return run([] {
    safe_counter c;
    sync::wait_group wg;
    for (int i = 0; i < 1000; ++i) wg.go([&] { c.inc("somekey"); });
    wg.wait();
    std::printf("somekey: %d\n", c.value("somekey"));
  });
}
