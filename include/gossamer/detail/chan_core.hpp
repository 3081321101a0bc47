// chan_core: the untyped channel that every chan<T> is a face of. What need not know T is compiled once, in lib/chan.
// Source: Go runtime/chan.go. Differs: reference counted; the quick cases are inlined where T is known.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "invoke.hpp"
#include "relaxed.hpp"
#include "resched.hpp"
#include "spin_lock.hpp"
#include "stop.hpp"
#include "wait_list.hpp"

namespace gossamer::inline v0::detail {

// What the core must know of the type that it carries.
struct element_type {
  std::size_t size;  // of a slot; 0 where a value carries no information
  std::size_t align;
  void (*move)(void* to, void* from) noexcept;  // constructs *to from *from, which stays alive
  void (*destroy)(void* value) noexcept;
};

// Its guard, whether it is closed, and its receivers are those of the stop that its receiving end is.
struct chan_core : stop_core {
  // While guard is free, but for waiters that have lost and are about to withdraw:
  //   count < capacity  implies senders is empty        count > 0  implies receivers is empty
  //   closed            implies both are empty          tail == (head + count) mod capacity
  relaxed<std::size_t> count = 0;
  std::size_t capacity = 0;
  std::size_t head = 0;  // the slot that is received next
  std::size_t tail = 0;  // the slot that is filled next
  std::byte* slots = nullptr;
  wait_list senders;
  const element_type* type = nullptr;
  std::atomic<std::size_t> references{1};
  // Of the channel of a timer: destroys it, when no reference is left. Such a channel has room for one value, but looks
  // unbuffered.
  void (*end)(chan_core*) noexcept = nullptr;

  std::size_t next(std::size_t slot) const noexcept { return slot + 1 == capacity ? 0 : slot + 1; }
};

enum class direction : bool { receive, send };

// Whether an attempt could succeed. Without the guard: there was an instant during the call when a `false` was true,
// since a closed channel stays closed: a receive looks for values before it looks for the close, a send afterwards.
// With the guard: `false` is certain; `true` may be owed to waiters that are about to withdraw.
inline bool may_succeed(const chan_core& c, direction way) noexcept {
  if (way == direction::receive) {
    return (c.capacity > 0 ? c.count.load_acquire() > 0 : c.senders.head.load_acquire() != nullptr) || c.closed;
  }
  return c.closed.load_acquire() || (c.capacity > 0 ? c.count < c.capacity : !c.receivers.empty());
}

// A channel of `capacity` elements with one reference. `negative`: the caller's capacity was below zero.
// Panics with `makechan: size out of range`.
GOSSAMER_API chan_core* chan_make(const element_type& type, std::uint64_t capacity, bool negative);
// Destroys what is buffered, and the channel.
GOSSAMER_API void chan_destroy(chan_core* c) noexcept;
GOSSAMER_API void chan_close(chan_core* c);

// By who uses a channel of a bubble: the process ends, with Go's text, where the caller is not in it.
enum class channel_use : unsigned char { send, receive, close, select };
GOSSAMER_API void check_bubble(const chan_core& c, channel_use use);

// The general cases. `c` may be null (blocks for ever); otherwise the caller holds its guard, and they release it.
// chan_send moves from *value; it panics with `send on closed channel`.
GOSSAMER_API void chan_send(chan_core* c, void* value, std::source_location where);
// chan_recv constructs *to and returns true, or returns false once the channel is closed and drained.
GOSSAMER_API bool chan_recv(chan_core* c, void* to, std::source_location where);

GOSSAMER_API std::size_t chan_len(const chan_core* c) noexcept;
inline std::size_t chan_cap(const chan_core* c) noexcept { return c == nullptr || c->end != nullptr ? 0 : c->capacity; }

inline void chan_retain(chan_core* c) noexcept {
  if (c != nullptr) {
    // relaxed: the caller has a reference already, so nothing is published.
    c->references.fetch_add(1, std::memory_order_relaxed);
  }
}
inline void chan_release(chan_core* c) noexcept {
  // acq_rel: every use through another reference happens before the destruction.
  if (c != nullptr && c->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    chan_destroy(c);
  }
}

// A value whose move may throw travels in a box: values change hands under the channel's guard, where nothing may
// throw.
template <class T>
class boxed {
 public:
  explicit boxed(T&& value) : value_(new T(std::move(value))) {}
  boxed(boxed&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  boxed& operator=(boxed&&) = delete;
  ~boxed() { delete value_; }
  T&& open() noexcept { return std::move(*value_); }

 private:
  T* value_;
};

// What lies in a slot.
template <class T>
using cell = std::conditional_t<std::is_nothrow_move_constructible_v<T>, T, boxed<T>>;

// True where a value carries no information, so that nothing need be stored or moved.
template <class T>
inline constexpr bool is_unit =
    std::is_empty_v<T> && std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T>;

template <class Cell>
inline constexpr element_type element_type_of = {
    is_unit<Cell> ? 0 : sizeof(Cell), alignof(Cell),
    [](void* to, void* from) noexcept { ::new (to) Cell(std::move(*static_cast<Cell*>(from))); },
    [](void* value) noexcept { static_cast<Cell*>(value)->~Cell(); }};

// Sends *value: a free slot and nobody waiting is settled here, everything else, and all on a bubble's channel, by
// chan_send().
template <class Cell>
inline void send_cell(chan_core* c, Cell* value, const std::source_location& where) {
  cond_resched();
  if (c != nullptr) [[likely]] {
    c->guard.lock();
    if (c->count < c->capacity && c->receivers.empty() && !c->closed && c->bubble == 0) {
      if constexpr (!is_unit<Cell>) {
        ::new (c->slots + c->tail * sizeof(Cell)) Cell(std::move(*value));
      }
      c->tail = c->next(c->tail);
      ++c->count;
      c->guard.unlock();
      return;
    }
  }
  chan_send(c, value, where);
}

// Receives into *to: a buffered value and no blocked sender is settled here, everything else, and all on a bubble's
// channel, by chan_recv().
template <class Cell>
inline bool recv_cell(chan_core* c, void* to, const std::source_location& where) {
  cond_resched();
  if (c != nullptr) [[likely]] {
    c->guard.lock();
    if (c->count > 0 && c->senders.empty() && c->bubble == 0) {
      if constexpr (is_unit<Cell>) {
        ::new (to) Cell();
      } else {
        Cell* slot = std::launder(reinterpret_cast<Cell*>(c->slots + c->head * sizeof(Cell)));
        ::new (to) Cell(std::move(*slot));
        slot->~Cell();
      }
      c->head = c->next(c->head);
      --c->count;
      c->guard.unlock();
      return true;
    }
  }
  return chan_recv(c, to, where);
}

// Storage for one value that may or may not arrive.
template <class T>
class arrival {
 public:
  arrival() noexcept {}
  arrival(const arrival&) = delete;
  arrival& operator=(const arrival&) = delete;
  ~arrival() {
    if (present_) {
      value_.~type();
    }
  }

  bool receive(chan_core* c, const std::source_location& where) {
    present_ = recv_cell<type>(c, room(), where);
    return present_;
  }
  // The same in two steps: where the value is to be put, and whether it has been.
  void* room() noexcept { return detail::address_of(value_); }
  void settle(bool present) noexcept { present_ = present; }
  // The value that arrived.
  T&& take() noexcept {
    if constexpr (std::is_same_v<type, T>) {
      return std::move(value_);
    } else {
      return value_.open();
    }
  }

 private:
  using type = cell<T>;
  union {
    type value_;
  };
  bool present_ = false;
};

// One counted reference to a channel, or none.
class chan_reference {
 public:
  constexpr chan_reference() noexcept = default;
  // Takes over a reference that the caller has.
  explicit chan_reference(chan_core* c) noexcept : core_(c) {}
  chan_reference(const chan_reference& other) noexcept : core_(other.core_) { chan_retain(core_); }
  chan_reference(chan_reference&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  chan_reference& operator=(chan_reference other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~chan_reference() { chan_release(core_); }

  chan_core* core() const noexcept { return core_; }

 private:
  chan_core* core_ = nullptr;
};

}  // namespace gossamer::inline v0::detail
