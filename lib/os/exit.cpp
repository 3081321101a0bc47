// exit: see gossamer/os.hpp.
// Source: Go's os.Exit. Rejected: std::exit(), which waits until all fibers stand still, a second at most, and runs
// destructors that may need them.
#include "base/fatal.hpp"
#include "gossamer/os.hpp"

namespace gossamer::inline v0::os {

void exit(int code) noexcept {
  base::give_way_to_report();
  base::quit(code);
}

}  // namespace gossamer::inline v0::os
