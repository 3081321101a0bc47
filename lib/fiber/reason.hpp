// reason: why a fiber is parked. Go's strings, where Go has the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gossamer::inline v0 {

enum class wait_reason : std::uint8_t {
  none,
  chan_receive,
  chan_send,
  chan_receive_nil,
  chan_send_nil,
  select,
  select_no_cases,
  mutex_lock,
  once_do,  // Go's Once waits in a mutex
  rw_mutex_rlock,
  rw_mutex_lock,
  wait_group_wait,
  barrier_wait,
  cond_wait,
  semacquire,
  sleep,
  io_wait,
  synctest_run,
  synctest_wait,
};
// How many there are; text() of some is the same.
inline constexpr std::size_t wait_reasons = static_cast<std::size_t>(wait_reason::synctest_wait) + 1;

constexpr std::string_view text(wait_reason r) noexcept {
  switch (r) {
    case wait_reason::none:
      return "";
    case wait_reason::chan_receive:
      return "chan receive";
    case wait_reason::chan_send:
      return "chan send";
    case wait_reason::chan_receive_nil:
      return "chan receive (nil chan)";
    case wait_reason::chan_send_nil:
      return "chan send (nil chan)";
    case wait_reason::select:
      return "select";
    case wait_reason::select_no_cases:
      return "select (no cases)";
    case wait_reason::mutex_lock:
    case wait_reason::once_do:
      return "sync.Mutex.Lock";
    case wait_reason::rw_mutex_rlock:
      return "sync.RWMutex.RLock";
    case wait_reason::rw_mutex_lock:
      return "sync.RWMutex.Lock";
    case wait_reason::cond_wait:
      return "sync.Cond.Wait";
    case wait_reason::semacquire:
      return "semacquire";
    case wait_reason::wait_group_wait:
      return "sync.WaitGroup.Wait";
    case wait_reason::barrier_wait:
      return "barrier wait";
    case wait_reason::sleep:
      return "sleep";
    case wait_reason::io_wait:
      return "IO wait";
    case wait_reason::synctest_run:
      return "synctest.Run";
    case wait_reason::synctest_wait:
      return "synctest.Wait";
  }
  return "";
}

}  // namespace gossamer::inline v0
