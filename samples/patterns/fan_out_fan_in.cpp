// fan_out_fan_in: several fibers share the work on one channel, and their results are merged into one, which a closer
// closes when all of them are through.
// Pattern: Sameer Ajmani, Go Concurrency Patterns: Pipelines and cancellation, 2014.
//
//   $ tools/dev run fan_out_fan_in
//   the squares of 1 to 100 add up to 338350
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <memory>
#include <vector>

using namespace gossamer;

recv_chan<int> count_to(int last) {
  auto out = make_chan<int>();
  go([=] {
    for (int i = 1; i <= last; ++i) out << i;
    close(out);
  });
  return out;
}

recv_chan<long> square(recv_chan<int> in) {
  auto out = make_chan<long>();
  go([=] {
    for (long i : in) out << i * i;
    close(out);
  });
  return out;
}

template <class T>
recv_chan<T> merge(std::vector<recv_chan<T>> inputs) {
  auto out = make_chan<T>();
  auto wg = std::make_shared<sync::wait_group>();  // it outlives this function
  for (auto& in : inputs) {
    wg->go([=] {
      for (T v : in) out << v;
    });
  }
  go([=] {
    wg->wait();
    close(out);
  });
  return out;
}

int main() {
  return run([] {
    auto numbers = count_to(100);
    std::vector<recv_chan<long>> squares;
    for (int i = 0; i < 4; ++i) squares.push_back(square(numbers));

    long sum = 0;
    for (long s : merge(squares)) sum += s;
    std::printf("the squares of 1 to 100 add up to %ld\n", sum);
  });
}
