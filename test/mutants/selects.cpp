// Selects that compete for each other's values, with and without a deadline. Kills: a select that blocks without having
// looked again under all locks, and one that leaves a waiter behind which has lost.
#include <atomic>
#include <thread>

#include "check.hpp"

namespace {

using namespace gossamer;
using check::expect;

constexpr int fibers = 6;
constexpr int rounds = 6'000;

// Every value that is sent is received, and every send comes to an end.
void compete_at(int procs) {
  run(
      [] {
        const auto a = make_chan<int>();
        const auto b = make_chan<int>(1);
        std::atomic<long> sent = 0, received = 0;
        sync::wait_group senders, receivers;
        senders.add(fibers);
        receivers.add(fibers);
        for (int f = 0; f < fibers; ++f) {
          go([&, a, b] {
            for (int i = 1; i <= rounds; ++i) {
              select(send(a, i), send(b, i));
              sent += i;
            }
            senders.done();
          });
          go([&, a, b] {
            for (bool open = true; open;) {
              int v = 0;
              select(recv(b, v, open), recv(a, v, open));
              received += v;
            }
            receivers.done();
          });
        }
        senders.wait();
        while (len(b) > 0) {
          runtime::gosched();
        }
        close(a);
        receivers.wait();
        expect(sent == received, "what was sent was received");
      },
      {.procs = procs});
}

// Each looks for the other at the same moment: one of them must see it.
void duel_at(int procs) {
  run(
      [] {
        const auto a = make_chan<int>();
        const auto b = make_chan<int>();
        std::thread other([a, b] {
          for (int i = 0; i < rounds; ++i) {
            select(send(a, i), send(b, i));
          }
        });
        for (int i = 0; i < rounds; ++i) {
          int v = -1;
          select(recv(b, v), recv(a, v));
          expect(v == i, "values come in order");
        }
        other.join();
      },
      {.procs = procs});
}

// A receive whose time has come leaves nothing in the queue: the next value goes to somebody who is there.
void give_up_at(int procs) {
  run(
      [] {
        const auto ch = make_chan<int>();
        base::rng r(static_cast<std::uint64_t>(runtime::max_procs()));
        for (int i = 0; i < 300; ++i) {
          int v = 0;
          expect(ch.recv_for(check::up_to(r, 50), v) == channel_status::ended, "nobody sends");
          expect(select(send(ch, 1), otherwise) == 1, "nobody receives");
          go([ch, i] { ch << i; });
          expect(*ch == i, "the value arrives");
        }
      },
      {.procs = procs});
}

}  // namespace

int main() {
  duel_at(1);
  compete_at(1);
  compete_at(2);
  compete_at(4);
  give_up_at(1);
  give_up_at(2);
}
