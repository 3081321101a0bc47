// semaphore: a number of tokens that are taken and given back, several at a time.
// Source: golang.org/x/sync/semaphore.
#pragma once

#include <cstdint>
#include <source_location>

#include "context.hpp"
#include "detail/config.hpp"
#include "error.hpp"
#include "sync/mutex.hpp"

namespace gossamer::inline v0::semaphore {

// weighted: strictly first come first served: who asks for little waits behind one who asks for much. Fixed in its
// place. From a fiber or a plain thread. release() happens-before the acquire() that it lets return.
class GOSSAMER_API weighted {
 public:
  // Source: Go's NewWeighted.
  constexpr explicit weighted(std::int64_t size) noexcept : size_(size) {}
  weighted(const weighted&) = delete;
  weighted& operator=(const weighted&) = delete;

  // Blocks until it has taken n tokens (nil), or ctx is cancelled: then it takes none and returns ctx.err(), though
  // there be enough. Where n is more than there ever are it waits for ctx alone, in nobody's way. Negative n panics
  // with `semaphore: negative weight`.
  error acquire(const context::context& ctx, std::int64_t n,
                std::source_location where = std::source_location::current());

  // Takes n tokens if there are enough and nobody waits; true if it did. Never blocks.
  [[nodiscard]] bool try_acquire(std::int64_t n);

  // Gives n tokens back. Panics with `semaphore: released more than held`.
  void release(std::int64_t n);

 private:
  struct waiter;

  struct queue {
    waiter* first = nullptr;
    waiter* last = nullptr;
    void push(waiter& w) noexcept;
    void remove(waiter& w) noexcept;
  };

  bool take(std::int64_t n) noexcept;
  void grant() noexcept;
  void forget_abandoned() noexcept;

  const std::int64_t size_;
  // Guarded by mu_. While it is free the first waiter wants more than size_ - taken_.
  sync::mutex mu_;
  std::int64_t taken_ = 0;
  queue waiters_;
  queue granted_;                 // they have not returned yet
  std::uint32_t run_number_ = 0;  // of the run() in which those of earlier ones were last looked for
};

}  // namespace gossamer::inline v0::semaphore
