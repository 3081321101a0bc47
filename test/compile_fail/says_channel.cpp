// What the compiler says of a channel that is used wrongly, and of a select: one sentence, near the top, and not much
// below it.
// case flags: -Werror=unused-result -Werror=unused-value
#include <gossamer/gossamer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

using namespace gossamer;

struct no_default {
  explicit no_default(int) {}
};

// That a call has a sentence makes nothing fit that does not.
static_assert(!std::is_convertible_v<recv_chan<int>, chan<int>>);
static_assert(!std::is_constructible_v<chan<int>, chan<long>>);
template <class A, class B>
concept comparable = requires(const A& a, const B& b) { a == b; };
static_assert(comparable<chan<int>, recv_chan<int>> && !comparable<chan<int>, chan<long>>);
template <class C>
concept iterable = requires(C& c) { *++c.begin(); } && !std::is_same_v<C, send_chan<int>>;
static_assert(iterable<chan<int>> && iterable<recv_chan<int>>);

struct base {};
struct derived : base {};

void control(chan<int> both, chan<std::string> text, chan<base> bases, chan<std::unique_ptr<int>> moved,
             chan<void> signal, chan<no_default> boxed, chan<int*> pointers) {
  both << 'c';
  both.send(short{1});
  text << "literal";
  text.send("literal");
  pointers << nullptr;
  bases << derived();
  moved << std::make_unique<int>(1);
  signal << unit();
  derived into;
  bases >> into;
  std::string v;
  std::optional<int> maybe;
  bool ok = false;
  select(recv(text, v), recv(text, v, ok), recv(both, maybe), recv(signal, ok), recv(both, std::ignore, ok),
         recv(text, [](std::string_view) {}), recv(boxed, [](std::optional<no_default>) {}), recv(both, [] {}),
         send(text, "literal"), send(signal, [] {}), send(text, v, [] {}), otherwise);
}

void cases(chan<int> both, recv_chan<int> rx, send_chan<int> tx, chan<void> signal, chan<std::unique_ptr<int>> moved,
           chan<no_default> boxed) {
  int v = 0;
  bool ok = false;
  std::string s;
  std::unique_ptr<int> p;
  static_cast<void>(v), static_cast<void>(ok), static_cast<void>(s), static_cast<void>(p), static_cast<void>(both);
  static_cast<void>(rx), static_cast<void>(tx), static_cast<void>(signal), static_cast<void>(moved),
      static_cast<void>(boxed);
#ifdef FAIL_insert_wrong_type  // says: a chan<T> carries T: the value is of another type, which does not convert to T
  both << s;                   // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_insert_literal  // says: a chan<T> carries T: the value is of another type, which does not convert to T
  both << "text";           // shows: chan_carries<int>::not_a<
#endif
#ifdef FAIL_insert_into_sending_end  // says: a chan<T> carries T: the value is of another type
  tx << s;                           // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_send_member_wrong_type  // says: a chan<T> carries T: the value is of another type
  both.send(s);                     // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_insert_copy_of_move_only  // says: the channel takes a copy, and this type has none: std::move it
  moved << p;                         // shows: chan_carries<std::unique_ptr<int
#endif
#ifdef FAIL_insert_into_chan_void  // says: chan<void> carries no value: send()
  signal << 1;                     // shows: chan_carries<void>::not_a<int
#endif
#ifdef FAIL_send_member_into_chan_void  // says: chan<void> carries no value: send()
  signal.send(1);                       // shows: chan_carries<void>::not_a<int
#endif
#ifdef FAIL_send_member_without_value  // says: a send needs a value: only chan<void> carries none
  both.send();                         // shows: chan_carries<int>
#endif
#ifdef FAIL_insert_into_receiving_end  // says: a recv_chan only receives: what sends and closes is the chan
  rx << 1;                             // shows: recv_chan<int>
#endif
#ifdef FAIL_send_member_of_receiving_end  // says: a recv_chan only receives: what sends and closes is the chan
  rx.send(1);                             // shows: recv_chan<int>
#endif
#ifdef FAIL_close_member_of_receiving_end  // says: a recv_chan only receives: what sends and closes is the chan
  rx.close();                              // shows: recv_chan<int>
#endif
#ifdef FAIL_close_receiving_end  // says: a recv_chan only receives: what sends and closes is the chan
  close(rx);                     // shows: recv_chan<int>
#endif
#ifdef FAIL_recv_member_of_sending_end  // says: a send_chan only sends: what receives is the chan
  tx.recv();                            // shows: send_chan<int>
#endif
#ifdef FAIL_star_of_sending_end  // says: a send_chan only sends: what receives is the chan
  v = *tx;                       // shows: send_chan<int>
#endif
#ifdef FAIL_extract_from_sending_end  // says: a send_chan only sends: what receives is the chan
  ok = tx >> v;                       // shows: send_chan<int>
#endif
#ifdef FAIL_range_over_sending_end  // says: a send_chan only sends: what receives is the chan
  for (int each : tx) {             // shows: send_chan<int>
    v += each;
  }
#endif
#ifdef FAIL_extract_into_wrong_type  // says: ch >> v: v is a variable of what the channel carries
  both >> s;                         // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_star_without_default  // says: *ch of a closed channel is T(), and this T has none: use ch.recv()
  *boxed;                         // shows: type<no_default>
#endif
#ifdef FAIL_compare_different_elements  // says: channels that carry different types are never the same
  ok = both == signal;                  // shows: chan<int>.*chan<void>
#endif
#ifdef FAIL_capacity_is_text  // says: make_chan<T>(n): n is how many values are buffered, an integer
  auto made = make_chan<int>("3");
#endif
#ifdef FAIL_capacity_is_a_fraction  // says: make_chan<T>(n): n is how many values are buffered, an integer
  auto made = make_chan<int>(1.5);  // shows: type<double>
#endif

  // ---- select ----
#ifdef FAIL_case_into_wrong_type  // says: recv(ch, v): v is a variable of what the channel carries
  select(recv(both, s));          // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_case_and_ok_into_wrong_type  // says: recv(ch, v, ok): v is a variable of what the channel carries
  select(recv(both, s, ok));             // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_case_with_wrong_ok  // says: recv(ch, v, ok): ok is a variable of type bool
  select(recv(both, v, v));     // shows: type<int
#endif
#ifdef FAIL_case_calls_wrong_function             // says: recv(ch, f): f takes what the channel carries
  select(recv(both, [](const std::string&) {}));  // shows: cannot_be_called_with<int>
#endif
#ifdef FAIL_case_calls_function_without_default  // says: recv(ch, f): when ch is closed f gets T(), and this T has none
  select(recv(boxed, [](no_default) {}));        // shows: type<no_default>
#endif
#ifdef FAIL_case_receives_from_sending_end  // says: a send_chan only sends: what receives is the chan
  select(recv(tx, v));                      // shows: send_chan<int>
#endif
#ifdef FAIL_case_sends_wrong_type  // says: a chan<T> carries T: the value is of another type
  select(send(both, s));           // shows: chan_carries<int>::not_a<std::
#endif
#ifdef FAIL_case_sends_nothing  // says: a send needs a value: only chan<void> carries none
  select(send(both));           // shows: chan_carries<int>
#endif
#ifdef FAIL_case_sends_into_chan_void  // says: chan<void> carries no value: send()
  select(send(signal, 1));             // shows: chan_carries<void>
#endif
#ifdef FAIL_case_sends_and_calls_wrong_function  // says: the function is called without arguments, and cannot be
  select(send(both, 1, [](int) {}));
#endif
#ifdef FAIL_case_sends_to_receiving_end  // says: a recv_chan only receives: what sends and closes is the chan
  select(send(rx, 1));                   // shows: recv_chan<int>
#endif
#ifdef FAIL_channel_is_no_case  // says: the arguments of a select are cases
  select(both, otherwise);      // shows: type<.*chan<int>
#endif
#ifdef FAIL_number_is_no_case  // says: the arguments of a select are cases
  select(recv(both, v), 5);    // shows: type<int>
#endif
#ifdef FAIL_forgotten_receive  // says: a case does nothing by itself: it is an argument of select()
  recv(both, v);
#endif
#ifdef FAIL_forgotten_send  // says: a case does nothing by itself: it is an argument of select()
  send(both, 1);
#endif
#ifdef FAIL_forgotten_otherwise  // says: a case does nothing by itself: it is an argument of select()
  otherwise([] {});
#endif
}
