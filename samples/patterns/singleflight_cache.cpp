// singleflight_cache: many miss the cache at the same time for the same key: one of them loads, the others share what
// it gets.
// Pattern: golang.org/x/sync/singleflight, from groupcache, Brad Fitzpatrick, 2013.
//
//   $ tools/dev run singleflight_cache
//   100 requests for 4 pages, 4 loads
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <string>
#include <utility>

using namespace gossamer;

class page_cache {
 public:
  std::pair<std::string, error> get(const std::string& url) {
    if (auto page = pages_.load(url)) return {*page, nil};
    auto [page, err, shared] = flights_.do_(url, [&]() -> std::pair<std::string, error> {
      // Another flight may have landed since the look above.
      if (auto page = pages_.load(url)) return {*page, nil};
      runtime::gosched();  // the network
      ++loads;
      std::string text = "<p>" + url;
      pages_.store(url, text);
      return {text, nil};
    });
    return {page, err};
  }

  std::atomic<int> loads = 0;

 private:
  sync::map<std::string, std::string> pages_;
  singleflight::group<std::string, std::string> flights_;
};

int main() {
  return run([] {
    page_cache cache;
    std::atomic<int> good = 0;
    sync::wait_group wg;
    for (int i = 0; i < 100; ++i) {
      wg.go([=, &cache, &good] {
        const std::string url = "/" + std::to_string(i % 4);
        auto [page, err] = cache.get(url);
        if (!err && page == "<p>" + url) ++good;
      });
    }
    wg.wait();
    std::printf("%d requests for 4 pages, %d loads\n", good.load(), cache.loads.load());
  });
}
