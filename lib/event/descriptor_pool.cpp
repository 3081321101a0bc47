// descriptor_pool: see descriptor_pool.hpp.
#include "event/descriptor_pool.hpp"

#include <cassert>
#include <new>

namespace gossamer::inline v0::event {

descriptor* descriptor_pool::take() noexcept {
  const std::scoped_lock hold(lock_);
  if (free_ == nullptr) {
    auto* chunk = chunks_made_ < chunks ? new (std::nothrow) descriptor[chunk_size] : nullptr;
    if (chunk == nullptr) {
      return nullptr;
    }
    for (std::uint32_t i = chunk_size; i-- > 0;) {
      chunk[i].index = chunks_made_ * chunk_size + i;
      chunk[i].next = free_;
      free_ = &chunk[i];
    }
    // release: pairs with the acquire in at().
    chunks_[chunks_made_++].store(chunk, std::memory_order_release);
  }
  descriptor* const d = free_;
  free_ = d->next;
  return d;
}

void descriptor_pool::give(descriptor* d) noexcept {
  const std::scoped_lock hold(lock_);
  assert(d->fd == -1 && wait::is_idle(d->in.waiters) && wait::is_idle(d->out.waiters));
  d->next = free_;
  free_ = d;
}

bool descriptor_pool::anybody_waits() noexcept {
  return any_of([](const descriptor& d) { return d.in.waiters.head != nullptr || d.out.waiters.head != nullptr; });
}

}  // namespace gossamer::inline v0::event
