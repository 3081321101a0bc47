// tenants: all objects that may give memory back; see gossamer/detail/tenant.hpp.
#include "gossamer/detail/spin_lock.hpp"
#include "gossamer/detail/tenant.hpp"
#include "sched/park.hpp"

namespace gossamer::inline v0::detail {

namespace {

constinit spin_lock guard;
// Guarded by it: those that want visits.
constinit tenant* first = nullptr;

// The body of the fiber in which users' destructors run: a worker's own stack is no place for them.
void destroy_in_fiber(void* head) {
  auto* g = static_cast<garbage*>(head);
  while (g != nullptr) {
    garbage* const next = g->next;
    g->destroy(g);
    g = next;
  }
}

}  // namespace

void tenant::enlist() noexcept {
  guard.lock();
  const bool news = !listed_.exchange(true);
  if (news) {
    previous_ = nullptr;
    next_ = first;
    if (first != nullptr) {
      first->previous_ = this;
    }
    first = this;
  }
  guard.unlock();
  if (news) {
    sched::look_after(upkeep);
  }
}

void tenant::unlink() noexcept {
  (previous_ != nullptr ? previous_->next_ : first) = next_;
  if (next_ != nullptr) {
    next_->previous_ = previous_;
  }
}

void tenant::end_visits() noexcept {
  guard.lock();
  if (listed_.exchange(false)) {
    unlink();
  }
  guard.unlock();
}

// True if somebody wants another visit. Whom this one leaves with nothing to give goes from the list.
bool tenant::visit_all(garbage_list& out) noexcept {
  guard.lock();
  for (tenant* t = first; t != nullptr;) {
    tenant* const next = t->next_;
    // Before the visit: what comes up behind it finds the flag down, and waits for the guard.
    t->listed_.store(false);
    if (t->visit_(*t, out)) {
      t->listed_.store(true);
    } else {
      t->unlink();
    }
    t = next;
  }
  const bool more = first != nullptr;
  guard.unlock();
  return more;
}

bool tenant::upkeep() noexcept {
  garbage_list out;
  const bool more = visit_all(out);
  if (!out.empty()) {
    // The links survive without the list.
    garbage* const head = out.release();
    sched::ready_last(sched::new_fiber(destroy_in_fiber, head, __builtin_return_address(0)));
  }
  return more;
}

void tenant::visit_all_now() noexcept {
  garbage_list out;
  visit_all(out);
  out.destroy_all();
}

}  // namespace gossamer::inline v0::detail
