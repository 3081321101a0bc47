// safe_map: a map of any types for many fibers: readers side by side, writers alone.
// Pattern: the generic map with a sync.RWMutex, since Go 1.18. Where keys are written once and read often: sync::map.
//
//   $ tools/dev run safe_map
//   100 keys, the square of 7 is 49
//   8 is gone
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

using namespace gossamer;

template <class K, class V>
class safe_map {
 public:
  void set(const K& key, V value) {
    std::unique_lock lock(mu_);
    map_.insert_or_assign(key, std::move(value));
  }
  // A copy: a reference would be used without the lock.
  std::optional<V> get(const K& key) const {
    std::shared_lock lock(mu_);
    auto at = map_.find(key);
    return at != map_.end() ? std::optional(at->second) : std::nullopt;
  }
  void erase(const K& key) {
    std::unique_lock lock(mu_);
    map_.erase(key);
  }
  std::size_t size() const {
    std::shared_lock lock(mu_);
    return map_.size();
  }

 private:
  mutable sync::rw_mutex mu_;
  std::unordered_map<K, V> map_;
};

int main() {
  return run([] {
    safe_map<int, long> squares;
    sync::wait_group wg;
    for (int i = 0; i < 100; ++i) wg.go([=, &squares] { squares.set(i, long{i} * i); });
    wg.wait();
    std::printf("%zu keys, the square of 7 is %ld\n", squares.size(), *squares.get(7));
    squares.erase(8);
    if (!squares.get(8)) std::puts("8 is gone");
  });
}
