// planted_race: two fibers of one worker write a plain variable, to show that the thread sanitizer finds races between
// fibers that never run at the same time.
//
// usage: planted_race race | ordered | sanitized
//   race       nothing orders the writes: a data race
//   ordered    a channel does: none
//   sanitized  exit code 0 if this program was built with the thread sanitizer
#include <cstdio>
#include <gossamer/gossamer.hpp>
#include <string_view>

using namespace gossamer;

namespace {

int shared = 0;  // plain

void race(sync::wait_group& both) {
  for (int i = 0; i < 2; ++i) {
    go([&] {
      runtime::gosched();  // so that both are alive: one that inherits the other's stack comes after it
      ++shared;
      runtime::gosched();
      both.done();
    });
  }
}

void ordered(sync::wait_group& both) {
  auto turn = make_chan<void>();
  go([&, turn] {
    runtime::gosched();
    ++shared;
    turn.send();
    both.done();
  });
  go([&, turn] {
    turn.recv();
    ++shared;
    runtime::gosched();
    both.done();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "sanitized") {
    return GOSSAMER_TSAN ? 0 : 1;
  }
  if (what != "race" && what != "ordered") {
    std::fputs("usage: planted_race race | ordered | sanitized\n", stderr);
    return 2;
  }
  return run(
      [&] {
        sync::wait_group both;
        both.add(2);
        (what == "race" ? race : ordered)(both);
        both.wait();
        std::printf("%d\n", shared);
      },
      {.procs = 1});
}
