// destroy_after_return: any object may be destroyed as soon as the call that waited for it has returned.
//
// usage: destroy_after_return [ROUNDS] [NAME...]      (default: 10,000,000 rounds of each)
//
// Pairs of a waiter and a waker. In each round the waiter makes an object, lets the waker have its address, waits, and
// destroys the object at once: its memory is filled with 0xdd and set aside, while the waker may still be on its way
// out of its call. When the memory is used again, the 0xdd must still be there: a late store has been seen otherwise.
// (A late load is for the address sanitizer, where memory is really freed.) The waker is a fiber, which may be on any
// worker, or a plain thread; now and then the waiter is a plain thread too.
#include <malloc.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gossamer/gossamer.hpp>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace gossamer;
using steady = std::chrono::steady_clock;

// ---- memory that remembers that it was freed ------------------------------------------------------------------------

#if !GOSSAMER_ASAN && !GOSSAMER_TSAN

namespace {

constexpr unsigned char poison = 0xdd;

[[noreturn]] void late_touch(const void* block, std::size_t at) {
  std::fprintf(stderr, "destroy_after_return: somebody wrote to a destroyed object (%p, byte %zu)\n", block, at);
  std::_Exit(1);
}

void check_poison(const unsigned char* block) {
  const std::size_t bytes = ::malloc_usable_size(const_cast<unsigned char*>(block));
  for (std::size_t i = 0; i < bytes; ++i) {
    if (block[i] != poison) {
      late_touch(block, i);
    }
  }
}

// The last freed blocks of this thread. Not inlined: a fiber that calls it may have moved since its last call.
[[gnu::noinline]] void set_aside(void* block) {
  constexpr std::size_t kept = 128;
  static thread_local std::array<unsigned char*, kept> blocks{};
  static thread_local std::size_t oldest = 0;
  std::memset(block, poison, ::malloc_usable_size(block));
  std::swap(block, reinterpret_cast<void*&>(blocks[oldest]));
  oldest = (oldest + 1) % kept;
  if (block != nullptr) {
    check_poison(static_cast<unsigned char*>(block));
    std::free(block);
  }
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (void* p = std::malloc(bytes)) {
    return p;
  }
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t align) {
  const auto a = static_cast<std::size_t>(align);
  if (void* p = std::aligned_alloc(a, (bytes + a - 1) / a * a)) {
    return p;
  }
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  if (p != nullptr) {
    set_aside(p);
  }
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
void operator delete(void* p, std::align_val_t) noexcept { operator delete(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { operator delete(p); }

#endif

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "destroy_after_return: %s\n", what);
  std::_Exit(1);
}

// Pauses of many lengths, mostly none, so that waiter and waker meet in every way.
class pauses {
 public:
  explicit pauses(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  void spin() {
    const std::uint64_t n = next();
    if (n % 4 == 0) {
      for (std::uint64_t i = (n >> 8) % (n % 64 == 0 ? 2000 : 60); i != 0; --i) {
        asm volatile("");
      }
    }
  }

 private:
  std::uint64_t state_;
};

// Hands the address of an object to the waker, and waits for an answer. Yielding, since the other may need this worker.
template <class T>
struct mailbox {
  alignas(64) std::atomic<T*> content{nullptr};
  std::atomic<bool> closed{false};
};

// ---- the objects ----------------------------------------------------------------------------------------------------

// Each has: make a new one ready to be waited for; wait() by the waiter, after which it is deleted; wake() by the
// waker, who must not touch it afterwards. `prepared` is for the waker's first step, which the waiter waits for.

struct by_receive {  // an unbuffered channel: the waiter receives, the waker sends
  chan<int> ch = make_chan<int>();
  void wait(pauses&) {
    if (*ch != 7) {
      fail("wrong value");
    }
  }
  void wake(pauses&) { ch << 7; }
};

struct by_send {  // an unbuffered channel: the waiter sends, the waker receives
  chan<int> ch = make_chan<int>();
  void wait(pauses&) { ch << 7; }
  void wake(pauses&) {
    if (*ch != 7) {
      fail("wrong value");
    }
  }
};

struct by_buffered_receive {  // capacity 1: the waiter receives
  chan<int> ch = make_chan<int>(1);
  void wait(pauses&) {
    if (*ch != 7) {
      fail("wrong value");
    }
  }
  void wake(pauses&) { ch << 7; }
};

struct by_buffered_send {  // capacity 1, full: the waiter sends once more
  chan<int> ch = make_chan<int>(1);
  by_buffered_send() { ch << 6; }
  void wait(pauses&) { ch << 7; }
  void wake(pauses&) {
    if (*ch != 6) {
      fail("wrong value");
    }
  }
};

struct by_close {  // the waiter receives, the waker closes
  chan<int> ch = make_chan<int>();
  void wait(pauses&) {
    if (ch.recv()) {
      fail("a value out of nothing");
    }
  }
  void wake(pauses&) { close(ch); }
};

struct by_wait {
  sync::wait_group wg;
  by_wait() { wg.add(1); }
  void wait(pauses&) { wg.wait(); }
  void wake(pauses&) { wg.done(); }
};

struct by_timed_wait {  // the time-out and the last done come at about the same time
  sync::wait_group wg;
  by_timed_wait() { wg.add(1); }
  void wait(pauses& p) {
    while (!wg.wait_until(steady::now() + std::chrono::nanoseconds(p.next() % 20'000))) {
    }
  }
  void wake(pauses&) { wg.done(); }
};

struct by_lock {  // the waker holds the mutex; the next holder destroys it
  sync::mutex mu;
  by_lock() { mu.lock(); }
  void wait(pauses& p) {
    mu.lock();
    if (p.next() % 2 == 0) {
      mu.unlock();
    }
  }
  void wake(pauses&) { mu.unlock(); }
};

struct by_timed_lock {
  sync::mutex mu;
  by_timed_lock() { mu.lock(); }
  void wait(pauses& p) {
    while (!mu.try_lock_until(steady::now() + std::chrono::nanoseconds(p.next() % 20'000))) {
    }
    mu.unlock();
  }
  void wake(pauses&) { mu.unlock(); }
};

struct by_stop {  // the last done, or the stop, which the waker sets a moment before: whichever the waiter sees
  sync::wait_group wg;
  chan<void> stop = make_chan<void>();
  by_stop() { wg.add(1); }
  void wait(pauses&) {
    if (!wg.wait_until(stop)) {
      wg.wait();
    }
  }
  void wake(pauses& p) {
    if (p.next() % 2 == 0) {
      close(stop);
    }
    wg.done();
  }
};

struct by_lock_of_readers {  // the waker is the last reader; the writer after it destroys the rw_mutex
  sync::rw_mutex mu;
  by_lock_of_readers() { mu.lock_shared(); }
  void wait(pauses& p) {
    mu.lock();
    if (p.next() % 2 == 0) {
      mu.unlock();
    }
  }
  void wake(pauses&) { mu.unlock_shared(); }
};

struct by_lock_shared {  // the waker is the writer; the reader after it destroys the rw_mutex
  sync::rw_mutex mu;
  by_lock_shared() { mu.lock(); }
  void wait(pauses& p) {
    while (p.next() % 2 == 0) {
      if (mu.try_lock_shared_until(steady::now() + std::chrono::nanoseconds(p.next() % 20'000))) {
        mu.unlock_shared();
        return;
      }
    }
    mu.lock_shared();
  }
  void wake(pauses&) { mu.unlock(); }
};

struct by_timed_writer {  // a writer that gives up again and again, until the last reader has left
  sync::rw_mutex mu;
  by_timed_writer() { mu.lock_shared(); }
  void wait(pauses& p) {
    while (!mu.try_lock_until(steady::now() + std::chrono::nanoseconds(p.next() % 20'000))) {
    }
  }
  void wake(pauses&) { mu.unlock_shared(); }
};

struct by_signal {  // the cond goes as soon as its waiter has been told; the lock is the waiter's own
  sync::cond changed;
  std::atomic<bool> ready = false;
  void wait(pauses& p) {
    struct no_lock {
      std::atomic<bool>& ready;
      void lock() {}
      void unlock() { ready.store(true, std::memory_order_release); }  // it is in the queue now
    } lock{ready};
    if (p.next() % 4 != 0) {
      changed.wait(lock);
    } else if (!changed.wait_for(lock, std::chrono::hours(1))) {
      fail("an hour has passed");
    }
  }
  void wake(pauses& p) {
    while (!ready.load(std::memory_order_acquire)) {
      runtime::gosched();
    }
    p.spin();
    if (p.next() % 2 == 0) {
      changed.signal();
    } else {
      changed.broadcast();
    }
  }
};

struct by_once {  // one of the two makes the call, the other waits for it
  sync::once once;
  std::atomic<int> ran = 0;
  std::atomic<bool> begun = false;
  void wait(pauses& p) {
    while (!begun.load(std::memory_order_acquire)) {
      runtime::gosched();
    }
    p.spin();
    once.do_([] { fail("a second call"); });
    if (ran != 1) {
      fail("once has returned before its call did");
    }
  }
  void wake(pauses& p) {
    once.do_([&] {
      begun.store(true, std::memory_order_release);
      p.spin();
      ran = 1;
    });
  }
};

// ---- the rounds -----------------------------------------------------------------------------------------------------

template <class T>
void be_waiter(mailbox<T>& box, long rounds, std::uint64_t seed) {
  pauses p(seed);
  for (long r = 0; r < rounds; ++r) {
    T* object = new T;
    box.content.store(object, std::memory_order_release);
    p.spin();
    object->wait(p);
    delete object;
    while (box.content.load(std::memory_order_relaxed) != nullptr) {  // the waker takes it out before it wakes
      runtime::gosched();
    }
  }
  box.closed.store(true, std::memory_order_release);
}

// One look into the box; true if there was an object.
template <class T>
bool wake_once(mailbox<T>& box, pauses& p) {
  T* object = box.content.load(std::memory_order_acquire);
  if (object == nullptr) {
    return false;
  }
  box.content.store(nullptr, std::memory_order_relaxed);
  p.spin();
  object->wake(p);
  return true;
}

template <class T>
void be_waker(mailbox<T>& box, std::uint64_t seed) {
  pauses p(seed);
  while (!box.closed.load(std::memory_order_acquire)) {
    if (!wake_once(box, p)) {
      runtime::gosched();
    }
  }
}

// A plain thread that wakes all of them in turn.
template <class T>
void be_waker_of_all(std::vector<mailbox<T>>& boxes, std::uint64_t seed) {
  pauses p(seed);
  int in_vain = 0;
  for (std::size_t closed = 0; closed < boxes.size();) {
    bool found = false;
    closed = 0;
    for (mailbox<T>& box : boxes) {
      found |= wake_once(box, p);
      closed += box.closed.load(std::memory_order_acquire);
    }
    in_vain = found ? 0 : in_vain + 1;
    if (in_vain > 1000) {  // a yield costs a whole time slice where the workers never sleep
      std::this_thread::yield();
    }
  }
}

template <class T>
void try_all_ways(long rounds) {
  constexpr long pairs = 8;
  const auto at_each = [](long i) { return static_cast<std::size_t>(i); };
  const auto seed = [](long i) { return static_cast<std::uint64_t>(i) + 1; };
  run(
      [&] {  // fibers wait, fibers wake
        std::vector<mailbox<T>> boxes(pairs);
        sync::wait_group all;
        all.add(2 * pairs);
        for (long i = 0; i < pairs; ++i) {
          go([&, i] {
            be_waiter(boxes[at_each(i)], rounds * 8 / 10 / pairs + 1, seed(i));
            all.done();
          });
          go([&, i] {
            be_waker(boxes[at_each(i)], seed(i + 100));
            all.done();
          });
        }
        all.wait();
      },
      {.procs = 2});
  run(
      [&] {  // fibers wait, a plain thread wakes: it needs a core too
        std::vector<mailbox<T>> boxes(pairs);
        sync::wait_group all;
        all.add(pairs);
        std::thread waker([&] { be_waker_of_all(boxes, 1000); });
        for (long i = 0; i < pairs; ++i) {
          go([&, i] {
            be_waiter(boxes[at_each(i)], rounds * 2 / 10 / pairs + 1, seed(i + 200));
            all.done();
          });
        }
        all.wait();
        waker.join();
      },
      {.procs = 1});
  run(
      [&] {  // a plain thread waits, a fiber wakes: seldom, for it is slow
        mailbox<T> box;
        sync::wait_group all;
        all.add(2);
        std::thread waiter([&] {
          be_waiter(box, rounds / 200 + 1, 300);
          all.done();
        });
        go([&] {
          be_waker(box, 400);
          all.done();
        });
        all.wait();
        waiter.join();
      },
      {.procs = 1});
}

// The timer's place is in the fiber's record, which the next fiber inherits: each of many short-lived fibers sleeps, or
// arms a timer that it does not need, and ends. A timer that fires for a predecessor would wake somebody early, or out
// of a wait that has no time-out.
void try_sleep(long rounds) {
  constexpr long at_once = 2000;
  std::atomic<long> left = rounds;
  sync::wait_group all;
  all.add(static_cast<int>(at_once));
  struct life {
    std::atomic<long>& left;
    sync::wait_group& all;
    void operator()(std::uint64_t seed) const {
      pauses p(seed);
      const std::uint64_t n = p.next();
      const auto begin = steady::now();
      switch (n % 4) {
        case 0: {
          sync::wait_group ready;
          if (!ready.wait_for(1ms)) {
            fail("a wait at zero timed out");
          }
          break;
        }
        case 1: {  // armed, and disarmed early by another fiber
          auto ch = make_chan<int>();
          auto wg = std::make_unique<sync::wait_group>();
          wg->add(1);
          go([ch, w = wg.get()] {
            w->done();
            ch << 5;
          });
          if (!wg->wait_for(std::chrono::microseconds(300 + n % 1000)) && steady::now() - begin < 300us) {
            fail("a timed wait ended early");
          }
          if (*ch != 5) {  // may still be running when the old time comes
            fail("a receive ended without its value");
          }
          break;
        }
        default: {
          const auto d = std::chrono::nanoseconds(n % 500'000);
          time::sleep(d);
          if (steady::now() - begin < d) {
            fail("a sleep ended early");
          }
        }
      }
      if (left.fetch_sub(1) > 0) {
        go(*this, n);
      } else {
        all.done();
      }
    }
  };
  run(
      [&] {
        for (long i = 0; i < at_once; ++i) {
          go(life{left, all}, static_cast<std::uint64_t>(i) + 1);
        }
        all.wait();
      },
      {.procs = 2});
}

struct kind {
  const char* name;
  void (*body)(long rounds);
};
constexpr kind kinds[] = {
    {"receive", try_all_ways<by_receive>},
    {"send", try_all_ways<by_send>},
    {"buffered-receive", try_all_ways<by_buffered_receive>},
    {"buffered-send", try_all_ways<by_buffered_send>},
    {"close", try_all_ways<by_close>},
    {"wait", try_all_ways<by_wait>},
    {"timed-wait", try_all_ways<by_timed_wait>},
    {"lock", try_all_ways<by_lock>},
    {"timed-lock", try_all_ways<by_timed_lock>},
    // Fewer of these: they are slow where nobody sleeps.
    {"stop", [](long n) { try_all_ways<by_stop>(n / 4); }},
    {"writer-lock", [](long n) { try_all_ways<by_lock_of_readers>(n / 4); }},
    {"reader-lock", [](long n) { try_all_ways<by_lock_shared>(n / 8); }},
    {"timed-writer", [](long n) { try_all_ways<by_timed_writer>(n / 8); }},
    {"signal", [](long n) { try_all_ways<by_signal>(n / 2); }},
    {"once", [](long n) { try_all_ways<by_once>(n / 100); }},
    {"sleep", try_sleep},
};

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::atol(argv[1]) : 10'000'000;
  for (const kind& k : kinds) {
    bool wanted = argc <= 2;
    for (int i = 2; i < argc; ++i) {
      wanted |= std::string_view(argv[i]) == k.name;
    }
    if (!wanted) {
      continue;
    }
    const auto begin = steady::now();
    k.body(rounds);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin);
    std::printf("%-17s %10ld rounds, %6ld ms\n", k.name, rounds, static_cast<long>(took.count()));
    std::fflush(stdout);
  }
}
