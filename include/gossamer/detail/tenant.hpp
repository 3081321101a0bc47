// tenant: an object that keeps memory which it may give back when nobody has used it for a while. The runtime visits
// all of them every few seconds; see lib/sync/tenants.cpp.
#pragma once

#include <atomic>

#include "config.hpp"
#include "garbage.hpp"

namespace gossamer::inline v0::detail {

class GOSSAMER_API tenant {
 public:
  // Moves what is to go into `out`; true if it wants another visit. Must not block. No two visits at once.
  using visit_function = bool (*)(tenant&, garbage_list& out) noexcept;

  constexpr explicit tenant(visit_function visit) noexcept : visit_(visit) {}
  tenant(const tenant&) = delete;
  tenant& operator=(const tenant&) = delete;

  // It has something that may have to be given back: it is visited from now on. From anywhere, often.
  void want_visits() noexcept {
    // relaxed: what a visit looks at is ordered by its own lock, and the flag is down before the visitor takes that.
    if (!listed_.load(std::memory_order_relaxed)) [[unlikely]] {
      enlist();
    }
  }
  // No more visits, and none in progress once it returns.
  void end_visits() noexcept;

  // For tests: a round of visits now. The caller is a fiber; it destroys what comes out.
  static void visit_all_now() noexcept;

 private:
  void enlist() noexcept;
  void unlink() noexcept;
  static bool visit_all(garbage_list& out) noexcept;
  static bool upkeep() noexcept;

  const visit_function visit_;
  // Guarded by the lock of the list of all.
  std::atomic<bool> listed_{false};  // but for its own visit: whether it is in the list
  tenant* previous_ = nullptr;
  tenant* next_ = nullptr;
};

}  // namespace gossamer::inline v0::detail
