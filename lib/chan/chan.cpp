// chan: the general cases of the channel operations. See gossamer/detail/chan_core.hpp.
// Source: Go runtime/chan.go.
#include "gossamer/detail/chan_core.hpp"

#include <cassert>
#include <limits>
#include <memory>
#include <mutex>

#include "base/fatal.hpp"
#include "chan/attempt.hpp"
#include "gossamer/detail/deadline.hpp"
#include "gossamer/panic.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"
#include "wait/waiter.hpp"

namespace gossamer::inline v0::detail {

namespace {

// The largest buffer, as in Go: what an address space of 47 bits can hold at all.
constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 47;

// Blocks for ever: a nil channel.
[[noreturn]] void block_for_ever(wait_reason reason, const std::source_location& where) {
  for (;;) {
    sched::wait_on_nothing({.reason = reason, .object = nullptr, .where = where, .durable = true});
  }
}

// False once the channel is closed. Enters with the guard held and releases it. Compiled once for each way.
[[gnu::always_inline]] inline bool transfer(chan_core& c, direction way, void* value,
                                            const std::source_location& where) {
  fiber* woken = nullptr;
  const attempt_result result = attempt(c, way, value, &woken);
  if (result != attempt_result::blocked) {
    c.guard.unlock();  // P7
    if (woken != nullptr) {
      sched::ready(woken);  // P5
    }
    return result == attempt_result::done;
  }
  const bool sending = way == direction::send;
  return sched::wait_on(sending ? c.senders : c.receivers, c.guard,
                        {.reason = sending ? wait_reason::chan_send : wait_reason::chan_receive,
                         .object = &c,
                         .where = where,
                         .value = value}) == sched::wait_result::granted;
}

}  // namespace

chan_core* chan_make(const element_type& type, std::uint64_t capacity, bool negative) {
  const bool absurd = negative || capacity > static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) ||
                      (type.size != 0 && capacity > largest_buffer / type.size);
  if (absurd) {
    detail::throw_runtime_error("makechan: size out of range");
  }
  auto c = std::make_unique<chan_core>();
  c->capacity = static_cast<std::size_t>(capacity);
  c->type = &type;
  c->bubble = current_bubble();
  if (type.size != 0 && capacity != 0) {
    c->slots = static_cast<std::byte*>(::operator new(c->capacity * type.size, std::align_val_t(type.align)));
  }
  return c.release();
}

void chan_destroy(chan_core* c) noexcept {
  assert(c->references.load(std::memory_order_relaxed) == 0 && !c->guard.is_locked());
  if (c->end != nullptr) {
    c->end(c);
    return;
  }
  if (c->slots != nullptr) {
    for (; c->count > 0; --c->count) {
      c->type->destroy(slot(*c, c->head));
      c->head = c->next(c->head);
    }
    ::operator delete(c->slots, std::align_val_t(c->type->align));
  }
  delete c;
}

[[gnu::noinline]] void check_bubble(const chan_core& c, channel_use use) {
  if (c.bubble == 0 || c.bubble == current_bubble()) {
    return;
  }
  switch (use) {
    case channel_use::send:
      base::fatal("send on synctest channel from outside bubble");
    case channel_use::receive:
      base::fatal("receive on synctest channel from outside bubble");
    case channel_use::close:
      base::fatal("close of synctest channel from outside bubble");
    case channel_use::select:
      base::fatal("select on synctest channel from outside bubble");
  }
}

void chan_close(chan_core* c) {
  if (c == nullptr) {
    detail::throw_runtime_error("close of nil channel");
  }
  check_bubble(*c, channel_use::close);
  fiber_list woken;
  {
    const std::scoped_lock hold(c->guard);
    if (c->closed) {
      detail::throw_runtime_error("close of closed channel");
    }
    c->closed.store_release(true);
    claim_all(c->receivers, woken);  // CH6: not granted
    claim_all(c->senders, woken);    // CH7: they panic
    check_invariants(*c);
  }
  sched::ready_all(woken);
}

void chan_send(chan_core* c, void* value, std::source_location where) {
  if (c == nullptr) {
    block_for_ever(wait_reason::chan_send_nil, where);
  }
  if (c->bubble != 0) [[unlikely]] {
    check_bubble(*c, channel_use::send);
  }
  if (!transfer(*c, direction::send, value, where)) {
    detail::throw_runtime_error("send on closed channel");
  }
}

bool chan_recv(chan_core* c, void* to, std::source_location where) {
  if (c == nullptr) {
    block_for_ever(wait_reason::chan_receive_nil, where);
  }
  if (c->bubble != 0) [[unlikely]] {
    check_bubble(*c, channel_use::receive);
  }
  return transfer(*c, direction::receive, to, where);
}

std::size_t chan_len(const chan_core* c) noexcept {
  if (c == nullptr || c->end != nullptr) {  // CH4
    return 0;
  }
  const std::scoped_lock hold(const_cast<chan_core*>(c)->guard);
  return c->count;
}

}  // namespace gossamer::inline v0::detail
