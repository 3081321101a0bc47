// pipe: a connection in memory. See gossamer/net/conn.hpp.
// Source: Go's net.Pipe. Differs: a reader copies from the writer's memory under a lock, instead of through channels.
//
// The two ends share one object, and its guard. What one end writes lies in a lane: one writer at a time offers what he
// has, the others stand in line; readers take what they can, and wake the writer when nothing is left.
#include <algorithm>
#include <cassert>
#include <cstring>
#include <mutex>

#include "gossamer/detail/deadline.hpp"
#include "gossamer/detail/turn.hpp"
#include "gossamer/net/conn.hpp"
#include "net/trouble.hpp"
#include "net/waiting.hpp"
#include "sched/park.hpp"
#include "sched/wait_on.hpp"

namespace gossamer::inline v0::net {

namespace {

using kind = trouble::kind;

struct both_ends : detail::counted {
  struct lane {
    detail::turn turn;   // of the writer who offers something
    bool taken = false;  // and all of it has been read
    buffer left;         // of what he offers
    detail::wait_list line;
    detail::wait_list writer;
    detail::wait_list readers;
    detail::deadline write_until = detail::no_deadline;
    detail::deadline read_until = detail::no_deadline;

    bool has_offer() const noexcept { return turn.is_taken() && !taken; }
    void wake_all(fiber_list& woken) noexcept {
      for (detail::wait_list* l : {&line, &writer, &readers}) {
        claim_all(*l, woken);
      }
    }
  };

  detail::spin_lock guard;
  const std::uint32_t bubble = detail::current_bubble();  // in which it was made
  // Guarded by guard. lanes[i] is written by end i; closed[i]: end i is. Whoever is woken looks at everything anew.
  lane lanes[2];
  bool closed[2] = {false, false};
};

class pipe_end final : public conn_interface {
 public:
  pipe_end(const detail::reference<both_ends>& both, std::size_t own) noexcept : both_(both), own_(own) {
    assert(own < 2);
  }
  ~pipe_end() override { shut(); }

  io_result read(std::span<std::byte> to, const ending& end, std::source_location where) override;
  io_result write(buffer from, const ending& end, std::source_location where) override;
  error close() override {
    shut();
    return nullptr;
  }
  error set_deadline(direction which, time_point when) override;
  addr local_addr() const override { return named_addr{"pipe", "pipe"}; }
  addr remote_addr() const override { return local_addr(); }

 private:
  using lane = both_ends::lane;

  trouble over(bool reads, detail::deadline until, const ending& end) const noexcept;
  void await(preparation& p, detail::wait_list& list, detail::deadline until, const ending& end,
             const std::source_location& where) const;
  trouble offer(buffer from, const ending& end, const std::source_location& where) const;
  void shut() noexcept;

  const detail::reference<both_ends> both_;
  const std::size_t own_;
};

error fail(const char* op, const trouble& t, const ending& end) {
  if (!t || t.why == kind::at_end || t.why == kind::pipe_closed) {
    return t.err(end);
  }
  return op_error(op, "pipe", nullptr, nullptr, t.err(end));
}

// Under the guard.
trouble pipe_end::over(bool reads, detail::deadline until, const ending& end) const noexcept {
  assert(both_->guard.is_locked());
  if (both_->closed[own_]) {
    return {kind::pipe_closed};
  }
  if (both_->closed[1 - own_]) {
    return {reads ? kind::at_end : kind::pipe_closed};
  }
  if (end.stop().is_set()) {
    return {kind::ended};
  }
  return {until != detail::no_deadline && detail::time_now() >= until ? kind::timed_out : kind::none};
}

// The guard is held, before and after; then the caller looks anew.
void pipe_end::await(preparation& p, detail::wait_list& list, detail::deadline until, const ending& end,
                     const std::source_location& where) const {
  if (p.may_wait(until, both_->guard)) {
    sched::wait_on(list, both_->guard,
                   {.reason = wait_reason::io_wait,
                    .object = both_.get(),
                    .where = where,
                    .limit = wait::limit::of(until, end.stop()),
                    .durable = both_->bubble != 0 && both_->bubble == detail::current_bubble()});
    both_->guard.lock();
  }
}

io_result pipe_end::read(std::span<std::byte> to, const ending& end, std::source_location where) {
  lane& from = both_->lanes[1 - own_];
  fiber_list woken;
  std::size_t n = 0;
  both_->guard.lock();
  trouble t;
  for (preparation p; !(t = over(true, from.read_until, end)) && !from.has_offer();) {
    await(p, from.readers, from.read_until, end, where);
  }
  if (!t) {
    n = std::min(to.size(), from.left.size());
    std::copy_n(from.left.begin(), n, to.begin());
    from.left = from.left.subspan(n);
    if (from.left.empty()) {
      from.taken = true;
      claim_all(from.writer, woken);
    }
  }
  both_->guard.unlock();
  sched::ready_all(woken);
  return {n, fail("read", t, end)};
}

io_result pipe_end::write(buffer from, const ending& end, std::source_location where) {
  lane& to = both_->lanes[own_];
  fiber_list woken;
  std::size_t n = 0;
  both_->guard.lock();
  trouble t;
  for (preparation p; !(t = over(false, to.write_until, end)) && to.turn.is_taken();) {
    await(p, to.line, to.write_until, end, where);
  }
  if (!t) {
    to.turn.take();
    to.taken = false;
    t = offer(from, end, where);
    assert(to.left.size() <= from.size() && (!to.taken || to.left.empty()));
    n = from.size() - to.left.size();
    to.turn.give_back();
    claim_all(to.line, woken);
  }
  both_->guard.unlock();
  sched::ready_all(woken);
  return {n, fail("write", t, end)};
}

// The guard is held, before and after. Waits until all has been read.
trouble pipe_end::offer(buffer from, const ending& end, const std::source_location& where) const {
  lane& to = both_->lanes[own_];
  fiber_list readers;
  to.left = from;
  claim_all(to.readers, readers);
  both_->guard.unlock();
  sched::ready_all(readers);
  both_->guard.lock();
  trouble t;
  for (preparation p; !to.taken && !(t = over(false, to.write_until, end));) {
    await(p, to.writer, to.write_until, end, where);
  }
  assert(to.turn.is_taken());
  return t;
}

void pipe_end::shut() noexcept {
  fiber_list woken;
  {
    const std::scoped_lock hold(both_->guard);
    both_->closed[own_] = true;
    for (lane& l : both_->lanes) {
      l.wake_all(woken);
    }
  }
  sched::ready_all(woken);
}

error pipe_end::set_deadline(direction which, time_point when) {
  const auto bits = static_cast<unsigned>(which);
  const detail::deadline until = when.time_since_epoch().count();
  fiber_list woken;
  {
    const std::scoped_lock hold(both_->guard);
    if (both_->closed[0] || both_->closed[1]) {
      return io::closed_pipe;
    }
    if ((bits & 1) != 0) {
      lane& l = both_->lanes[1 - own_];
      l.read_until = until;
      claim_all(l.readers, woken);
    }
    if ((bits & 2) != 0) {
      lane& l = both_->lanes[own_];
      l.write_until = until;
      claim_all(l.line, woken);
      claim_all(l.writer, woken);
    }
  }
  sched::ready_all(woken);
  return nullptr;
}

}  // namespace

std::pair<conn, conn> pipe() {
  const detail::reference<both_ends> both(new both_ends);
  return {make_conn<pipe_end>(both, std::size_t{0}), make_conn<pipe_end>(both, std::size_t{1})};
}

}  // namespace gossamer::inline v0::net
