// object: see object.hpp.
#include "debug/object.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "gossamer/detail/chan_core.hpp"
#include "gossamer/sync/mutex.hpp"
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
  static void look_at(const chan_core& c, object_seen& to) noexcept {
    to.info.len = c.end == nullptr ? std::size_t{c.count} : 0;  // not by chan_len(), which takes the guard
    to.info.cap = gossamer::detail::chan_cap(&c);
    to.info.closed = c.closed;
    to.references = c.references.load(std::memory_order_relaxed);
    to.of_timer = c.end != nullptr;
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
      break;
  }
  return "";
}

// Whether nobody has claimed its ticket, which lies on its stack.
bool still_waits(const fiber& f) noexcept {
  // acquire: the look comes after the copying.
  std::atomic_thread_fence(std::memory_order_acquire);
  const wait::ticket& t = *f.ticket;
  return f.state.load(std::memory_order_relaxed) == fiber_state::parked &&
         (t.uncontested ? static_cast<const volatile wait::outcome&>(t.result) == wait::outcome::pending
                        : !t.claimed.load(std::memory_order_relaxed));
}

template <class Object>
void read(const fiber& f, object_seen& to) noexcept {
  alignas(Object) std::array<std::byte, sizeof(Object)> copy;
  const iovec here{copy.data(), copy.size()};
  const iovec there{const_cast<void*>(f.object), copy.size()};
  if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == static_cast<ssize_t>(copy.size()) && still_waits(f)) {
    to.info.known = true;
    inside::look_at(*reinterpret_cast<const Object*>(copy.data()), to);
  }
}

}  // namespace

object_seen object_of(const fiber& f) noexcept {
  object_seen seen;
  seen.info.kind = kind_of(f.reason);
  if (seen.info.kind.empty() || f.object == nullptr) {
    seen.info.kind = {};
    return seen;
  }
  seen.info.address = f.object;
  switch (f.reason) {
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
    case wait_reason::select:
      read<chan_core>(f, seen);
      break;
    case wait_reason::mutex_lock:
      read<sync::mutex>(f, seen);
      break;
    default:
      break;
  }
  return seen;
}

}  // namespace gossamer::inline v0::debug
