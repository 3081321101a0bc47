// defer: see gossamer/defer.hpp.
#include "gossamer/defer.hpp"

#include <utility>

#include "base/exit.hpp"
#include "base/fatal.hpp"
#include "base/panic_chain.hpp"

namespace gossamer::inline v0 {

void detail::panicked_while_unwinding() noexcept {
  base::begin_report();
  base::print_error(base::panic_chain(std::current_exception()));
  base::print_error("\t[thrown by a deferred call while another exception was unwinding its scope]\n");
  base::on_fatal();
  base::quit(2);
}

namespace {

// Whether `payload` is that of e, or of a panic before it: linking it to e would close a circle.
bool is_in_chain(std::exception_ptr e, const detail::panic_payload* payload) {
  while (e != nullptr) {
    try {
      std::rethrow_exception(e);
    } catch (const panic_error& p) {
      if (&p.payload() == payload) {
        return true;
      }
      e = p.payload().previous;
    } catch (...) {
      return false;
    }
  }
  return false;
}

}  // namespace

std::optional<panic_error> defers::recover() {
  if (panic_ == nullptr) {
    return std::nullopt;
  }
  recovered_ = std::exchange(panic_, nullptr);
  try {
    std::rethrow_exception(recovered_);
  } catch (const panic_error& p) {
    return p;
  } catch (...) {
    return panic_error(
        std::make_shared<detail::panic_value<std::exception_ptr>>(base::panic_text(recovered_), recovered_));
  }
}

void defers::catch_body() {
  try {
    throw;
  } catch (const base::fiber_exit&) {
    exit_ = std::current_exception();
  } catch (...) {
    panic_ = std::current_exception();
  }
}

// In a catch of what left a deferred call.
void defers::note_thrown() {
  try {
    throw;
  } catch (base::fiber_exit& again) {
    if (exit_ == nullptr) {
      exit_ = std::current_exception();
    } else {
      again.arrive();
    }
    panic_ = nullptr;  // Go: goexit aborts the panic
  } catch (const panic_error& p) {
    const std::exception_ptr now = std::current_exception();
    const bool was_recovered = panic_ == nullptr && recovered_ != nullptr;
    const std::exception_ptr before = was_recovered ? recovered_ : panic_;
    if (p.payload().previous == nullptr && !is_in_chain(before, &p.payload())) {
      p.payload().previous = before;
      p.payload().previous_recovered = was_recovered;
    }
    panic_ = now;
  } catch (...) {
    panic_ = std::current_exception();
  }
}

// What has been deferred, and what that defers.
void defers::run_all() {
  while (!calls_.empty()) {
    const std::function<void()> call = std::move(calls_.back());
    calls_.pop_back();
    try {
      call();
    } catch (...) {
      note_thrown();
    }
    recovered_ = nullptr;
  }
}

// goexit gives way to a panic.
void defers::give_up_exit() noexcept {
  if (exit_ != nullptr) {
    try {
      std::rethrow_exception(std::exchange(exit_, nullptr));
    } catch (base::fiber_exit& dropped) {
      dropped.arrive();
    }
  }
}

void defers::finish() {
  run_all();
  if (panic_ != nullptr) {
    give_up_exit();
    std::rethrow_exception(std::exchange(panic_, nullptr));
  }
  if (exit_ != nullptr) {
    std::rethrow_exception(std::exchange(exit_, nullptr));
  }
}

}  // namespace gossamer::inline v0
