// errgroup_unique_index: a task for each input, and each writes to the place in the results that is its own: they are
// in order, and no lock is needed.
// Pattern: the parallel example in the documentation of golang.org/x/sync/errgroup.
//
//   $ tools/dev run errgroup_unique_index
//   web: 3
//   image: 5
//   video: 5
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace gossamer;

std::pair<std::vector<std::size_t>, error> search(const std::vector<std::string>& kinds) {
  std::vector<std::size_t> results(kinds.size());
  errgroup::group g;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    g.go([i, &kinds, &results]() -> error {  // references: wait() comes before their end
      if (kinds[i].empty()) return errors::make("nothing to search for");
      results[i] = kinds[i].size();
      return nil;
    });
  }
  if (error err = g.wait()) return {{}, err};
  return {results, nil};
}

int main() {
  return run([] {
    const std::vector<std::string> kinds{"web", "image", "video"};
    auto [results, err] = search(kinds);
    for (std::size_t i = 0; i < results.size(); ++i) std::printf("%s: %zu\n", kinds[i].c_str(), results[i]);
  });
}
