// fibers_left: holds a sample to the number of fibers that it may leave behind when its main returns. Samples are
// compiled with run_main renamed to run_main_counted, and so say nothing of it themselves. The variable FIBERS_LEFT has
// the number; where it is not set nothing is counted.
#include <gossamer/detail/spawn.hpp>
#include <gossamer/runtime.hpp>
#include <gossamer/time.hpp>

#include <cstdio>
#include <cstdlib>

namespace gossamer::inline v0::detail {

GOSSAMER_API void run_main_counted(const run_options& how, void (*body)(void*), void* argument, const int* code);

namespace {

struct sample_main {
  void (*body)(void*);
  void* argument;
};

// A fiber that has done its last visible act needs a moment to end: nothing depends on how long it is given.
void expect_fibers_left(int wanted) {
  const auto until = time::now() + 20s;
  while (runtime::num_fibers() - 1 != wanted && time::now() < until) {
    time::sleep(1ms);
  }
  if (const int left = runtime::num_fibers() - 1; left != wanted) {
    std::fflush(stdout);
    std::fprintf(stderr, "fibers left: %d, not %d\n", left, wanted);
    std::_Exit(70);
  }
}

}  // namespace

void run_main_counted(const run_options& how, void (*body)(void*), void* argument, const int* code) {
  sample_main sample{body, argument};
  run_main(
      how,
      [](void* s) {
        auto& it = *static_cast<sample_main*>(s);
        it.body(it.argument);
        if (const char* wanted = std::getenv("FIBERS_LEFT")) {
          expect_fibers_left(std::atoi(wanted));
        }
      },
      &sample, code);
}

}  // namespace gossamer::inline v0::detail
