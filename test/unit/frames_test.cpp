// Which frames of a stack are shown, and how long reports get by it.
#include "fiber/frames.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "child.hpp"
#include "fiber_test.hpp"
#include "gossamer/debug.hpp"

using namespace gossamer;
using frames::kind_of;
using frames::line_kind;
using support::child_result;
using support::contains;
using support::count_of;
using support::run_child;

namespace {

using big_map = std::map<std::string, std::vector<std::map<std::string, int>>>;

line_kind kind(const std::string& function, const std::string& file = "") { return kind_of({function, file, 1, 0}); }

struct frames_server {
  [[gnu::noinline]] void serve_orders(const big_map& orders, const chan<big_map>& from) {
    static_cast<void>(*from);
    served += orders.size();
  }
  std::size_t served = 0;
};

[[gnu::noinline]] void frames_sender(const chan<big_map>& to, const big_map& what) {
  to << what;
  static_cast<void>(*to);
}

std::size_t longest_line(const std::string& text) {
  std::size_t most = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    most = line.empty() || line.front() == '\t' ? most : std::max(most, line.size());
  }
  return most;
}

}  // namespace

CHILD_PROGRAM("three fibers with large types wait for each other") {
  return run([] {
    frames_server server;
    const auto a = make_chan<big_map>(), b = make_chan<big_map>(), c = make_chan<big_map>();
    go(&frames_server::serve_orders, &server, big_map{}, a);
    go(std::function<void(const chan<big_map>&, const big_map&)>(frames_sender), b, big_map{});
    *c;
  });
}

PLAIN_TEST("what carries a call and what is ours inside is hidden, what the program has written is not") {
  for (const char* hidden :
       {"void std::__invoke_impl<void, void (*&)()>(std::__invoke_other, void (*&)())",
        "std::__invoke_result<f>::type std::__invoke<f>(f&&)", "std::invoke_result<f>::type std::invoke<f>(f&&)",
        "std::enable_if<is_invocable_r_v<void, f>, void>::type std::__invoke_r<void, f>(f&&)",
        "decltype(auto) std::__apply_impl<f, std::tuple<int>&, 0ul>(f&&, std::tuple<int>&)",
        "decltype(auto) std::apply<f, std::tuple<int>&>(f&&, std::tuple<int>&)",
        "std::_Function_handler<void (), main::{lambda()#1}>::_M_invoke(std::_Any_data const&)",
        "std::function<void (int)>::operator()(int) const",
        "std::__1::__function::__value_func<void ()>::operator()[abi:ne190107]() const",
        "std::__1::__invoke[abi:ne190107]<main::$_0&>(main::$_0&)",
        "gossamer::v0::detail::closure<main::{lambda()#1}>::operator()()",
        "void gossamer::v0::detail::invoke_in_place<gossamer::v0::detail::closure<f> >(void*)",
        "gossamer::v0::sched::run_body(gossamer::v0::detail::fiber&)",
        "gossamer::v0::recv_chan<std::__cxx11::basic_string<char> >::recv(std::source_location) const",
        "gossamer::v0::operator*(gossamer::v0::detail::placed<gossamer::v0::recv_chan<int> >)",
        "gossamer::v0::sync::wait_group::counted_call<f>::operator()()",
        "gossamer::v0::sync::mutex::lock_contended(long, gossamer::v0::wait::stop, std::source_location)"}) {
    CHECK_MESSAGE(kind(hidden) == line_kind::hidden, hidden);
  }
  for (const char* own :
       {"main::{lambda()#1}::operator()() const", "main", "app::invoke<int>(int)", "void apply<int>(int)",
        "invoke<int>(int)", "void app::std::invoke<int>()", "std::vector<gossamer::v0::chan<int> >::push_back(int)",
        "void std::sort<int*, main::{lambda(int, int)#1}>(int*, int*)", "app::gossamer::v0::detail::f()",
        "void app::call<gossamer::v0::detail::closure<f> >()", "app::x::operator()(int) const"}) {
    CHECK_MESSAGE(kind(own, "/home/ann/gossamer/app/detail/x.hpp") == line_kind::program, own);
  }
  CHECK(kind("gossamer::v0::sync::mutex::lock(std::source_location)") == line_kind::library);
  CHECK(kind("gossamer::v0::panic(std::basic_string_view<char, std::char_traits<char> >)") == line_kind::library);
  CHECK(kind("__cxa_throw") == line_kind::throwing);
}

PLAIN_TEST("where the debug information leaves the namespace out, the file says whose function it is") {
  CHECK(kind("__invoke<int>", "/usr/include/c++/12/bits/invoke.h") == line_kind::hidden);
  CHECK(kind("apply<int>", "/usr/include/c++/12/tuple") == line_kind::hidden);
  CHECK(kind("apply<int>", "/home/ann/app/rules.cpp") == line_kind::program);
  CHECK(kind("operator()", "/usr/include/gossamer/sync/../detail/spawn.hpp") == line_kind::hidden);
  CHECK(kind("recv", "/usr/include/gossamer/chan.hpp") == line_kind::hidden);
  CHECK(kind("operator()", "/home/ann/app/main.cpp") == line_kind::program);
  CHECK(kind("operator()", "src/../detail/queue.hpp") == line_kind::program);
}

constexpr int line_of_go = __LINE__ + 3;
CHILD_PROGRAM("main's lambda spawns") {
  return run([] {
    go([] { panic("there"); });
    select();
  });
}
PLAIN_TEST("who is spawned in main's lambda was created by it, at the user's line") {
  const child_result r = run_child("main's lambda spawns", {});
  CHECK(r.exited_with(2));
  const std::size_t at = r.err.find("created by ");
  CHECK(at != std::string::npos);
  const std::string site = r.err.substr(at);
  CHECK(contains(site, " in fiber 1\n"));
  if (contains(r.err, ".cpp:")) {
    CHECK(contains(site, "frames_test.cpp:" + std::to_string(line_of_go) + " "));
  }
}

PLAIN_TEST("the report of a deadlock of three fibers is short, and its lines are no wider than 200 columns") {
  const child_result r = run_child("three fibers with large types wait for each other", {});
  CHECK(r.exited_with(2));
  CHECK(contains(r.err, "all fibers are asleep - deadlock!"));
  CHECK(contains(r.err, "serve_orders"));
  CHECK(contains(r.err, "frames_sender"));
  CHECK(count_of(r.err, "created by ") == 2);
  for (const char* no :
       {"invoke", "std::apply", "_Function_handler", "closure", "::v0::", "__cxx11", "std::allocator", "[clone"}) {
    CHECK_MESSAGE(!contains(r.err, no), no);
  }
  CHECK(r.err.size() < 2500);
  CHECK(longest_line(r.err) <= 200);
}

PLAIN_TEST("traceback=...,raw shows every frame, with names as they are in the program") {
  const char* const program = "three fibers with large types wait for each other";
  const std::string short_report = run_child(program, {}).err;
  for (const char* how :
       {"traceback=all,raw", "traceback=single,raw,seed=1", "traceback=raw", "procs=2,traceback=raw"}) {
    const child_result r = run_child(program, {{"GOSSAMER", how}});
    CHECK(r.exited_with(2));
    CHECK(!contains(r.err, "is ignored"));
    CHECK(contains(r.err, "gossamer::v0::"));
    CHECK(contains(r.err, "gossamer::v0::sched::park("));
    CHECK(contains(r.err, "serve_orders"));
    CHECK(r.err.size() > short_report.size());
  }
  CHECK(contains(run_child(program, {{"GOSSAMER", "raw"}}).err, "`raw` is ignored"));
}

FIBER_TEST("the program's own stack is shown without what carried the call") {
  std::string text;
  auto done = make_chan<void>();
  const std::function<void(int)> f = [&](int) { text = debug::stack(); };
  go([&] {
    std::invoke(f, 1);
    close(done);
  });
  done.recv();
  CHECK(contains(text, "[running]:"));
  CHECK(!contains(text, "invoke"));
  CHECK(!contains(text, "_Function_handler"));
  CHECK(!contains(text, "::v0"));
  CHECK(longest_line(text) <= 200);
}
