// this_thread: see this_thread.hpp.
#include "sched/this_thread.hpp"

#include <cxxabi.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <utility>

#include "base/fatal.hpp"
#include "fiber/locals.hpp"
#include "fiber/record_pool.hpp"
#include "gossamer/detail/deadline.hpp"
#include "sched/worker.hpp"

extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

namespace gossamer::inline v0::sched {

namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local worker* tls_worker = nullptr;

// What a plain thread owns. Destructors of the program's own thread-locals and static objects may block and use
// fiber_locals before the library's turn has come and after it: so each time that a thread comes to own something, this
// is registered anew. It has no destructor, or nothing could be made again after that had run.
struct belongings {
  fiber* record = nullptr;
  detail::local_table* locals = nullptr;
  bool registered = false;
  bool among_thread_locals = false;  // whether it has been registered there
};
[[gnu::tls_model("initial-exec")]] constinit thread_local belongings tls_own;

[[gnu::noinline]] belongings& own() noexcept {
  belongings* b = &tls_own;
  asm volatile("" : "+r"(b));
  return *b;
}

void give_up_all() noexcept {
  belongings& mine = own();
  detail::destroy_locals(mine.locals);  // they may block: the record comes after them
  if (fiber* const f = std::exchange(mine.record, nullptr)) {
    f->state.store(fiber_state::free, std::memory_order_relaxed);
    record_list one;
    one.push(f);
    records.give(one);
  }
  mine.registered = false;
}

constinit std::atomic<bool> exit_registered{false};

extern "C" void gossamer_thread_ends(void*) { give_up_all(); }
extern "C" void gossamer_thread_exits() {
  exit_registered.store(false);
  give_up_all();
}

// The last chance of a thread that ends: its keys are destroyed after its thread-locals, in up to four rounds.
pthread_key_t last_key() noexcept {
  static const pthread_key_t key = [] {
    pthread_key_t k{};
    return ::pthread_key_create(&k, gossamer_thread_ends) == 0 ? k : ~pthread_key_t{0};
  }();
  return key;
}

// As a thread-local whose construction ends here, but only once: where it comes back to life while keys are destroyed,
// no thread-local's turn comes any more, and the C library would keep the entry for ever. As one of the thread's keys;
// and, for the thread that calls exit(), as a static object, since it has no thread-locals left by the time of the
// others.
void register_own(belongings& mine) noexcept {
  if (mine.registered) {
    return;
  }
  mine.registered = true;
  if (!std::exchange(mine.among_thread_locals, true)) {
    abi::__cxa_thread_atexit(gossamer_thread_ends, nullptr, &__dso_handle);
  }
  ::pthread_setspecific(last_key(), &mine);
  if (!exit_registered.exchange(true)) {
    std::atexit(gossamer_thread_exits);
  }
}

}  // namespace

[[gnu::noinline]] worker* this_worker() noexcept {
  worker* w = tls_worker;
  asm volatile("" : "+r"(w));
  return w;
}

[[gnu::noinline]] void set_this_worker(worker* w) noexcept {
  tls_worker = w;
  asm volatile("" ::: "memory");
}

fiber* this_fiber() noexcept {
  const worker* const w = this_worker();
  return w != nullptr ? w->current() : nullptr;
}

[[gnu::noinline]] base::rng& thread_rng() noexcept {
  thread_local base::rng generator(static_cast<std::uint64_t>(detail::now()));
  base::rng* r = &generator;
  asm volatile("" : "+r"(r));
  return *r;
}

detail::local_table*& thread_locals() noexcept { return own().locals; }

detail::local_table*& thread_locals_to_change() noexcept {
  belongings& mine = own();
  register_own(mine);
  return mine.locals;
}

fiber* thread_record() noexcept {
  belongings& mine = own();
  if (mine.record == nullptr) {
    register_own(mine);
    record_list one = records.take(1);
    if (one.size == 0) {
      base::fatal("out of memory: a thread cannot wait");
    }
    mine.record = one.pop();
    mine.record->state.store(fiber_state::thread, std::memory_order_relaxed);
  }
  return mine.record;
}

}  // namespace gossamer::inline v0::sched
