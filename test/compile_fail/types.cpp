// What a channel can carry, and what a fiber can be.
#include <unistd.h>
#include <gossamer/gossamer.hpp>
#include <memory>

using namespace gossamer;

struct no_default {
  explicit no_default(int) {}
};

struct abstract {
  virtual ~abstract() = default;
  virtual void f() = 0;
};

struct chained {  // incomplete where its channel is named
  chan<chained> next;
  send_chan<chained> back;
};

void control() {
  chained first{make_chan<chained>(1), nil};
  first.next << chained();
  auto moved = make_chan<std::unique_ptr<int>>(1);
  moved << std::make_unique<int>(1);
  auto boxed = make_chan<no_default>(1);
  boxed << no_default(1);
  boxed.recv();
  go([p = std::make_unique<int>(1)] { static_cast<void>(*p); });
  go([](std::unique_ptr<int> p) { static_cast<void>(*p); }, std::make_unique<int>(2));
  static_cast<void>(::close(-1));  // POSIX's own stay reachable
  sync::mutex m;
  sync::wait_group wg;
  static_cast<void>(m), static_cast<void>(wg);
}

void cases() {
  auto moved = make_chan<std::unique_ptr<int>>(1);
  auto boxed = make_chan<no_default>(1);
  auto p = std::make_unique<int>(1);
  sync::mutex m;
  sync::wait_group wg;
  static_cast<void>(moved), static_cast<void>(boxed), static_cast<void>(p);
#ifdef FAIL_chan_of_reference  // error: a channel carries plain values
  chan<int&> c;
#endif
#ifdef FAIL_sending_end_of_reference  // error: a channel carries plain values
  send_chan<int&> c;
#endif
#ifdef FAIL_receiving_end_of_rvalue_reference  // error: a channel carries plain values
  recv_chan<int&&> c;
#endif
#ifdef FAIL_chan_of_const  // error: a channel carries plain values
  chan<const int> c;
#endif
#ifdef FAIL_sending_end_of_const  // error: a channel carries plain values
  send_chan<const int> c;
#endif
#ifdef FAIL_sending_end_of_volatile  // error: a channel carries plain values
  send_chan<volatile int> c;
#endif
#ifdef FAIL_chan_of_const_void  // error: a channel carries plain values
  chan<const void> c;
#endif
#ifdef FAIL_chan_of_array  // error: a channel carries plain values
  chan<int[3]> c;
#endif
#ifdef FAIL_sending_end_of_array  // error: a channel carries plain values
  send_chan<int[]> c;
#endif
#ifdef FAIL_sending_end_of_function  // error: a channel carries plain values
  send_chan<void()> c;
#endif
#ifdef FAIL_make_chan_of_reference  // error: a channel carries plain values
  static_cast<void>(make_chan<int&>());
#endif
#ifdef FAIL_make_chan_of_what_cannot_be_moved  // error: the type cannot be moved
  static_cast<void>(make_chan<sync::mutex>(1));
#endif
#ifdef FAIL_make_chan_of_abstract_class  // error: the type is abstract
  static_cast<void>(make_chan<abstract>());
#endif
#ifdef FAIL_copy_mutex  // error: deleted (function|constructor)
  sync::mutex other = m;
#endif
#ifdef FAIL_move_wait_group  // error: deleted (function|constructor)
  sync::wait_group other = std::move(wg);
#endif
}
