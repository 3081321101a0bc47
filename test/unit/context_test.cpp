// Contexts (docs/go-semantics.md, CX1 to CX12): cancellation, deadlines, values, texts; and what every blocking call
// does with one.
#include <malloc.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "child.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::await_parked;
using support::crew;
using support::eventually;
using support::panic_of;
using support::scale;

namespace {

bool is_closed(const recv_chan<void>& done) { return wait::stop(done).is_set(); }
bool is_live(const context::context& ctx) { return !ctx.err() && !context::cause(ctx) && !is_closed(ctx.done()); }
bool ended_with(const context::context& ctx, const error& err, const error& cause) {
  return is_closed(ctx.done()) && ctx.err() == err && context::cause(ctx) == cause;
}

struct user_key {
  int n;
  bool operator==(const user_key&) const = default;
};
struct other_key {
  int n;
  bool operator==(const other_key&) const = default;
};
struct named_key {
  std::string name;
  std::string text() const { return "key:" + name; }
  bool operator==(const named_key&) const = default;
};

const std::string nil_text = "runtime error: invalid memory address or nil pointer dereference";

}  // namespace

// ---- roots and cancellation -----------------------------------------------------------------------------------------

CHILD_PROGRAM("takes the root contexts") {
  const auto before = ::mallinfo2().uordblks;
  const context::context a = context::background(), b = context::todo();
  return a != b && ::mallinfo2().uordblks == before ? 0 : 1;
}
PLAIN_TEST("CX1: background and todo take no memory, so they are there when there is none") {
  CHECK(support::run_child("takes the root contexts").exited_with(0));
}

CHILD_PROGRAM("cancels out of memory") {
  return run(
      [] {
        const auto never = make_chan<void>();
        auto [ctx, cancel] = context::with_cancel(context::background());
        const auto stop = context::after_func(ctx, [] {});
        const rlimit none{1, 1};
        ::setrlimit(RLIMIT_AS, &none);
        try {
          for (;;) {
            go([never] { never.recv(); });
          }
        } catch (const std::bad_alloc&) {
        }
        cancel();
        return 0;
      },
      {.procs = 1});
}
#if !GOSSAMER_ASAN && !GOSSAMER_TSAN
PLAIN_TEST("a call of after_func that finds no memory for its fiber is a fatal error that says so") {
  const auto r = support::run_child("cancels out of memory");
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "fatal error: out of memory: context::after_func cannot start its fiber\n"));
}
#endif

FIBER_TEST("CX1: background and todo are never done and have no error, deadline or value") {
  for (const auto& ctx : {context::background(), context::todo()}) {
    CHECK(ctx.done() == nil);
    CHECK(!ctx.err());
    CHECK(!context::cause(ctx));
    CHECK(!ctx.deadline());
    CHECK(ctx.value<int>(user_key{1}) == nullptr);
  }
  CHECK(context::background() != context::todo());
}

FIBER_TEST("CX2: cancel reaches all descendants before it returns, in any order they were made") {
  auto [root, cancel] = context::with_cancel(context::background());
  std::vector<context::context> all{root};
  std::vector<context::cancel_func> keep;
  for (std::size_t i = 0; i < 300; ++i) {
    const context::context parent = all[i * 7919 % all.size()];
    if (i % 3 == 0) {
      all.push_back(context::with_value(parent, user_key{static_cast<int>(i)}, 1));
    } else if (i % 3 == 1) {
      auto [c, f] = context::with_cancel(parent);
      all.push_back(c);
      keep.push_back(f);
    } else {
      auto [c, f] = context::with_timeout(parent, 1h);
      all.push_back(c);
      keep.push_back(f);
    }
    if (i % 2 == 0) {
      all.back().done();  // half of the channels exist, half do not
    }
  }
  for (const auto& ctx : all) {
    CHECK(is_live(ctx));
  }
  cancel();
  for (const auto& ctx : all) {
    CHECK(ended_with(ctx, context::canceled, context::canceled));
  }
  cancel();
  for (const auto& f : keep) {
    f();
  }
  CHECK(root.err() == context::canceled);
}

FIBER_TEST("CX2: a cancel that comes second returns when the first has reached all") {
  for (int round = 0; round < scale(200); ++round) {
    auto [root, cancel] = context::with_cancel(context::background());
    std::vector<std::pair<context::context, context::cancel_func>> chain{context::with_cancel(root)};
    for (int i = 0; i < 30; ++i) {
      chain.push_back(context::with_cancel(chain.back().first));
    }
    std::atomic<int> late = 0;
    crew all;
    for (const auto& f : {cancel, chain[0].second, chain[10].second}) {
      all.go([&, f] {
        f();
        late += !chain.back().first.err() || !is_closed(chain.back().first.done());
      });
    }
    all.join();
    CHECK(late == 0);
  }
}

FIBER_TEST("CX3: who sees the error finds done closed, and who finds done closed sees the error") {
  std::atomic<int> wrong = 0;
  for (int round = 0; round < scale(500); ++round) {
    auto [ctx, cancel] = context::with_cancel(context::background());
    const recv_chan<void> done = ctx.done();
    crew all;
    all.go([&, c = ctx] {
      while (!c.err()) {
        runtime::gosched();
      }
      wrong += !is_closed(done);
    });
    all.go([&, c = ctx] {
      done.recv();
      wrong += c.err() != context::canceled || context::cause(c) != context::canceled;
    });
    cancel();
    all.join();
    CHECK(ctx.done() == done);
  }
  CHECK(wrong == 0);
}

FIBER_TEST("CX4: a child of a cancelled parent is born cancelled, with its error and cause") {
  const error why = errors::make("why");
  auto [parent, cancel] = context::with_cancel_cause(context::background());
  cancel(why);
  auto [child, cancel_child] = context::with_cancel(context::with_value(parent, user_key{1}, 1));
  CHECK(ended_with(child, context::canceled, why));
  auto [late, cancel_late] = context::with_timeout(parent, 1h);
  CHECK(ended_with(late, context::canceled, why));
  auto [past, cancel_past] = context::with_timeout(context::background(), -1s);
  auto [of_past, cancel_of_past] = context::with_cancel(past);
  CHECK(ended_with(of_past, context::deadline_exceeded, context::deadline_exceeded));
}

FIBER_TEST("CX5: the first cancellation wins, and the first cause; no cause is canceled; a timeout has its own") {
  const error one = errors::make("one"), two = errors::make("two");
  auto [parent, cancel_parent] = context::with_cancel_cause(context::background());
  auto [child, cancel_child] = context::with_cancel_cause(parent);
  auto [sibling, cancel_sibling] = context::with_cancel_cause(parent);
  cancel_child(two);
  cancel_child(one);
  CHECK(ended_with(child, context::canceled, two));
  CHECK(is_live(parent));
  cancel_parent(one);
  CHECK(ended_with(parent, context::canceled, one));
  CHECK(ended_with(child, context::canceled, two));
  CHECK(ended_with(sibling, context::canceled, one));
  auto [plain, cancel_plain] = context::with_cancel_cause(context::background());
  cancel_plain(nil);
  CHECK(ended_with(plain, context::canceled, context::canceled));
  auto [timed, cancel_timed] = context::with_timeout_cause(context::background(), 1ms, one);
  timed.done().recv();
  cancel_timed();
  CHECK(ended_with(timed, context::deadline_exceeded, one));
  auto [early, cancel_early] = context::with_timeout_cause(context::background(), 1h, one);
  cancel_early();
  CHECK(ended_with(early, context::canceled, context::canceled));
}

// ---- deadlines ------------------------------------------------------------------------------------------------------

FIBER_TEST("CX6: the earlier deadline wins; one that has passed ends the context at once; a maximal one never comes") {
  const auto now = time::now();
  auto [outer, cancel_outer] = context::with_deadline(context::background(), now + 1h);
  auto [inner, cancel_inner] = context::with_deadline(outer, now + 2h);
  CHECK(outer.deadline() == now + 1h);
  CHECK(inner.deadline() == now + 1h);
  CHECK(support::contains(inner.text(), "]).with_cancel"));
  auto [sooner, cancel_sooner] = context::with_deadline(inner, now + 1min);
  CHECK(sooner.deadline() == now + 1min);
  auto [past, cancel_past] = context::with_deadline(outer, now - 1s);
  CHECK(ended_with(past, context::deadline_exceeded, context::deadline_exceeded));
  cancel_past();
  CHECK(past.err() == context::deadline_exceeded);
  auto [never, cancel_never] = context::with_timeout(context::background(), time::duration::max());
  CHECK(is_live(never));
  cancel_never();
  CHECK(ended_with(never, context::canceled, context::canceled));
  const context::context children[] = {inner, sooner};
  cancel_outer();
  for (const auto& ctx : children) {
    CHECK(ended_with(ctx, context::canceled, context::canceled));
  }
}

FIBER_TEST("CX6: when time ends a context, all below it end with it") {
  const auto begin = time::now();
  auto [ctx, cancel] = context::with_timeout(context::background(), 2ms);
  auto [child, cancel_child] = context::with_cancel(context::with_value(ctx, user_key{1}, 1));
  auto [later, cancel_later] = context::with_timeout(child, 1h);
  later.done().recv();
  CHECK(time::since(begin) >= 2ms);
  CHECK(ended_with(ctx, context::deadline_exceeded, context::deadline_exceeded));
  CHECK(ended_with(child, context::deadline_exceeded, context::deadline_exceeded));
  CHECK(ended_with(later, context::deadline_exceeded, context::deadline_exceeded));
}

FIBER_TEST("CX7: the texts of the two errors, and only the deadline is a timeout") {
  CHECK(context::canceled.text() == "context canceled");
  CHECK(context::deadline_exceeded.text() == "context deadline exceeded");
  CHECK(!context::canceled.timeout());
  CHECK(context::deadline_exceeded.timeout());
  CHECK(errors::is(errors::wrap(context::deadline_exceeded, "get"), context::deadline_exceeded));
  CHECK(errors::wrap(context::deadline_exceeded, "get").timeout());
}

// ---- values ---------------------------------------------------------------------------------------------------------

FIBER_TEST("CX8: a value is found by the nearest key that is equal and of the same type") {
  const auto c1 = context::with_value(context::background(), user_key{1}, std::string("one"));
  auto [c2, cancel] = context::with_timeout(c1, 1h);
  const auto c3 = context::with_value(c2, other_key{1}, 3);
  const auto c4 = context::with_value(c3, user_key{1}, std::string("four"));
  const auto c5 = context::with_value(c4, user_key{2}, nil);
  CHECK(*c1.value<std::string>(user_key{1}) == "one");
  CHECK(*c3.value<std::string>(user_key{1}) == "one");
  CHECK(*c5.value<std::string>(user_key{1}) == "four");
  CHECK(*c5.value<int>(other_key{1}) == 3);
  CHECK(c5.value<std::string>(other_key{1}) == nullptr);  // of another type
  CHECK(c5.value<int>(user_key{3}) == nullptr);
  CHECK(c5.value<std::nullptr_t>(user_key{2}) != nullptr);
  CHECK(c2.value<int>(other_key{1}) == nullptr);
  cancel();
  CHECK(*c5.value<std::string>(user_key{1}) == "four");
}

FIBER_TEST("CX8: strings of every sort are one type, as keys and as values") {
  const std::string_view view = "k";
  const auto ctx = context::with_value(context::background(), "k", "v");
  CHECK(*ctx.value<std::string>(std::string("k")) == "v");
  CHECK(*ctx.value<std::string>(view) == "v");
  CHECK(*ctx.value<std::string>("k") == "v");
  CHECK(ctx.value<std::string>("l") == nullptr);
}

PLAIN_TEST("CX8: a chain of a million values is searched, cancelled and destroyed without recursion") {
  auto [root, cancel] = context::with_cancel(context::background());
  context::context ctx = context::with_value(root, user_key{-1}, std::string("found"));
  for (int i = 0; i < scale(1'000'000); ++i) {
    ctx = context::with_value(ctx, user_key{i}, i);
  }
  auto [leaf, cancel_leaf] = context::with_timeout(ctx, 1h);
  CHECK(*leaf.value<std::string>(user_key{-1}) == "found");
  CHECK(leaf.value<std::string>(user_key{-2}) == nullptr);
  cancel();
  CHECK(leaf.err() == context::canceled);
}

PLAIN_TEST("a chain of a million contexts is cancelled and destroyed without recursion") {
  auto [root, cancel] = context::with_cancel(context::background());
  context::context ctx = root;
  for (int i = 0; i < scale(1'000'000); ++i) {
    ctx = context::with_cancel(ctx).first;
  }
  CHECK(!ctx.err());
  cancel();
  CHECK(ctx.err() == context::canceled);
}

FIBER_TEST("without_cancel keeps the values, and neither the deadline, the error nor the cause") {
  auto [parent, cancel] =
      context::with_timeout_cause(context::with_value(context::background(), user_key{1}, 7), 1h, errors::make("x"));
  const auto free = context::without_cancel(parent);
  cancel();
  CHECK(*free.value<int>(user_key{1}) == 7);
  CHECK(!free.deadline());
  CHECK(free.done() == nil);
  CHECK(!free.err());
  CHECK(!context::cause(free));
  auto [child, cancel_child] = context::with_cancel(free);
  CHECK(is_live(child));
  cancel_child();
  CHECK(ended_with(child, context::canceled, context::canceled));
}

// ---- texts and bad input --------------------------------------------------------------------------------------------

FIBER_TEST("CX12: a context prints how it came about") {
  const auto& background = context::background();
  CHECK(background.text() == "context.background");
  CHECK(context::todo().text() == "context.todo");
  auto [a, cancel] = context::with_cancel(background);
  CHECK(a.text() == "context.background.with_cancel");
  CHECK(context::without_cancel(a).text() == "context.background.with_cancel.without_cancel");
  CHECK(context::with_value(background, named_key{"user"}, "bob").text() ==
        "context.background.with_value(key:user, bob)");
  CHECK(context::with_value(background, named_key{"none"}, nil).text() ==
        "context.background.with_value(key:none, <nil>)");
  CHECK(context::with_value(background, named_key{"n"}, 5).text() == "context.background.with_value(key:n, int)");
  auto [t, cancel_t] = context::with_timeout(background, 90min + 50s);
  CHECK(support::starts_with(t.text(), "context.background.with_deadline(m=+"));
  CHECK(support::contains(t.text(), " [1h30m"));
  cancel_t();  // or its timer would keep it, beyond the end of the runtime
  auto [p, cancel_p] = context::with_deadline(background, time::now() - 1min);
  CHECK(support::contains(p.text(), " [-1m0."));
}

FIBER_TEST("a nil parent, a nil key and a nil context panic") {
  const std::string no_parent = "cannot create context from nil parent";
  const context::context none;
  const auto& background = context::background();
  CHECK(panic_of([&] { static_cast<void>(context::with_cancel(none)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::with_cancel_cause(nil)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::with_timeout(none, 1s)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::with_deadline_cause(none, time::now(), nil)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::with_value(none, 1, 1)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::without_cancel(none)); }) == no_parent);
  CHECK(panic_of([&] { static_cast<void>(context::with_value(background, nil, 1)); }) == "nil key");
  CHECK(panic_of([&] { static_cast<void>(context::with_value(background, static_cast<int*>(nullptr), 1)); }) ==
        "nil key");
  CHECK(panic_of([&] { none.done(); }) == nil_text);
  CHECK(panic_of([&] { none.err(); }) == nil_text);
  CHECK(panic_of([&] { none.deadline(); }) == nil_text);
  CHECK(panic_of([&] { none.value<int>(1); }) == nil_text);
  CHECK(panic_of([&] { static_cast<void>(none.text()); }) == nil_text);
  CHECK(panic_of([&] { context::after_func(none, [] {}); }) == nil_text);
  CHECK(panic_of([&] { context::cancel_func()(); }) == nil_text);
  CHECK(panic_of([&] { context::cancel_cause_func()(nil); }) == nil_text);
  CHECK(panic_of([&] { context::stop_func()(); }) == nil_text);
}

FIBER_TEST("contexts are handles: nullable, equal by identity, hashable") {
  context::context none = nil;
  CHECK(!none);
  CHECK(none == nil);
  auto [a, cancel] = context::with_cancel(context::background());
  const context::context copy = a;
  CHECK(copy == a);
  CHECK(copy != context::background());
  std::unordered_set<context::context> set{a, copy, context::background()};
  CHECK(set.size() == 2);
  std::tie(a, cancel) = context::with_cancel(copy);
  CHECK(a != copy);
  const std::function<void()> f = cancel;
  f();
  CHECK(a.err() == context::canceled);
  CHECK(is_live(copy));
}

CHILD_PROGRAM("after_func of nothing") {
  return run([] { context::after_func(context::background(), std::function<void()>()); });
}
PLAIN_TEST("after_func of an empty function is fatal") {
  const auto child = support::run_child("after_func of nothing");
  CHECK(child.exited_with(2));
  CHECK(support::contains(child.err, "go of nil func value"));
}

// ---- blocking calls -------------------------------------------------------------------------------------------------

FIBER_TEST("every blocking call takes a context, and ends when it is cancelled") {
  sync::mutex mu, of_cond;
  sync::rw_mutex rw;
  sync::wait_group wg;
  sync::cond changed;
  const auto ch = make_chan<int>();
  mu.lock();
  rw.lock();
  wg.add(1);
  auto [parent, cancel] = context::with_cancel(context::background());
  const auto ctx = context::with_value(parent, user_key{1}, 1);
  std::atomic<int> ended = 0, kept_on = 0;
  const std::function<bool()> calls[] = {
      [&] { return mu.try_lock_until(ctx); },
      [&] { return rw.try_lock_until(ctx); },
      [&] { return rw.try_lock_shared_until(ctx); },
      [&] { return wg.wait_until(ctx); },
      [&] { return time::sleep_for(1h, ctx); },
      [&] { return time::sleep_until(time::now() + 1h, ctx); },
      [&] { return ch.recv_until(ctx) != channel_status::ended; },
      [&] { return ch.send_until(context::with_value(ctx, user_key{2}, 2), 5) != channel_status::ended; },
      [&] {
        const std::scoped_lock lock(of_cond);
        return changed.wait_until(of_cond, ctx);
      },
      [&] {
        const std::scoped_lock lock(of_cond);
        return changed.wait_until(of_cond, ctx, [] { return false; });
      },
      [&] { return select(recv(make_chan<int>()), recv(ctx.done())) == 0; },
  };
  crew all;
  for (const auto& call : calls) {
    if (&call == &calls[7]) {
      continue;  // it would meet the receive before it: alone, below
    }
    all.go([&] {
      kept_on += call();
      ++ended;
    });
  }
  std::thread thread([&] {
    kept_on += calls[3]();
    ++ended;
  });
  CHECK(support::await_receivers(ctx.done(), static_cast<int>(std::size(calls))));
  CHECK(ended == 0);
  cancel();
  all.join();
  thread.join();
  CHECK(kept_on == 0);
  for (const auto& call : calls) {
    kept_on += call();
  }
  CHECK(kept_on == 0);
}

FIBER_TEST("what can be had at once is had with any context, and background ends nothing") {
  sync::mutex mu;
  CHECK(mu.try_lock_until(context::background()));
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto ch = make_chan<int>(1);
  CHECK(ch.send_until(ctx, 1) == channel_status::done);
  int v = 0;
  CHECK(ch.recv_until(ctx, v) == channel_status::done);
  CHECK(v == 1);
  cancel();
}

FIBER_TEST("auto [ctx, cancel] with a defer ends the context with the scope") {
  context::context seen;
  {
    auto [ctx, cancel] = context::with_timeout(context::background(), 1h);
    defer d1{cancel};
    seen = ctx;
    CHECK(is_live(seen));
  }
  CHECK(ended_with(seen, context::canceled, context::canceled));
}
