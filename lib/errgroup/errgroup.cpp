// errgroup: see gossamer/errgroup.hpp.
// Source: golang.org/x/sync/errgroup.
#include "gossamer/errgroup.hpp"

#include "gossamer/errors.hpp"
#include "gossamer/select.hpp"

namespace gossamer::inline v0 {

namespace detail {

void errgroup_core::fail(error e) {
  // relaxed: the wait group's done() publishes what is set here.
  if (failed.load(std::memory_order_relaxed) || failed.exchange(true, std::memory_order_relaxed)) {
    return;
  }
  err = std::move(e);
  if (cancel) {
    cancel(err);
  }
}

void errgroup_core::finish() noexcept {
  if (slots) {
    slots.recv();
  }
  running.done();
}

error errgroup_core::wait(const std::source_location& where) {
  running.wait(where);
  return end();
}

bool errgroup_core::wait_until(wait::limit limit, error& result, const std::source_location& where) {
  if (!running.wait_until(limit, where)) {
    return false;
  }
  result = end();
  return true;
}

error errgroup_core::end() {
  if (cancel) {
    cancel(err);
  }
  return err;
}

void errgroup_core::set_limit(int n) {
  if (const auto active = len(slots); active != 0) {
    gossamer::panic(errors::make("errgroup: modify limit while ", active, " fibers in the group are still active"));
  }
  slots = n < 0 ? chan<void>() : make_chan<void>(n);
}

void errgroup_core::release(errgroup_core* c) noexcept {
  // acq_rel: what the others did with it happens before its end.
  if (c->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete c;
  }
}

}  // namespace detail

namespace errgroup {

bool group::take_slot() const { return select(send(core_->slots), otherwise) == 0; }

bool group::wait_for_slot(wait::limit limit, const std::source_location& where) const {
  return core_->slots.send_until(limit, where) == channel_status::done;
}

std::pair<group, context::context> with_context(const context::context& ctx) {
  auto [child, cancel] = context::with_cancel_cause(ctx);
  group g;
  g.core_->cancel = std::move(cancel);
  return {std::move(g), std::move(child)};
}

}  // namespace errgroup

}  // namespace gossamer::inline v0
