// leak_report: four ways to lose fibers, and what the report says of them; then each is put right, and nobody is left.
//
//   $ tools/dev run leak_report
//   7 fibers are alive
//   3 fibers [chan receive, *]: likely leaked: nobody else has a handle of the channel
//   	blocked at *leak_report.cpp:*
//   	spawned by work_off(bool) at *leak_report.cpp:*
//   	fibers *, *, *
//   2 fibers [chan send, *]: likely leaked: nobody else has a handle of the channel
//   	blocked at *leak_report.cpp:*
//   	spawned by first_response(bool) at *leak_report.cpp:*
//   	fibers *, *
//   1 fiber [chan send, *]: likely leaked: nobody else has a handle of the channel
//   	blocked at *leak_report.cpp:*
//   	spawned by tell_nobody(bool) at *leak_report.cpp:*
//   	fiber *
//   1 fiber [select, *]
//   	blocked at *leak_report.cpp:*
//   	spawned by heart_beat(bool) at *leak_report.cpp:*
//   	fiber *
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

int main() {
  for (bool right : {false, true}) {
    run([=] {
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
      std::cout << leak::report().text();
    });
  }
}
