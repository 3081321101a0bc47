// this_thread: see this_thread.hpp.
#include "sched/this_thread.hpp"

#include "base/fatal.hpp"
#include "fiber/locals.hpp"
#include "fiber/record_pool.hpp"
#include "gossamer/detail/deadline.hpp"

namespace gossamer::inline v0::sched {

namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local worker* tls_worker = nullptr;

// Gives the record back when its thread ends.
struct record_owner {
  fiber* record = nullptr;
  ~record_owner() {
    if (record != nullptr) {
      record->state.store(fiber_state::free, std::memory_order_relaxed);
      record_list one;
      one.push(record);
      records.give(one);
    }
  }
};
thread_local record_owner tls_record;

struct locals_owner {
  detail::local_table* table = nullptr;
  ~locals_owner() { detail::destroy_locals(table); }
};
thread_local locals_owner tls_locals;

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

[[gnu::noinline]] base::rng& thread_rng() noexcept {
  thread_local base::rng generator(static_cast<std::uint64_t>(detail::now()));
  base::rng* r = &generator;
  asm volatile("" : "+r"(r));
  return *r;
}

[[gnu::noinline]] detail::local_table*& thread_locals() noexcept {
  detail::local_table** t = &tls_locals.table;
  asm volatile("" : "+r"(t));
  return *t;
}

[[gnu::noinline]] fiber* thread_record() noexcept {
  fiber*& f = tls_record.record;
  if (f == nullptr) {
    record_list one = records.take(1);
    if (one.size == 0) {
      base::fatal("out of memory: a thread cannot wait");
    }
    f = one.pop();
    f->state.store(fiber_state::thread, std::memory_order_relaxed);
  }
  return f;
}

}  // namespace gossamer::inline v0::sched
