// What the compiler says of a function that does not fit where it is given: one sentence, near the top, and not much
// below it.
#include <functional>
#include <gossamer/gossamer.hpp>
#include <memory>
#include <string>

using namespace gossamer;

struct no_text {};

void control(sync::wait_group& wg, errgroup::group g, sync::once& once, const context::context& ctx) {
  int n = 0;
  go({.name = "named"}, [](int) {}, 1);
  fiber_options how;
  go(how, [] {});
  go([](int& at) { ++at; }, std::ref(n));
  go([](std::unique_ptr<int>) {}, std::make_unique<int>(1));
  go(&std::string::clear, std::string());
  wg.go([](const int&) {}, 1);
  g.go([] {});
  g.go([]() -> error { return nil; });
  once.do_([] {});
  const defer d{[&n]() mutable { ++n; }};
  func([&](defers& later) { later([] {}); });
  n = func<int>([](defers&, int& result) { result = 1; });
  auto f = sync::once_func([p = std::make_unique<int>(1)] { static_cast<void>(p); });
  auto v = sync::once_value([] { return 1; });
  f(), v();
  time::after_func(1s, [] {}).stop();
  context::after_func(ctx, [] {})();
  static_cast<void>(errors::make("n is ", n, ' ', 1.5, 2s, errors::make("inner")));
}

void cases(sync::wait_group& wg, errgroup::group g, sync::once& once, const context::context& ctx) {
  int v = 0;
  static_cast<void>(v), static_cast<void>(wg), static_cast<void>(g), static_cast<void>(once), static_cast<void>(ctx);
#ifdef FAIL_go_missing_argument  // says: go: f cannot be called with these arguments
  go([](int) {});                // shows: cannot_be_called_with<>
#endif
#ifdef FAIL_go_wrong_argument  // says: go: f cannot be called with these arguments
  go([](int) {}, "text");      // shows: cannot_be_called_with<(const char ?\*|char const ?\*)>
#endif
#ifdef FAIL_go_reference  // says: go: f gets copies of the arguments, and a parameter is a reference: pass std::ref(v)
  go([](int&) {}, v);     // shows: cannot_be_called_with<int>
#endif
#ifdef FAIL_go_no_function  // says: go: f cannot be called with these arguments
  go(5);                    // shows: callable<int>
#endif
#ifdef FAIL_go_with_options           // says: go: f cannot be called with these arguments
  go({.name = "named"}, [](int) {});  // shows: cannot_be_called_with<>
#endif
#ifdef FAIL_wait_group_go  // says: go: f cannot be called with these arguments
  wg.go([](int) {});       // shows: cannot_be_called_with<>
#endif
#ifdef FAIL_run     // says: the function is called without arguments, and cannot be
  run([](int) {});  // shows: cannot_be_called_with<>
#endif
#ifdef FAIL_errgroup_needs_argument        // says: the function is called without arguments, and cannot be
  g.go([](int) -> error { return nil; });  // shows: cannot_be_called_with<>
#endif
#ifdef FAIL_errgroup_returns_number  // says: a task of an errgroup returns an error, or nothing
  g.go([] { return 5; });            // shows: returns_wrongly<int>
#endif
#ifdef FAIL_errgroup_try_go    // says: a task of an errgroup returns an error, or nothing
  g.try_go([] { return 5; });  // shows: returns_wrongly<int>
#endif
#ifdef FAIL_errgroup_go_until         // says: a task of an errgroup returns an error, or nothing
  g.go_until(ctx, [] { return 5; });  // shows: returns_wrongly<int>
#endif
#ifdef FAIL_once  // says: the function is called without arguments, and cannot be
  once.do_([](int) {});
#endif
#ifdef FAIL_once_func  // says: the function is called without arguments, and cannot be
  auto f = sync::once_func([](int) {});
  f();
#endif
#ifdef FAIL_once_func_with_argument    // says: the function is called without arguments
  auto f = sync::once_func([] {}, 1);  // shows: is_called_without<int>
#endif
#ifdef FAIL_once_value_of_nothing  // says: the function returns no value to keep: that is a once_func
  auto f = sync::once_value([] {});
#endif
#ifdef FAIL_defer  // says: the function is called without arguments, and cannot be
  const defer d{[](int) {}};
#endif
#ifdef FAIL_defer_with_argument  // says: defer takes no arguments: what the function needs, a lambda captures
  const defer d{[](int) {}, 1};  // shows: is_called_without<int>
#endif
#ifdef FAIL_defers_with_argument                 // says: the function is called without arguments
  func([](defers& later) { later([] {}, 1); });  // shows: is_called_without<int>
#endif
#ifdef FAIL_func_without_defers  // says: the body of a func() is called with its defers
  v = func([] { return 1; });
#endif
#ifdef FAIL_context_after_func  // says: the function is called without arguments, and cannot be
  context::after_func(ctx, [](int) {});
#endif
#ifdef FAIL_time_after_func  // says: the function is called without arguments, and cannot be
  time::after_func(1s, [](int) {});
#endif
#ifdef FAIL_sleep_without_unit  // says: a number is no time: give it a unit, as in 5s
  time::sleep(5);               // shows: type<int>
#endif
#ifdef FAIL_timeout_without_unit                         // says: a number is no time: give it a unit, as in 5s
  auto [child, cancel] = context::with_timeout(ctx, 5);  // shows: type<int>
#endif
#ifdef FAIL_error_of_what_has_no_text  // says: a part of an error's text is a string, a number, a bool, a duration
  static_cast<void>(errors::make("no ", no_text()));  // shows: type<no_text>
#endif
}
