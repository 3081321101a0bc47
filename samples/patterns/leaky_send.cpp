// leaky_send: whoever sends what nobody receives waits for ever, and its fiber with it; and two ways out.
// Pattern: the forgotten sender, Jacob Walker, Goroutine Leaks, Ardan Labs, 2018.
//
//   $ tools/dev run leaky_send
//   no one listens to the second: 1 fiber left
//   room for both: 0 fibers left
//   a done channel: 0 fibers left
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

// Two fibers send; the first value is returned.
int first_of(chan<int> answers) {
  for (int i : {1, 2}) {
    go([=] { answers << i; });
  }
  return *answers;
}

int first_of(chan<int> answers, recv_chan<void> done) {
  for (int i : {1, 2}) {
    go([=] { select(send(answers, i), recv(done)); });
  }
  return *answers;
}

// Lets all fibers end that can: no more than n of them are to stay.
int fibers_left(int n) {
  while (runtime::num_fibers() - 1 > n) runtime::gosched();
  return runtime::num_fibers() - 1;
}

int main() {
  return run([] {
    auto answers = make_chan<int>();
    first_of(answers);
    std::printf("no one listens to the second: %d fiber left\n", fibers_left(1));
    answers.recv();  // where the channel is still known it can be helped

    first_of(make_chan<int>(2));
    std::printf("room for both: %d fibers left\n", fibers_left(0));

    auto done = make_chan<void>();
    first_of(make_chan<int>(), done);
    close(done);
    std::printf("a done channel: %d fibers left\n", fibers_left(0));
  });
}
