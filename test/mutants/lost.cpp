// Fibers whose only handles lie where a search for the lost can miss them: in a block that is reached through the
// middle of another one, on the stack of a plain thread, in its thread-locals, on the stack of a fiber that runs,
// sleeps, or waits with a limit, in a closure, and on the way from one of these to another. None of them may be told to
// be lost, and those beside them that are must be. Kills: a root that is left out, a wait with a limit that counts as
// endless, and a search that says nothing.
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gossamer/debug.hpp"
#include "gossamer/leak.hpp"

namespace {

using namespace gossamer;

// Far from the block's beginning, which nobody refers to.
struct wide {
  std::uint64_t before[40]{};
  chan<int> ch;
  std::uint64_t after[8]{};
};

chan<int> make_waited() {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  return ch;
}

chan<int> kept_in_data;
thread_local chan<int> kept_in_thread;

struct holders {
  std::atomic<bool> end{false};
  std::atomic<int> there{0};
  sync::wait_group all;
  chan<int>* middle = nullptr;
  std::uintptr_t inverted = 0;  // the block that it is the middle of: no way to it
  std::thread thread;
  static constexpr int kept = 8;
};

void keep(holders& h) {
  kept_in_data = make_waited();
  auto w = std::make_unique<wide>();
  w->ch = make_waited();
  h.middle = &w->ch;
  h.inverted = ~reinterpret_cast<std::uintptr_t>(w.release());
  h.thread = std::thread([&h] {
    kept_in_thread = make_waited();
    auto mine = make_waited();
    h.there += 2;
    while (!h.end) {
      std::this_thread::yield();
    }
    mine << 1;
    kept_in_thread << 1;
    kept_in_thread = nil;
  });
  h.all.go([&h] {  // runs
    auto mine = make_waited();
    ++h.there;
    while (!h.end) {
      runtime::gosched();
    }
    mine << 1;
  });
  h.all.go([&h] {  // sleeps
    auto mine = make_waited();
    ++h.there;
    while (!h.end) {
      time::sleep(20ms);
    }
    mine << 1;
  });
  h.all.go([&h] {  // waits with a limit, for what nobody else has
    auto mine = make_waited();
    auto never = make_chan<int>();
    ++h.there;
    while (!h.end) {
      static_cast<void>(never.recv_until(time::now() + 20ms));
    }
    mine << 1;
  });
  h.all.go([&h, mine = make_waited()] {  // its closure has it
    ++h.there;
    while (!h.end) {
      time::sleep(20ms);
    }
    mine << 1;
  });
}

void let_go(holders& h) {
  h.end = true;
  h.thread.join();
  h.all.wait();
  kept_in_data << 1;
  kept_in_data = nil;
  *h.middle << 1;
  delete reinterpret_cast<wide*>(~h.inverted);
}

// From a block to a fiber's closure, to a buffer, to another fiber's stack, to a block.
void move_about(std::atomic<bool>& end) {
  auto held = std::make_unique<chan<int>>(make_waited());
  auto mail = make_chan<std::unique_ptr<chan<int>>>(1);
  while (!end) {
    auto next = std::make_unique<chan<int>>(std::move(*held));
    held.reset();
    sync::wait_group done;
    done.go([next = std::move(next), &mail]() mutable { mail << std::move(next); });
    held = *mail;
    done.wait();
    make_waited() << 1;  // who is woken needs nobody any more
  }
  *held << 1;
}

constexpr int lost_ones = 20;

[[gnu::noinline]] void lose() {
  for (int i = 0; i < lost_ones; ++i) {
    auto ch = make_chan<void>();
    go(fiber_options{.name = "lost"}, [ch] { ch.recv(); });
  }
}

bool is_lost_one(std::uint64_t id) {
  const auto it = debug::fibers({.id = id});
  return it.size() == 1 && it[0].name == "lost";
}

[[gnu::noinline]] void wipe_stack() {
  volatile char room[16384];
  for (volatile char& c : room) {
    c = 0;
  }
}

// How many are told.
std::size_t told() {
  std::size_t n = 0;
  leak::findings f = leak::report();
  for (int i = 0; i < 20 && !f.unknown.empty(); ++i) {  // a thread had no CPU to stand still
    f = leak::report();
  }
  for (const leak::group& g : f.groups) {
    if (g.level == leak::verdict::proven) {
      n += g.fibers.size();
      for (const std::uint64_t id : g.fibers) {
        check::expect(is_lost_one(id), "nobody is told to be lost of whom somebody has the channel");
      }
    }
  }
  return n;
}

void look(std::size_t lost_before) {
  holders h;
  keep(h);
  while (h.there < 6) {
    time::sleep(1ms);
  }
  std::atomic<bool> end{false};
  sync::wait_group movers;
  for (int i = 0; i < 4; ++i) {
    movers.go([&end] { move_about(end); });
  }
  lose();
  time::sleep(5ms);
  std::size_t most = 0;
  for (int i = 0; i < 12; ++i) {
    wipe_stack();
    most = std::max(most, told());
    runtime::gosched();
  }
  // What is left on stacks may hide one or two.
  check::expect(most > lost_before, "who is lost is told to be");
  end = true;
  movers.wait();
  let_go(h);
}

}  // namespace

int main() {
  return run([] {
    std::size_t lost = 0;
    for (const int procs : {1, 2, 8}) {
      runtime::max_procs(procs);
      look(lost);
      lost += lost_ones;
    }
    // Memory enough that a copy of the process is looked through.
    const std::vector<char> much(std::size_t{48} << 20, 'x');
    look(lost);
    return much.back() == 'x' ? 0 : 1;
  });
}
