// fiber_local: whose values they are. See gossamer/fiber_local.hpp.
#include "fiber/locals.hpp"
#include "gossamer/detail/completion.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::detail {

using sched::this_fiber;

const void* running_fiber() noexcept { return this_fiber(); }

local_value* local_find(const local_key& key) noexcept {
  const fiber* const f = this_fiber();
  return find_local(f != nullptr ? f->locals : sched::thread_locals(), key);
}

void local_add(local_key& key, local_value* v) {
  if (fiber* f = this_fiber()) {
    f->set(mark::locals);
    add_local(f->locals, key, v);
  } else {
    add_local(sched::thread_locals_to_change(), key, v);
  }
}

}  // namespace gossamer::inline v0::detail
