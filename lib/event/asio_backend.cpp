// asio_backend: see asio_backend.hpp.
#include "event/asio_backend.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

namespace gossamer::inline v0::event {

// A number on the io_context. It is lent: Asio would close it, so it is released before this dies. Under its
// descriptor's guard, since Asio's objects are not for several threads. Lives until its last wait has ended, whose
// memory lies in it.
struct asio_watch {
  explicit asio_watch(boost::asio::io_context& context) : number(context) {}

  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> number;
  op_room in_room;
  op_room out_room;
  std::atomic<int> users{1};  // the descriptor, and each wait
};

namespace {

struct drop {
  void operator()(asio_watch* w) const noexcept {
    // acq_rel: the last one sees what all the others did.
    if (w->users.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete w;
    }
  }
};
using watch_ref = std::unique_ptr<asio_watch, drop>;

watch_ref share(asio_watch* w) noexcept {
  w->users.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller knows that there is another
  return watch_ref(w);
}

// Files of which async_wait would say only later that there is nothing to wait for.
bool never_blocks(int fd) noexcept {
  struct stat s{};
  return ::fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode) || S_ISBLK(s.st_mode));
}

}  // namespace

// A way is ready, or cannot be waited for, or its wait was cancelled: a try will tell.
struct asio_backend::wait_ended {
  using allocator_type = op_room::allocator<void>;
  allocator_type get_allocator() const noexcept { return allocator_type(room); }

  void operator()(const boost::system::error_code& /*problem*/) const noexcept {
    fiber_list woken;
    {
      const std::scoped_lock hold(d.guard);
      if (d.sequence != sequence) {
        return;  // it has been removed since
      }
      way.armed = false;
      d.become_ready(way, woken);
    }
    its.hand_over(woken);
  }

  asio_backend& its;
  descriptor& d;
  descriptor::direction& way;
  std::uint32_t sequence;
  op_room& room;
  watch_ref watch;  // which has the room
};

struct asio_backend::interrupted {
  using allocator_type = op_room::allocator<void>;
  allocator_type get_allocator() const noexcept { return allocator_type(its.interrupt_room_); }

  void operator()() const noexcept {
    // An exchange: who interrupted, and found this one on its way already, comes before what is done now.
    its.interrupting_.exchange(false);
    its.called_.store(true);
  }

  asio_backend& its;
};

asio_backend* asio_backend::open(descriptor_pool& descriptors, int& problem) noexcept {
  try {
    problem = 0;
    return new asio_backend(descriptors);
  } catch (const boost::system::system_error& e) {
    problem = e.code().value();
  } catch (const std::bad_alloc&) {
    problem = ENOMEM;
  }
  return nullptr;
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

int asio_backend::watch(descriptor& d) noexcept {
  if (never_blocks(d.fd)) {
    return EPERM;
  }
  try {
    watch_ref made(new asio_watch(context_.context()));
    boost::system::error_code problem;
    made->number.assign(d.fd, problem);
    if (!problem) {
      const std::scoped_lock hold(d.guard);
      d.in.armed = d.out.armed = false;
      d.watch = made.release();
    }
    return problem.value();
  } catch (const boost::system::system_error& e) {
    return e.code().value();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

void asio_backend::forget(descriptor& d, bool /*at_once*/) noexcept {
  if (const watch_ref last{std::exchange(d.watch, nullptr)}) {
    last->number.release();  // ends its waits
  }
}

void asio_backend::arm(descriptor& d, descriptor::direction& way) noexcept {
  if (d.watch == nullptr) {
    return;  // being removed: who waits is woken by that
  }
  const bool in = &way == &d.in;
  way.armed = true;
  d.watch->number.async_wait(
      in ? boost::asio::posix::descriptor_base::wait_read : boost::asio::posix::descriptor_base::wait_write,
      wait_ended{.its = *this,
                 .d = d,
                 .way = way,
                 .sequence = d.sequence,
                 .room = in ? d.watch->in_room : d.watch->out_room,
                 .watch = share(d.watch)});
}

void asio_backend::hand_over(fiber_list& woken) noexcept {
  if (woken.empty()) {
    return;
  }
  const std::scoped_lock hold(arrived_guard_);
  while (fiber* f = woken.take()) {
    arrived_.add(f);
  }
  any_arrived_.store(true, std::memory_order_relaxed);  // relaxed: who sees it takes the guard
}

void asio_backend::collect(fiber_list& ready) noexcept {
  if (!any_arrived_.load(std::memory_order_relaxed)) {  // relaxed: as above
    return;
  }
  const std::scoped_lock hold(arrived_guard_);
  while (fiber* f = arrived_.take()) {
    ready.add(f);
  }
  any_arrived_.store(false, std::memory_order_relaxed);
}

// ---- waiting --------------------------------------------------------------------------------------------------------

bool asio_backend::wait(detail::deadline until, fiber_list& ready) noexcept {
  set_alarm(until);
  // What another's handlers have woken it may not be able to hand back.
  context_.run(!any_arrived_.load(), called_);
  collect(ready);
  return called_.exchange(false);
}

void asio_backend::poll(fiber_list& ready) noexcept {
  context_.run(false, called_);
  collect(ready);
  if (called_.exchange(false)) {
    interrupt();
  }
}

void asio_backend::interrupt() noexcept {
  if (!interrupting_.exchange(true)) {
    boost::asio::post(context_.context(), interrupted{*this});
  }
}

// One that is set for earlier stays, and comes too early for nothing: to set it anew costs more.
void asio_backend::set_alarm(detail::deadline at) noexcept {
  const std::scoped_lock hold(alarm_guard_);
  if (alarm_at_ <= at) {
    return;
  }
  alarm_at_ = at;
  try {
    alarm_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at)));
    alarm_.async_wait([this, turn = ++alarm_turn_](const boost::system::error_code& problem) {
      if (problem) {
        return;  // set anew, or cancelled
      }
      {
        const std::scoped_lock hold_again(alarm_guard_);
        if (turn == alarm_turn_) {
          alarm_at_ = detail::no_deadline;
        }
      }
      called_.store(true);
    });
  } catch (...) {
    panic_in_handler();
  }
}

// Their handlers are still to run.
void asio_backend::cancel_all() noexcept {
  {
    const std::scoped_lock hold(alarm_guard_);
    alarm_.cancel();
    alarm_at_ = detail::no_deadline;
  }
  descriptors_.any_of([](descriptor& d) {
    if (d.watch != nullptr && (d.in.armed || d.out.armed)) {
      boost::system::error_code ignored;
      d.watch->number.cancel(ignored);
    }
    return false;
  });
}

bool asio_backend::has_work() noexcept {
  cancel_all();
  const bool has = context_.has_work() || any_arrived_.load();
  if (called_.exchange(false)) {
    interrupt();
  }
  return has;
}

}  // namespace gossamer::inline v0::event
