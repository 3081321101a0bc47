// micro: one measurement a process. usage: micro ROW WORKERS [SIZE]; `micro list` names the rows.
// Prints one line: ROW WORKERS VALUE UNIT [KEY=VALUE...]. test/bench/bench.py runs it beside Go's side.
#include <gossamer/gossamer.hpp>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "rows.hpp"

namespace {

using bench::row;

template <class Visit>
void each_row(Visit visit) {
  for (const auto rows :
       {bench::switching_rows(), bench::channel_rows(), bench::selecting_rows(), bench::lock_rows(),
        bench::shared_rows(), bench::sleep_rows(), bench::grouping_rows(), bench::looking_rows(), bench::socket_rows(),
        bench::memory_rows(), bench::parallel_rows(), bench::scanning_rows(), bench::routing_rows()}) {
    for (const row& r : rows) {
      visit(r);
    }
  }
}

// 0 if it is not a positive number.
long positive(std::string_view text) {
  long n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1) {
    return 0;
  }
  return n;
}

void run_row(const row& r, int workers, long size) {
  gossamer::options how{.procs = workers};
  if (r.stack_bytes != 0) {
    how.stack_bytes = r.stack_bytes;
  }
  gossamer::run(
      [&] {
        if (r.warm != 0) {
          r.measure(r.warm < size ? r.warm : size);
        }
        const bench::figure f = r.measure(size);
        std::printf("%s %d %.5g %s %s\n", r.name, workers, f.value, r.unit, f.extra.c_str());
      },
      how);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
    each_row([](const row& r) { std::puts(r.name); });
    return 0;
  }
  const std::string_view name = argc >= 3 ? argv[1] : "";
  const long workers = argc >= 3 ? positive(argv[2]) : 0;
  const long size = argc == 4 ? positive(argv[3]) : 0;
  const row* chosen = nullptr;
  each_row([&](const row& r) { chosen = r.name == name ? &r : chosen; });
  if (chosen == nullptr || workers == 0 || workers > 256 || argc > 4 || (argc == 4 && size == 0)) {
    std::fputs("usage: micro ROW WORKERS [SIZE], or micro list for the names of the rows\n", stderr);
    return 2;
  }
  run_row(*chosen, static_cast<int>(workers), size != 0 ? size : chosen->size);
  return 0;
}
