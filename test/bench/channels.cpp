// Channels: hand-over, throughput, trees and chains of fibers.
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <string>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

// A value goes to the other fiber and back.
figure pingpong(long rounds) {
  const auto to = make_chan<int>();
  const auto back = make_chan<int>();
  sync::wait_group over;
  over.add(2);
  const auto start = clock::now();
  go([&, rounds] {
    for (long r = 0; r < rounds; ++r) {
      back << *to;
    }
    over.done();
  });
  go([&, rounds] {
    for (long r = 0; r < rounds; ++r) {
      to << static_cast<int>(r);
      back.recv();
    }
    over.done();
  });
  over.wait();
  return {nanoseconds_since(start) / static_cast<double>(rounds)};
}

// `sides` producers, as many consumers, one buffer of 128.
figure buffered(long values, int sides) {
  const auto ch = make_chan<int>(128);
  const long each = values / sides;
  std::atomic<long> arrived = 0;
  sync::wait_group sent, drained;
  sent.add(sides);
  drained.add(sides);
  const auto start = clock::now();
  for (int i = 0; i < sides; ++i) {
    go([&, each] {
      for (long v = 0; v < each; ++v) {
        ch << static_cast<int>(v);
      }
      sent.done();
    });
    go([&] {
      long mine = 0;
      for ([[maybe_unused]] const int v : ch) {
        ++mine;
      }
      arrived += mine;
      drained.done();
    });
  }
  sent.wait();
  close(ch);
  drained.wait();
  const double took = nanoseconds_since(start);
  if (arrived != each * sides) {
    panic("buffered: " + std::to_string(each * sides) + " sent, " + std::to_string(arrived) + " received");
  }
  return {took / static_cast<double>(each * sides)};
}

// A fiber with more than one leaf below it starts ten others and adds up what they send.
void sum_leaves(const send_chan<long>& up, long first, long leaves) {
  if (leaves == 1) {
    up << first;
    return;
  }
  const auto parts = make_chan<long>();
  const long each = leaves / 10;
  for (long i = 0; i < 10; ++i) {
    go(sum_leaves, send_chan<long>(parts), first + i * each, each);
  }
  long sum = 0;
  for (int i = 0; i < 10; ++i) {
    sum += *parts;
  }
  up << sum;
}

figure skynet(long size) {
  long leaves = 10;  // a power of ten, so that the tree is full
  while (leaves * 10 <= size) {
    leaves *= 10;
  }
  const auto top = make_chan<long>();
  const auto start = clock::now();
  go(sum_leaves, send_chan<long>(top), 0L, leaves);
  const long sum = *top;
  const double took = milliseconds_since(start);
  if (sum != leaves * (leaves - 1) / 2) {
    panic("skynet: wrong sum " + std::to_string(sum));
  }
  return {took};
}

// A chain of fibers, one a prime, each of which lets pass what its prime does not divide. They stay blocked behind us.
figure sieve(long primes) {
  const auto start = clock::now();
  auto ch = make_chan<int>();
  go([ch] {
    for (int i = 2;; ++i) {
      ch << i;
    }
  });
  int prime = 0;
  for (long k = 0; k < primes; ++k) {
    prime = *ch;
    const auto next = make_chan<int>();
    go([ch, next, prime] {
      for (;;) {
        const int i = *ch;
        if (i % prime != 0) {
          next << i;
        }
      }
    });
    ch = next;
  }
  return {milliseconds_since(start), "last=" + std::to_string(prime)};
}

constexpr row rows[] = {
    {"pingpong", "ns/trip", 1'000'000, 100'000, pingpong},
    {"buffered11", "ns/value", 4'000'000, 400'000, [](long n) { return buffered(n, 1); }},
    {"buffered44", "ns/value", 4'000'000, 400'000, [](long n) { return buffered(n, 4); }},
    {"skynet", "ms", 1'000'000, 100'000, skynet},
    {"sieve", "ms", 2'000, 200, sieve},
};

}  // namespace

std::span<const row> channel_rows() { return rows; }

}  // namespace bench
