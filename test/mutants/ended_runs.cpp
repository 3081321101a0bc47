// Objects that outlive a run(): it ends just as one of its fibers was woken, or handed a lock, or while one offers what
// nobody takes. In the next run the object is free, wakes whoever waits then, and holds nothing of the abandoned.
// Kills: what is kept for a fiber that will never know, and what is taken back though its fiber has gone on.
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "gossamer/net.hpp"

namespace {

using namespace gossamer;
using namespace std::chrono_literals;
using check::expect;

constexpr auto patience = 20s;

void let_them_park() {
  for (int i = 0; i < 20; ++i) {
    runtime::gosched();
  }
}

// Which kinds of fibers wait as it is unlocked for the last time.
enum waiting { writers = 1, readers = 2, both = 3 };

template <class Mutex>
void expect_is_free(Mutex& m) {
  expect(m.try_lock_for(patience), "a lock that was handed to nobody that lives is free");
  sync::wait_group all;
  std::atomic<int> had{0};
  for (int i = 0; i < 4; ++i) {
    all.go([&] {
      const std::scoped_lock hold(m);
      runtime::gosched();
      ++had;
    });
  }
  let_them_park();
  m.unlock();
  expect(all.wait_for(patience) && had == 4, "all who wait now get it");
}

void end_beside_an_unlock(waiting who, int turns) {
  sync::rw_mutex m;
  run(
      [&] {
        m.lock();
        for (int i = 0; i < 3; ++i) {
          if ((who & writers) != 0) {
            go([&] {
              m.lock();
              m.unlock();
            });
          }
          if ((who & readers) != 0) {
            go([&] {
              m.lock_shared();
              m.unlock_shared();
            });
          }
        }
        let_them_park();
        m.unlock();
        for (int i = 0; i < turns; ++i) {  // the first of them go on, and the next are overtaken
          if (m.try_lock()) {
            runtime::gosched();
            m.unlock();
          } else {
            runtime::gosched();
          }
        }
      },
      {.procs = 1});
  run([&] { expect_is_free(m); }, {.procs = 2});
}

void end_beside_an_unlock_of_a_mutex(bool starves) {
  sync::mutex m;
  run(
      [&] {
        m.lock();
        for (int i = 0; i < 3; ++i) {
          go([&] {
            m.lock();
            m.unlock();
          });
        }
        let_them_park();
        if (starves) {
          time::sleep(2ms);
          m.unlock();
          m.lock();
          runtime::gosched();
        }
        m.unlock();
      },
      {.procs = 1});
  run([&] { expect_is_free(m); }, {.procs = 2});
}

// The readers that were handed it have gone on, and one of them holds it when the run ends: it does so for ever.
void end_while_it_is_held() {
  sync::rw_mutex m;
  run(
      [&] {
        m.lock();
        for (int i = 0; i < 2; ++i) {
          go([&] {
            m.lock_shared();
            select();
          });
        }
        let_them_park();
        m.unlock();
        let_them_park();
      },
      {.procs = 1});
  run(
      [&] {
        expect(!m.try_lock_for(1ms), "who holds it is not forgotten");
        expect(m.try_lock_shared(), "readers hold it");
      },
      {.procs = 1});
}

void end_while_something_is_offered() {
  net::conn a, b;
  run(
      [&] {
        std::tie(a, b) = net::pipe();
        go([&, own = a] { static_cast<void>(own.write("lost")); });
        let_them_park();
        char room[2];
        expect(b.read(room).first == 2, "it was offered");
      },
      {.procs = 1});
  run(
      [&] {
        char room[8];
        b.set_read_deadline(time::now() + 1ms);
        expect(b.read(room).second.timeout(), "what an abandoned writer has offered is gone");
        a.set_write_deadline(time::now() + patience);
        b.set_read_deadline(time::now() + patience);
        sync::wait_group all;
        all.go([&] { expect(a.write("next").first == 4, "another may write"); });
        expect(b.read(room).first == 4 && std::string_view(room, 4) == "next", "and is read");
        all.wait();
        a.close();
        b.close();
      },
      {.procs = 1});
}

}  // namespace

int main() {
  for (int turns = 0; turns < 6; ++turns) {
    for (const waiting who : {writers, readers, both}) {
      end_beside_an_unlock(who, turns);
    }
    end_beside_an_unlock_of_a_mutex(turns % 2 == 0);
  }
  end_while_it_is_held();
  end_while_something_is_offered();
}
