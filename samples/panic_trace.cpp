// panic_trace: a panic that nobody recovers ends the program, and shows where it was thrown and who spawned the fiber.
//
//   $ tools/dev run panic_trace
//   panic: no account 7
//
//   fiber * [running]:
//   ...
//   withdraw*
//   ...
//   created by *
//   ...
//   $ echo $?
//   2
#include <gossamer/gossamer.hpp>

using namespace gossamer;

[[gnu::noinline]] void withdraw(int account) { panic(errors::make("no account ", account)); }

int main() {
  return run([] {
    go([] { withdraw(7); });
    select();
  });
}
