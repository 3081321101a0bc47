// pool: values that are kept for the next one who needs such a value, instead of being made and destroyed each time.
// Source: Go sync.Pool. Differs: holds values of one type, move-only ones too, and its factory is part of its type if
// it captures something; drops by time, since there is no garbage collector whose cycles could tell it.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../detail/config.hpp"
#include "../detail/invoke.hpp"
#include "../detail/pool_core.hpp"

namespace gossamer::inline v0::sync {

// A pool holds any number of values, and may drop any of them at any time: it is no place for what must be kept.
// Values that nobody has taken for two to four seconds are destroyed, in a fiber of the runtime's (while a runtime runs
// in which fibers use the pool); the others with the pool, but for those that are being destroyed just then.
// Any fiber or thread may use it at any time. Fibers of one worker mostly get what was put there; a worker whose own
// values are used up takes from the others. A put() happens-before the get() that returns its value.
// T's move must not throw, and neither it nor T's destructor may block or use the pool. Constant-initialised if the
// factory is: usable in globals before main(). Not to be destroyed beside other calls.
//
//   constinit sync::pool<std::string> lines;                          // a new one is std::string()
//   sync::pool<buffer_ptr> buffers{[] { return make_buffer(4096); }};
//   sync::pool pool{[n] { return std::vector<char>(n); }};            // pool<std::vector<char>, (lambda)>
//
template <class T, class Make = T (*)()>
  requires std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>
class pool {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);

 public:
  constexpr pool() noexcept
    requires std::same_as<Make, T (*)()> && std::default_initializable<T>
      : make_([] { return T(); }) {}
  // `make` is called where get() finds nothing; by several at once, if they come at once.
  constexpr pool(Make make) noexcept(std::is_nothrow_move_constructible_v<Make>) : make_(std::move(make)) {}
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  // A value from the pool, or what the factory returns. Nobody may count on which. Throws what the factory throws.
  [[nodiscard]] T get() {
    if (cache* c = core_.enter()) [[likely]] {
      inside in{core_, c};
      if (detail::pool_core::is_full(c)) [[likely]] {
        in.news = detail::pool_core::set_full(c, false);
        const taken value{static_cast<T*>(core_.own_value(c))};
        return std::move(*value.at);
      }
    }
    alignas(T) std::byte room[sizeof(T)];
    if (core_.take(room)) {
      const taken value{reinterpret_cast<T*>(room)};
      return std::move(*value.at);
    }
    return detail::invoke(make_);
  }

  // Gives a value to the pool. Where there is no memory to keep it, it is destroyed.
  void put(T value) noexcept {
    if (cache* c = core_.enter()) [[likely]] {
      inside in{core_, c};
      if (!detail::pool_core::is_full(c)) [[likely]] {
        ::new (core_.own_value(c)) T(std::move(value));
        in.news = detail::pool_core::set_full(c, true);
        return;
      }
    }
    alignas(T) std::byte room[sizeof(T)];
    ::new (static_cast<void*>(room)) T(std::move(value));
    core_.give(room);
  }

 private:
  using cache = detail::pool_core::cache;

  struct inside {
    detail::pool_core& core;
    cache* c;
    bool news = false;
    ~inside() {
      detail::pool_core::leave(c);
      if (news) [[unlikely]] {
        core.want_visits();
      }
    }
  };
  struct taken {
    T* at;
    ~taken() { std::destroy_at(at); }
  };

  static void move(void* to, void* from) noexcept {
    const taken value{static_cast<T*>(from)};
    ::new (to) T(std::move(*value.at));
  }
  static void destroy(void* value) noexcept { std::destroy_at(static_cast<T*>(value)); }
  static void destroy_node(detail::garbage* node) noexcept { detail::pool_core::free_node(node, type); }

  static constexpr detail::pool_type type{sizeof(T), alignof(T), move, destroy, destroy_node};

  [[no_unique_address]] Make make_;
  detail::pool_core core_{type};
};

template <class F>
pool(F) -> pool<std::decay_t<std::invoke_result_t<F&>>, F>;

}  // namespace gossamer::inline v0::sync
