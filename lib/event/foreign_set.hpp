// foreign_set: descriptors that belong to somebody else, who may close them, and give the number to another file, at
// any time between two waits. A second epoll set, which is one descriptor of the first: so a number may be in both, as
// one of ours that is also lent out.
//
// Level-triggered, and for one event: each wait arms its number anew, by one EPOLL_CTL_MOD. The kernel takes a file out
// of the set when it is closed, so that the call fails if the number is not the file's any more which it was: then it
// is added, and who has waited for the old file is woken and told. So nothing that is remembered here is ever believed.
//
// A number has a descriptor (event/descriptor.hpp) of its own, which it keeps. All who wait for it, for whatever, stand
// in the list of `in`; an event wakes all of them, each looks for itself, and arms again if it goes on waiting. Only
// one who waits alone is told what the event was (epoll's bits, in a std::uint32_t that is its waiter's value): for him
// it must still be so. `armed` says, for each direction, what the kernel has been asked. The sequence number changes
// with each arming: an event that was on its way before comes too late, and is reported again, if it still holds,
// because of the arming.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "event/descriptor.hpp"
#include "event/descriptor_pool.hpp"
#include "fiber/fiber_list.hpp"

namespace gossamer::inline v0::event {

class foreign_set {
 public:
  // Takes over the epoll set.
  foreign_set(descriptor_pool& descriptors, int set) noexcept : descriptors_(descriptors), set_(set) {}
  foreign_set(const foreign_set&) = delete;
  foreign_set& operator=(const foreign_set&) = delete;

  // The number's descriptor; null where there is no memory. number >= 0. From anywhere.
  descriptor* of(int number) noexcept;
  // The same, if anybody has ever waited for it; else null.
  descriptor* known(int number) noexcept;

  // Under the guard: what is reported next is that it is ready for one of these, or for what was armed before. 0, or
  // the errno with which the kernel refuses: EPERM for files that never block. Who waits for a file that has gone is
  // put into `gone`, and finds `granted` set.
  int arm(descriptor& d, bool in, bool out, fiber_list& gone) noexcept;
  // The number has just been closed: whoever waits for it is told that the file has gone, as by arm(), unless he waits
  // for another file that has been given the number since.
  void look_again(descriptor& d, fiber_list& gone) noexcept;

  // What has come, without waiting. By any thread.
  void poll(fiber_list& ready) noexcept;

 private:
  static constexpr std::size_t chunk_size = 512;
  static constexpr std::size_t chunks = 2048;
  using chunk = std::array<std::atomic<descriptor*>, chunk_size>;

  static void tell_gone(descriptor& d, fiber_list& gone) noexcept;
  static void report(descriptor& d, std::uint32_t events, fiber_list& ready) noexcept;
  int control(int operation, const descriptor& d) const noexcept;

  descriptor_pool& descriptors_;
  const int set_;
  // By number; what is there stays.
  std::array<std::atomic<chunk*>, chunks> chunks_{};
};

}  // namespace gossamer::inline v0::event
