// blocking_calls: each call that a wait::limit can end, on objects on which it cannot end by itself.
#pragma once

#include <mutex>

#include "gossamer/conc.hpp"
#include "inside.hpp"

namespace support {

// One of each object, held, empty or begun.
struct busy_objects {
  gossamer::sync::mutex mu;
  gossamer::sync::rw_mutex read, written;
  gossamer::sync::wait_group wg;
  gossamer::sync::mutex of_cond;
  gossamer::sync::cond changed;
  gossamer::sync::once begun;
  gossamer::chan<int> empty = gossamer::make_chan<int>();
  gossamer::chan<void> never = gossamer::make_chan<void>();
  gossamer::conc::barrier end_of_begun{2};

  busy_objects() {
    mu.lock();
    read.lock_shared();
    written.lock();
    wg.add(1);
    gossamer::go([this] { begun.do_([this] { end_of_begun.arrive_and_wait(); }); });
    CHECK(await_parked(gossamer::wait_reason::barrier_wait, 1));
  }
  busy_objects(const busy_objects&) = delete;
  busy_objects& operator=(const busy_objects&) = delete;
  ~busy_objects() {
    end_of_begun.arrive_and_wait();
    begun.do_([] {});
  }
};

struct blocking_call {
  gossamer::wait_reason reason;
  bool (*call)(busy_objects&, gossamer::wait::limit);  // false if the limit has ended it; it holds nothing afterwards
};
inline constexpr blocking_call blocking_calls[] = {
    {gossamer::wait_reason::mutex_lock,
     [](busy_objects& o, gossamer::wait::limit l) { return o.mu.try_lock_until(l); }},
    {gossamer::wait_reason::rw_mutex_lock,
     [](busy_objects& o, gossamer::wait::limit l) { return o.read.try_lock_until(l); }},
    {gossamer::wait_reason::rw_mutex_lock,
     [](busy_objects& o, gossamer::wait::limit l) { return o.written.try_lock_until(l); }},
    {gossamer::wait_reason::rw_mutex_rlock,
     [](busy_objects& o, gossamer::wait::limit l) { return o.written.try_lock_shared_until(l); }},
    {gossamer::wait_reason::wait_group_wait,
     [](busy_objects& o, gossamer::wait::limit l) { return o.wg.wait_until(l); }},
    {gossamer::wait_reason::cond_wait,
     [](busy_objects& o, gossamer::wait::limit l) {
       const std::scoped_lock lock(o.of_cond);
       return o.changed.wait_until(o.of_cond, l);
     }},
    {gossamer::wait_reason::cond_wait,
     [](busy_objects& o, gossamer::wait::limit l) {
       const std::scoped_lock lock(o.of_cond);
       return o.changed.wait_until(o.of_cond, l, [] { return false; });
     }},
    {gossamer::wait_reason::once_do,
     [](busy_objects& o, gossamer::wait::limit l) { return o.begun.do_until(l, [] {}); }},
    {gossamer::wait_reason::chan_receive,
     [](busy_objects& o, gossamer::wait::limit l) { return o.empty.recv_until(l) != gossamer::channel_status::ended; }},
    {gossamer::wait_reason::chan_send,
     [](busy_objects& o, gossamer::wait::limit l) {
       return o.empty.send_until(l, 1) != gossamer::channel_status::ended;
     }},
    {gossamer::wait_reason::chan_send,
     [](busy_objects& o, gossamer::wait::limit l) { return o.never.send_until(l) != gossamer::channel_status::ended; }},
};

// Nobody waits on the stop any more.
inline bool forgotten(const gossamer::chan<void>& stop) {
  return length_of(stop, &gossamer::detail::chan_core::receivers) == 0;
}

}  // namespace support
