// filter_stage: a stage that hands on only what its predicate accepts; filters in a row are a sieve.
// Pattern: the prime sieve, from Hoare's CSP, 1978, and Go's first tutorial.
//
//   $ tools/dev run filter_stage
//   2 3 5 7 11 13 17 19 23 29
#include <gossamer/gossamer.hpp>

#include <cstdio>

using namespace gossamer;

recv_chan<int> numbers_up_to(int last) {
  auto out = make_chan<int>();
  go([=] {
    for (int i = 2; i <= last; ++i) out << i;
    close(out);
  });
  return out;
}

template <class T, class Predicate>
recv_chan<T> filter(recv_chan<T> in, Predicate accepts) {
  auto out = make_chan<T>();
  go([=] {
    for (T v : in) {
      if (accepts(v)) out << v;
    }
    close(out);
  });
  return out;
}

int main() {
  return run([] {
    auto sieve = numbers_up_to(30);
    while (auto prime = sieve.recv()) {
      std::printf("%s%d", *prime == 2 ? "" : " ", *prime);
      sieve = filter(sieve, [p = *prime](int n) { return n % p != 0; });
    }
    std::puts("");
  });
}
