// A blocking call that somebody stands in for, and that outlives its run(). Kills: calls that do not say that they
// begin, and calls that end without asking whether they were noticed.
#include <atomic>
#include <thread>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int code = 3;
constexpr auto long_enough = 300ms;  // for a thread that goes on when it must not

struct call {
  std::atomic<bool> begun{false}, may_end{false}, came_back{false};
};
call calls[2];

// If the call has not said that it blocks, main's return waits for it in vain, and the process ends with `code`.
void outlives_its_run(call& its, int procs) {
  const int result = run(
      [&] {
        go([&its] {
          runtime::blocking([&its] {
            its.begun = true;
            while (!its.may_end) {
              std::this_thread::sleep_for(1ms);
            }
          });
          its.came_back = true;
        });
        while (!its.begun) {
          time::sleep(1ms);
        }
        time::sleep(5ms);  // mostly somebody stands in for it by now
        return code;
      },
      {.procs = procs});
  expect(result == code, "run() returns what its main returned");
  its.may_end = true;
  for (const auto end = check::clock::now() + long_enough; check::clock::now() < end;) {
    expect(!its.came_back, "a fiber that was left in a blocking call does not come back after run()");
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

int main() {
  outlives_its_run(calls[0], 1);
  outlives_its_run(calls[1], 3);
  run([] { time::sleep(20ms); }, {.procs = 2});
  expect(!calls[0].came_back && !calls[1].came_back, "nor in the next run()");
}
