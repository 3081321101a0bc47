// object: see object.hpp.
#include "debug/object.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "chan/select_ticket.hpp"
#include "gossamer/detail/chan_core.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/sync/rw_mutex.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::debug {

using gossamer::detail::chan_core;

// What may look into the library's classes, at a copy of their bytes.
struct inside {
  static void look_at(const sync::mutex& m, object_seen& to) noexcept {
    // relaxed, here and below: a copy, which nobody else knows.
    to.info.locked = (m.word_.load(std::memory_order_relaxed) & sync::mutex::locked) != 0;
    to.holder = to.info.locked ? m.holder_.load(std::memory_order_relaxed) : nullptr;
  }
  static void look_at(const sync::rw_mutex& m, object_seen& to) noexcept {
    const std::uint64_t word = m.word_.load(std::memory_order_relaxed);
    to.info.locked = (word & sync::rw_mutex::writer) != 0;
    to.info.readers = static_cast<std::uint32_t>(word / sync::rw_mutex::reader);
    to.holder = to.info.locked ? m.holder_.load(std::memory_order_relaxed) : nullptr;
  }
  static void look_at(const chan_core& c, object_seen& to) noexcept {
    to.info.len = c.end == nullptr ? std::size_t{c.count} : 0;  // not by chan_len(), which takes the guard
    to.info.cap = gossamer::detail::chan_cap(&c);
    to.info.closed = c.closed;
  }
};

namespace {

std::string_view kind_of(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
    case wait_reason::select:
      return "chan";
    case wait_reason::mutex_lock:
      return "sync.Mutex";
    case wait_reason::once_do:
      return "sync.Once";
    case wait_reason::rw_mutex_rlock:
    case wait_reason::rw_mutex_lock:
      return "sync.RWMutex";
    case wait_reason::wait_group_wait:
      return "sync.WaitGroup";
    case wait_reason::barrier_wait:
      return "barrier";
    case wait_reason::cond_wait:
      return "sync.Cond";
    case wait_reason::io_wait:
      return "descriptor";
    case wait_reason::semacquire:
      return "semaphore";
    case wait_reason::none:
    case wait_reason::chan_receive_nil:
    case wait_reason::chan_send_nil:
    case wait_reason::select_no_cases:
    case wait_reason::sleep:
    case wait_reason::synctest_run:
    case wait_reason::synctest_wait:
      break;
  }
  return "";
}

// Whether nobody has claimed its ticket, which lies on its stack.
bool still_waits(const fiber& f) noexcept {
  // acquire: the look comes after the copying.
  std::atomic_thread_fence(std::memory_order_acquire);
  return f.state.load(std::memory_order_relaxed) == fiber_state::parked && !wait::is_claimed(*f.ticket);
}

// All of them by one call.
template <class Object>
void read(const fiber& f, objects_seen& to) noexcept {
  struct alignas(Object) copy {
    std::array<std::byte, sizeof(Object)> bytes;
  };
  std::array<copy, objects_seen::at_most> copies;
  std::array<iovec, objects_seen::at_most> there;
  for (std::size_t i = 0; i < to.count; ++i) {
    there[i] = {const_cast<void*>(to.objects[i].info.address), sizeof(Object)};
  }
  static_assert(sizeof(copy) == sizeof(Object));
  const iovec here{copies.data(), to.count * sizeof(Object)};
  const ssize_t n = ::process_vm_readv(::getpid(), &here, 1, there.data(), to.count, 0);
  if (n != static_cast<ssize_t>(here.iov_len) || !still_waits(f)) {
    return;
  }
  for (std::size_t i = 0; i < to.count; ++i) {
    to.objects[i].info.known = true;
    inside::look_at(*reinterpret_cast<const Object*>(&copies[i]), to.objects[i]);
  }
}

void add(const void* address, std::string_view kind, objects_seen& to) noexcept {
  if (to.count < objects_seen::at_most) {
    object_seen& next = to.objects[to.count++];
    next = {};
    next.info.address = address;
    next.info.kind = kind;
  }
}

}  // namespace

void objects_of(const fiber& f, objects_seen& to) noexcept {
  to.count = 0;
  const std::string_view kind = kind_of(f.reason);
  if (kind.empty() || f.object == nullptr) {
    return;
  }
  add(f.object, kind, to);
  switch (f.reason) {
    case wait_reason::select: {
      const auto& all = static_cast<const gossamer::detail::select_ticket&>(*f.ticket);
      std::for_each(all.channels + 1, all.channels + all.count, [&](const chan_core* c) { add(c, kind, to); });
      read<chan_core>(f, to);
      break;
    }
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
      read<chan_core>(f, to);
      break;
    case wait_reason::mutex_lock:
      read<sync::mutex>(f, to);
      break;
    case wait_reason::rw_mutex_rlock:
    case wait_reason::rw_mutex_lock:
      read<sync::rw_mutex>(f, to);
      break;
    default:
      break;
  }
}

}  // namespace gossamer::inline v0::debug
