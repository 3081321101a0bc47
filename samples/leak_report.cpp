// leak_report: four ways to lose fibers, and what the report says of them; then each is put right, and nobody is left.
//
// A verdict is `proven` where nothing that can still run reaches what the fibers wait on. What is left of a handle on a
// stack or in a register looks like one, and may hide that: then it is `none`, as it always is of the last group, whose
// select a tick will wake.
//
//   $ tools/dev run leak_report
//   7 fibers are alive
//   2 fibers [chan send] of first_response(bool): *
//   3 fibers [chan receive] of work_off(bool): *
//   1 fiber [chan send] of tell_nobody(bool): *
//   1 fiber [select] of heart_beat(bool): none
//   0 fibers are alive
#include <gossamer/gossamer.hpp>
#include <gossamer/leak.hpp>
#include <iostream>

using namespace gossamer;

// The first answer wins. The others need room for theirs, for nobody takes them.
void first_response(bool right) {
  auto answers = make_chan<int>(right ? 3 : 0);
  for (int replica = 0; replica < 3; ++replica) {
    go([=] { answers << replica; });
  }
  answers.recv();
}

// A result that nobody asks for.
void tell_nobody(bool right) {
  auto result = make_chan<int>(right ? 1 : 0);
  go([=] { result << 42; });
}

// Workers go home when there are no more jobs, and somebody has said so.
void work_off(bool right) {
  auto jobs = make_chan<int>();
  for (int i = 0; i < 3; ++i) {
    go([=] {
      for (int job : jobs) static_cast<void>(job);
    });
  }
  for (int job = 0; job < 10; ++job) jobs << job;
  if (right) close(jobs);
}

// A loop over a ticker ends when it is told to: that the ticker has been stopped would not end it.
void heart_beat(bool right) {
  auto quit = make_chan<void>();
  go([=] {
    time::ticker beat(1h);
    for (;;) {
      switch (select(recv(beat.c), recv(quit))) {
        case 1:
          return;
      }
    }
  });
  if (right) close(quit);
}

// Returns when all has come to rest. Not inlined: what it leaves on the stack would look like handles to the report.
[[gnu::noinline]] void try_all(bool right) {
  sync::wait_group done;
  done.go([=] {
    first_response(right);
    tell_nobody(right);
    work_off(right);
    heart_beat(right);
  });
  done.wait();
  const int left = right ? 0 : 7;
  while (runtime::num_fibers() != 1 + left || runtime::num_fibers(runtime::status::waiting) != left) {
    runtime::gosched();
  }
}

// leak::report().text() shows more: the places, the ages, and why.
void show(const leak::findings& found) {
  std::cout << found.total << " fibers are alive\n";
  for (const char* by : {"first_response", "work_off", "tell_nobody", "heart_beat"}) {
    for (const leak::group& g : found.groups) {
      if (g.spawned_by.find(by) == 0) {
        std::cout << g.fibers.size() << (g.fibers.size() == 1 ? " fiber [" : " fibers [") << g.state << "] of "
                  << g.spawned_by << ": " << leak::text(g.level) << "\n";
      }
    }
  }
}

int main() {
  for (bool right : {false, true}) {
    run([=] {
      try_all(right);
      show(leak::report());
    });
  }
}
