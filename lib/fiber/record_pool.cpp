// record_pool: see record_pool.hpp.
#include "fiber/record_pool.hpp"

#include <sys/mman.h>

#include <cassert>
#include <mutex>
#include <new>

#include "machine/memory_name.hpp"
#include "machine/sanitizer.hpp"

namespace gossamer::inline v0 {

constinit record_pool records;

// A new slab of records: zero pages, which is what a free record is made of. Under guard_.
bool record_pool::grow() noexcept {
  assert(guard_.is_locked() && free_.head == nullptr && fresh_count_ == 0);
  void* p = ::mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    return false;
  }
  machine::name_memory(p, slab_bytes, "gossamer fibers");
  machine::root_region(p, slab_bytes);
  slab* s = ::new (p) slab{slabs_.load(std::memory_order_relaxed)};
  fresh_ = s->records();
  fresh_count_ = records_per_slab;
  ++slab_count_;
  // release: pairs with the acquire in for_each().
  slabs_.store(s, std::memory_order_release);
  return true;
}

record_list record_pool::take(std::size_t batch) noexcept {
  record_list out;
  const std::scoped_lock hold(guard_);
  while (out.size < batch) {
    if (free_.head != nullptr) {
      out.push(free_.pop());
    } else if (fresh_count_ > 0 || grow()) {
      out.push(::new (static_cast<void*>(fresh_)) fiber);
      ++fresh_;
      --fresh_count_;
    } else {
      break;
    }
  }
  return out;
}

void record_pool::give(record_list& given) noexcept {
  const std::scoped_lock hold(guard_);
  while (given.head != nullptr) {
    assert(given.head->id.load(std::memory_order_relaxed) == 0);  // relaxed: the record is the caller's
    free_.push(given.pop());
  }
}

}  // namespace gossamer::inline v0
