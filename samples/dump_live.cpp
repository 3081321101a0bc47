// dump_live: which fibers there are, and what each is blocked on, while the program runs.
//
//   $ tools/dev run dump_live
//   fiber 1 [running]:
//   ...
//   fiber * "consumer" [chan receive] {shard: 7}:
//   ...
//   created by *
//   ...
//   consumer waits on a chan with 0 of 4 values, spawned by fiber 1
//   2 fibers, 1 of them waiting
//   $ echo $?
//   0
#include <gossamer/debug.hpp>
#include <gossamer/gossamer.hpp>
#include <iostream>

using namespace gossamer;

int main() {
  return run([] {
    auto jobs = make_chan<int>(4);
    debug::with_labels({{"shard", "7"}}, [&] {
      go(fiber_options{.name = "consumer"}, [=] {
        for (int job : jobs) std::cout << job << '\n';
      });
    });
    while (runtime::num_fibers(runtime::status::waiting) == 0) runtime::gosched();

    debug::dump(stdout);  // Go's text; also as JSON, for pprof, for flame graphs

    for (const auto& f : debug::fibers({.reason = "chan receive"})) {
      std::cout << f.name << " waits on a " << f.object.kind << " with " << f.object.len << " of " << f.object.cap
                << " values, spawned by fiber " << f.parent << '\n';
    }
    std::cout << runtime::num_fibers() << " fibers, " << runtime::num_fibers(runtime::status::waiting)
              << " of them waiting\n";
    close(jobs);
  });
}
