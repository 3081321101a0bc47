// CH15: a channel converts to either of its ends; nothing else converts, and an end does only its own half.
#include <gossamer/gossamer.hpp>
#include <type_traits>

using namespace gossamer;

static_assert(std::is_convertible_v<chan<int>, recv_chan<int>>);
static_assert(std::is_convertible_v<chan<int>, send_chan<int>>);
static_assert(!std::is_convertible_v<recv_chan<int>, chan<int>>);
static_assert(!std::is_convertible_v<send_chan<int>, chan<int>>);
static_assert(!std::is_constructible_v<recv_chan<int>, send_chan<int>>);
static_assert(!std::is_constructible_v<send_chan<int>, recv_chan<int>>);
static_assert(!std::is_convertible_v<chan<int>, recv_chan<long>>);

template <class T>
void drain(const recv_chan<T>& from) {
  from.recv();
}

void control(chan<int> both, recv_chan<int> rx, send_chan<int> tx, chan<void> signal) {
  recv_chan<int> its_rx = both;
  send_chan<int> its_tx = both;
  its_rx = both;
  its_tx = both;
  drain(both);  // deduces from a chan
  tx << 1;
  tx.send(1);
  tx.close();
  close(tx);
  close(both);
  int v = *rx;
  bool ok = rx >> v;
  rx.recv();
  for (int each : rx) {
    v += each;
  }
  both << v + static_cast<int>(ok);
  signal.send();
  ok = signal.recv();
  static_cast<void>(len(rx) + len(tx) + len(both) + cap(rx) + cap(tx) + cap(both));
  static_cast<void>(both == rx && both == tx && rx == tx && both != nil);
}

void cases(chan<int> both, recv_chan<int> rx, send_chan<int> tx, chan<void> signal) {
  static_cast<void>(both), static_cast<void>(rx), static_cast<void>(tx), static_cast<void>(signal);
#ifdef FAIL_receiving_end_to_chan  // error: conversion from|no viable conversion
  chan<int> c = rx;
#endif
#ifdef FAIL_sending_end_to_chan  // error: conversion from|no viable conversion
  chan<int> c = tx;
#endif
#ifdef FAIL_receiving_to_sending_end  // error: conversion from|no viable conversion
  send_chan<int> other = rx;
#endif
#ifdef FAIL_sending_to_receiving_end  // error: conversion from|no viable conversion
  recv_chan<int> other = tx;
#endif
#ifdef FAIL_other_element_type  // error: conversion from|no viable conversion
  recv_chan<long> other = both;
#endif
#ifdef FAIL_assign_end_to_chan  // error: no match for .operator=|no viable overloaded
  both = rx;
#endif
#ifdef FAIL_drain_sending_end  // error: no matching function for call
  drain(tx);
#endif
#ifdef FAIL_chain_of_inserts  // error: invalid operands
  both << 1 << 2;
#endif
#ifdef FAIL_received_is_only_a_bool  // error: cannot convert|no viable conversion
  int v = 0;
  int n = both >> v;
#endif
}
