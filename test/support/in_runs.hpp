// in_runs: objects that outlive a run().
#pragma once

#include <gossamer/gossamer.hpp>

namespace support {

// Calls body(in_run) for several numbers of workers; in_run(main) is a run() with as many.
template <class F>
void run_each(F body) {
  for (const int procs : {1, 2, 8, 32}) {
    body([procs](auto main) { gossamer::run(main, {.procs = procs}); });
  }
}

}  // namespace support
