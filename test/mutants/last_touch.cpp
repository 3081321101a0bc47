// Objects that are gone, pages and all, as soon as an operation on them allows it: any later access is a fault. Kills:
// operations that touch the object after their last touch.
#include <sys/mman.h>

#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gossamer/conc/barrier.hpp"

namespace {

using namespace gossamer;
using check::expect;

// An object in a page of its own.
template <class T>
struct mortal {
  T* it;

  mortal() {
    void* p = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(p != MAP_FAILED, "there is memory");
    it = ::new (p) T;
  }
  mortal(const mortal&) = delete;
  mortal& operator=(const mortal&) = delete;
  // Its address is not used again for now: the page stays, but nobody may touch it.
  void die() {
    ::mprotect(it, 4096, PROT_NONE);
    graves.push_back(it);
    if (graves.size() == 256) {
      for (T* grave : graves) {
        ::munmap(grave, 4096);
      }
      graves.clear();
    }
  }

 private:
  static thread_local std::vector<T*> graves;  // by plain threads only
};
template <class T>
thread_local std::vector<T*> mortal<T>::graves;

constexpr int rounds = 30'000;

// On a busy machine there are fewer.
constexpr auto longest = 2500ms;

void await(const std::atomic<bool>& flag) {
  for (detail::spin_wait spin; !flag;) {
    spin.once();
  }
}

void pause(std::uint32_t turns) {
  for (; turns != 0; --turns) {
    detail::cpu_relax();
  }
}

// The one who waits parks, spins at the guard, or finds the count at zero at once, according to who is faster; and
// often it has a deadline that has passed, so that who makes the count zero finds a queue, but nobody to wake.
void wait_groups(std::uint64_t seed) {
  base::rng r(seed);
  const auto end = check::clock::now() + longest;
  for (int i = 0; i < rounds && check::clock::now() < end; ++i) {
    mortal<sync::wait_group> group;
    std::atomic<bool> arrived{false};
    std::atomic<bool> dead{false};
    group.it->add(2);
    const auto wait = [&arrived, &dead](sync::wait_group* g, bool patient, std::uint32_t pauses) {
      arrived = true;
      pause(pauses);
      while (!patient && !g->wait_for(0s)) {
      }
      g->wait();
      ::mprotect(g, 4096, PROT_NONE);
      dead = true;
    };
    const bool patient = r.below(3) == 0;
    const std::uint32_t late = patient ? r.below(150) : 0;
    if (r.below(2) == 0) {
      for (int k = 0; k < 2; ++k) {
        go([&arrived, g = group.it, pauses = r.below(100)] {
          await(arrived);
          pause(pauses);
          g->done();
        });
      }
      wait(group.it, patient, late);
    } else {
      go([wait, g = group.it, patient, late] { wait(g, patient, late); });
      group.it->done();
      await(arrived);
      pause(r.below(100));
      group.it->done();
    }
    await(dead);
    group.die();
  }
}

struct shared_object {
  sync::mutex guard;
  int users = 0;  // guarded by guard
};

// The last user destroys the object while the one before it is still on its way out of unlock(). Many wait with a
// deadline that has passed: whoever unlocks then often finds a queue, but nobody to wake.
void mutexes(std::uint64_t seed) {
  base::rng r(seed);
  const auto end = check::clock::now() + longest;
  for (int i = 0; i < rounds && check::clock::now() < end; ++i) {
    mortal<shared_object> object;
    std::atomic<bool> arrived{false};
    std::atomic<bool> dead{false};
    const auto enter = [](shared_object& o, bool patient) {
      if (patient) {
        o.guard.lock();
      } else {
        while (!o.guard.try_lock_for(0s)) {
        }
      }
    };
    const auto leave = [&dead](shared_object* o, std::uint32_t pauses) {
      pause(pauses);
      const bool last = --o->users == 0;
      o->guard.unlock();
      if (last) {
        ::mprotect(o, 4096, PROT_NONE);
        dead = true;
      }
    };
    const int others = static_cast<int>(r.below(4) == 0 ? r.below(3) : 0) + 1;
    object.it->users = others + 1;
    const bool first = r.below(3) == 0;
    if (first) {
      enter(*object.it, true);
    }
    for (int k = 0; k < others; ++k) {
      go([&arrived, enter, leave, o = object.it, patient = r.below(3) == 0, pauses = r.below(60)] {
        arrived = true;
        enter(*o, patient);
        leave(o, pauses);
      });
    }
    await(arrived);
    if (!first) {
      enter(*object.it, r.below(4) == 0);
    }
    leave(object.it, r.below(60));
    await(dead);
    object.die();
  }
}

// The waiter is found between its announcement and its park, or parked, and takes the cond with it.
void conds(std::uint64_t seed) {
  base::rng r(seed);
  const auto end = check::clock::now() + longest;
  for (int i = 0; i < rounds && check::clock::now() < end; ++i) {
    mortal<sync::cond> changed;
    std::atomic<bool> announced{false};
    std::atomic<bool> dead{false};
    go([&announced, &dead, c = changed.it, pauses = r.below(100)] {
      struct moment {
        std::atomic<bool>& announced;
        std::uint32_t pauses;
        void lock() {}
        void unlock() {
          announced = true;
          pause(pauses);
        }
      } lock{announced, pauses};
      c->wait(lock);
      ::mprotect(c, 4096, PROT_NONE);
      dead = true;
    });
    await(announced);
    pause(r.below(100));
    changed.it->signal();
    await(dead);
    changed.die();
  }
}

struct meeting : conc::barrier {
  meeting() : barrier(2) {}
};

// Who waits gives up again and again, and sets the barrier up anew: the one that drops out, and completes the phase,
// often finds a queue, but nobody to wake.
void barriers(std::uint64_t seed) {
  using status = conc::barrier_status;
  base::rng r(seed);
  const auto end = check::clock::now() + longest;
  for (int i = 0; i < rounds && check::clock::now() < end; ++i) {
    mortal<meeting> place;
    std::atomic<bool> arrived{false};
    std::atomic<bool> dead{false};
    go([&arrived, &dead, b = place.it, patient = r.below(4) == 0] {
      arrived = true;
      status s = patient ? b->arrive_and_wait() : status::ended;
      while (s == status::ended) {
        s = b->arrive_and_wait_for(0s);
        if (s == status::ended) {
          b->reset();
        }
      }
      expect(s == status::passed || s == status::last, "only who gives up breaks a barrier");
      ::mprotect(b, 4096, PROT_NONE);
      dead = true;
    });
    await(arrived);
    pause(r.below(100));
    place.it->arrive_and_drop();
    await(dead);
    place.die();
  }
}

}  // namespace

int main() {
  for (const int procs : {1, 3}) {
    runtime::max_procs(procs);
    wait_groups(1);
    mutexes(2);
    conds(3);
    barriers(4);
  }
}
