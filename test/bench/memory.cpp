// What a parked fiber costs: bytes of memory, the time to make it and the time to wake it.
#include <sys/mman.h>
#include <gossamer/gossamer.hpp>

#include <cstdio>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

struct parked_figures {
  double bytes, create_ms, wake_ms;
};

parked_figures park_and_wake(long fibers, double bytes_before) {
  const auto ch = make_chan<int>();
  sync::wait_group started, over;
  started.add(static_cast<int>(fibers));
  over.add(static_cast<int>(fibers));
  const auto create = clock::now();
  for (long i = 0; i < fibers; ++i) {
    go([&] {
      started.done();
      ch.recv();
      over.done();
    });
  }
  started.wait();
  runtime::gosched();  // the last one may still be on its way to park
  const double create_ms = milliseconds_since(create);
  const double bytes = memory_bytes() - bytes_before;
  const auto wake = clock::now();
  for (long i = 0; i < fibers; ++i) {
    ch << 1;
  }
  over.wait();
  return {bytes, create_ms, milliseconds_since(wake)};
}

// On a virtual machine the first touch of a page costs ten times as much while the host has not backed it yet, and the
// host takes back what lies unused for seconds. So all that will be needed is touched and given back first, here as on
// Go's side: what is timed is the runtime and the guest's kernel.
void have_the_host_back(std::size_t bytes) {
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    return;
  }
  ::madvise(p, bytes, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < bytes; i += 4096) {
    static_cast<volatile char*>(p)[i] = 1;
  }
  ::munmap(p, bytes);
}

// The bytes are counted from before the warm-up, so that they hold all that the fibers brought with them.
figure parked(long fibers) {
  have_the_host_back(static_cast<std::size_t>(fibers) * 5000);
  const double before = memory_bytes();
  park_and_wake(fibers / 100 + 1, before);
  const parked_figures f = park_and_wake(fibers, before);
  char extra[100];
  std::snprintf(extra, sizeof extra, "create_ms=%.1f wake_ms=%.1f", f.create_ms, f.wake_ms);
  return {f.bytes / static_cast<double>(fibers), extra};
}

constexpr row rows[] = {
    {"parked_256k", "B/fiber", 1'000'000, 0, parked, 256 << 10},
    {"parked_64k", "B/fiber", 1'000'000, 0, parked, 64 << 10},
};

}  // namespace

std::span<const row> memory_rows() { return rows; }

}  // namespace bench
