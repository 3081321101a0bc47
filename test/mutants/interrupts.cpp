// Plain threads that start fibers while the worker that has the watch is about to wait in Asio's io_context. Kills: a
// waker that does not interrupt the poller, and a worker that waits there without having looked whether it was woken.
#include <atomic>

#include "check.hpp"
#include "gossamer/asio.hpp"

namespace {

using namespace gossamer;

constexpr int rounds = 20'000;

void start_fibers(int procs) {
  runtime::max_procs(procs);
  base::rng r(7);
  std::atomic<int> ran{-1};
  for (int i = 0; i < rounds; ++i) {
    go([&ran, i] { ran = i; });
    const auto limit = check::clock::now() + 10s;
    for (detail::spin_wait spin; ran != i; spin.once()) {
      check::expect(check::clock::now() < limit, "what comes from outside is run while a worker waits for events");
    }
    for (std::uint32_t n = r.below(r.below(8) == 0 ? 400 : 40); n != 0; --n) {
      detail::cpu_relax();
    }
  }
}

}  // namespace

int main() {
  runtime::io_context();
  start_fibers(1);
  start_fibers(2);
}
