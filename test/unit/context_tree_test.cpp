// Contexts as a tree (docs/go-semantics.md, CX9 and CX10): after_func, parents of other types, and who keeps whom.
#include <malloc.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "inside.hpp"
#include "tracked.hpp"

using namespace gossamer;
using support::crew;
using support::eventually;
using support::scale;

namespace {

bool is_closed(const recv_chan<void>& done) { return wait::stop(done).is_set(); }
bool ended_with(const context::context& ctx, const error& err, const error& cause) {
  return is_closed(ctx.done()) && ctx.err() == err && context::cause(ctx) == cause;
}

struct user_key {
  int n;
  bool operator==(const user_key&) const = default;
};
struct tracked : support::life<tracked> {};
int alive() { return support::census<tracked>::alive; }

// Bytes that malloc has given out.
std::size_t in_use() { return ::mallinfo2().uordblks; }

// Adds a value to what it comes from, and nothing else.
struct tagged : context::interface {
  explicit tagged(context::context parent) : interface(std::move(parent)) {}
  context::any_value value(const context::any_key& key) const override {
    static const int answer = 42;
    if (const auto* k = key.as<user_key>(); k != nullptr && k->n == 99) {
      return context::any_value(answer);
    }
    return interface::value(key);
  }
  std::string text() const override { return parent().text() + ".tagged"; }
};

// Has a done() of its own.
struct manual : context::interface {
  struct shared {
    chan<void> done = make_chan<void>();
    sync::mutex mu;
    error why;
    std::vector<std::function<void()>> calls;
    bool offers_after = false;
    int stopped = 0;
  };
  std::shared_ptr<shared> its = std::make_shared<shared>();
  manual() = default;
  explicit manual(context::context parent) : interface(std::move(parent)) {}
  recv_chan<void> done() const override { return its->done; }
  error err() const override {
    const std::scoped_lock lock(its->mu);
    return its->why;
  }
  context::stop_callback after_func(context::callback f) const override {
    if (!its->offers_after) {
      return nullptr;
    }
    const std::scoped_lock lock(its->mu);
    its->calls.push_back(std::move(f));
    return [its = its] {
      ++its->stopped;
      return true;
    };
  }
  static void end(shared& s, const error& why) {
    std::vector<std::function<void()>> calls;
    {
      const std::scoped_lock lock(s.mu);
      s.why = why;
      calls.swap(s.calls);
    }
    close(s.done);
    for (const auto& f : calls) {
      f();
    }
  }
};

}  // namespace

// ---- after_func -----------------------------------------------------------------------------------------------------

FIBER_TEST("CX9: after_func calls in a fiber of its own once the context is cancelled, and stop says false then") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto called = make_chan<int>();
  std::vector<context::stop_func> stops;
  for (int i = 0; i < 3; ++i) {
    stops.push_back(context::after_func(context::with_value(ctx, user_key{i}, i), [=] { called << i; }));
  }
  CHECK(select(recv(called), otherwise) == 1);
  cancel();  // does not wait for the calls, which block
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    sum += *called;
  }
  CHECK(sum == 3);
  for (const auto& stop : stops) {
    CHECK(!stop());
  }
}

FIBER_TEST("CX9: after_func of a context that is done calls at once; of one that never is, never") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  cancel();
  const auto called = make_chan<void>();
  const auto stop = context::after_func(ctx, [=] { called.send(); });
  called.recv();
  CHECK(!stop());
  const auto never = context::after_func(context::background(), [t = tracked()] {});
  CHECK(alive() == 1);
  CHECK(never());
  CHECK(!never());
  CHECK(alive() == 0);
}

FIBER_TEST("CX9: stop returns true only if it prevented the call, and then the function is gone") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  std::atomic<int> calls = 0;
  const auto stop = context::after_func(ctx, [&calls, t = tracked()] { ++calls; });
  const auto copy = stop;
  CHECK(alive() == 1);
  CHECK(copy());
  CHECK(alive() == 0);
  CHECK(!stop());
  cancel();
  CHECK(calls == 0);
  int prevented = 0;
  for (int round = 0; round < scale(500); ++round) {
    auto [c, cancel_c] = context::with_cancel(context::background());
    const auto s = context::after_func(c, [&calls, t = tracked()] { ++calls; });
    crew all;
    all.go([f = cancel_c] { f(); });
    prevented += s();
    all.join();
  }
  CHECK(eventually([&] { return calls + prevented == scale(500); }));
  CHECK(eventually([&] { return alive() == 0; }));
}

FIBER_TEST("after_func keeps its call though nobody holds the context or the stop") {
  auto [root, cancel] = context::with_cancel(context::background());
  const auto called = make_chan<int>();
  {
    auto [child, cancel_child] = context::with_cancel(root);
    auto [deeper, cancel_deeper] = context::with_cancel(child);
    context::after_func(deeper, [=] { called << 1; });
  }
  cancel();
  CHECK(*called == 1);
}

FIBER_TEST("a done channel closes with the parent though nobody holds its context") {
  auto [root, cancel] = context::with_cancel(context::background());
  recv_chan<void> done;
  {
    auto [child, cancel_child] = context::with_cancel(context::with_value(root, user_key{1}, 1));
    done = child.done();
  }
  CHECK(!is_closed(done));
  cancel();
  CHECK(is_closed(done));
}

FIBER_TEST("what nobody can cancel any more is freed with all that waits for it") {
  recv_chan<void> done;
  {
    auto [root, cancel] = context::with_cancel(context::background());
    context::context at = root;
    for (int i = 0; i < 10; ++i) {
      at = context::with_cancel(at).first;
      context::after_func(at, [t = tracked()] {});
    }
    done = at.done();
    CHECK(alive() == 10);
  }
  CHECK(alive() == 0);
  CHECK(!is_closed(done));
}

// ---- contexts of other types ----------------------------------------------------------------------------------------

FIBER_TEST("CX10: a type that only adds to its parent costs no fiber, and is cancelled with it") {
  const int fibers = runtime::num_fibers();
  const error why = errors::make("why");
  auto [root, cancel] = context::with_cancel_cause(context::background());
  const context::context ctx = tagged(root);
  CHECK(*ctx.value<int>(user_key{99}) == 42);
  CHECK(ctx.as<tagged>() != nullptr);
  CHECK(ctx.as<manual>() == nullptr);
  CHECK(ctx.text() == "context.background.with_cancel.tagged");
  CHECK(ctx.done() == root.done());
  auto [child, cancel_child] = context::with_cancel(ctx);
  auto [timed, cancel_timed] = context::with_timeout(child, 1h);
  CHECK(child.text() == "context.background.with_cancel.tagged.with_cancel");
  CHECK(*timed.value<int>(user_key{99}) == 42);
  CHECK(runtime::num_fibers() == fibers);
  cancel(why);
  CHECK(ended_with(ctx, context::canceled, why));
  CHECK(ended_with(child, context::canceled, why));
  CHECK(ended_with(timed, context::canceled, why));
}

FIBER_TEST("CX10: a parent with a done of its own costs one fiber a child, until the child ends") {
  const int fibers = runtime::num_fibers();
  const error why = errors::make("why");
  const manual parent;
  const context::context ctx = parent;
  auto [a, cancel_a] = context::with_cancel(ctx);
  auto [b, cancel_b] = context::with_cancel(ctx);
  CHECK(runtime::num_fibers() == fibers + 2);
  cancel_a();
  CHECK(eventually([&] { return runtime::num_fibers() == fibers + 1; }));
  std::atomic<int> calls = 0;
  const auto stopped = context::after_func(ctx, [&] { ++calls; });
  const auto kept = context::after_func(ctx, [&] { ++calls; });
  CHECK(stopped());
  manual::end(*parent.its, why);
  b.done().recv();
  CHECK(ended_with(b, why, why));
  CHECK(ended_with(a, context::canceled, context::canceled));
  CHECK(eventually([&] { return calls == 1; }));
  CHECK(!kept());
  auto [late, cancel_late] = context::with_cancel(ctx);
  CHECK(ended_with(late, why, why));
  CHECK(eventually([&] { return runtime::num_fibers() == fibers; }));
}

FIBER_TEST("CX10: a parent that offers after_func costs no fiber") {
  const int fibers = runtime::num_fibers();
  manual parent;
  parent.its->offers_after = true;
  const context::context ctx = parent;
  auto [a, cancel_a] = context::with_cancel(ctx);
  auto [b, cancel_b] = context::with_cancel(ctx);
  CHECK(runtime::num_fibers() == fibers);
  cancel_a();
  CHECK(parent.its->stopped == 1);
  manual::end(*parent.its, context::canceled);
  CHECK(ended_with(b, context::canceled, context::canceled));
  CHECK(runtime::num_fibers() == fibers);
}

FIBER_TEST("a wrapper with another done is not bypassed") {
  auto [root, cancel] = context::with_cancel_cause(context::background());
  const manual wrapper(root);
  auto [child, cancel_child] = context::with_cancel(context::context(wrapper));
  cancel(errors::make("not heard"));
  CHECK(!child.err());
  manual::end(*wrapper.its, context::deadline_exceeded);
  child.done().recv();
  CHECK(child.err() == context::deadline_exceeded);
  cancel_child();
}

// ---- memory ---------------------------------------------------------------------------------------------------------

FIBER_TEST("CX10: a million children of one parent, cancelled one by one, leave memory where it was") {
  const int n = scale(1'000'000) / (support::width() == 2 ? 1 : 10) + 1;
  const int fibers = runtime::num_fibers();
  auto [root, cancel] = context::with_cancel(context::background());
  root.done();
  const auto round = [parent = root] {
    auto [ctx, cancel_it] = context::with_cancel(parent);
    cancel_it();
  };
  round();
  const std::size_t before = in_use();
  for (int i = 0; i < n; ++i) {
    round();
  }
  const std::size_t after = in_use();
  CHECK(after <= before + 100'000);
  CHECK(runtime::num_fibers() == fibers);
  cancel();
}

FIBER_TEST("children that nobody cancels leave their parent with their last handle") {
  const int n = scale(100'000);
  auto [root, cancel] = context::with_cancel(context::background());
  const auto round = [parent = root] {
    auto [ctx, cancel_it] = context::with_cancel(context::with_value(parent, user_key{1}, 1));
    ctx.done();
  };
  round();
  const std::size_t before = in_use();
  for (int i = 0; i < n; ++i) {
    round();
  }
  CHECK(in_use() <= before + 100'000);
  cancel();
}

FIBER_TEST("timers of contexts that were cancelled are gone") {
  auto [root, cancel] = context::with_cancel(context::background());
  const std::size_t before = in_use();
  for (int i = 0; i < scale(20'000); ++i) {
    auto [ctx, cancel_it] = context::with_timeout(root, 1h);
    cancel_it();
  }
  for (int i = 0; i < scale(200); ++i) {
    auto [parent, cancel_it] = context::with_cancel(root);
    std::vector<std::pair<context::context, context::cancel_func>> timed;
    for (int j = 0; j < 100; ++j) {
      timed.push_back(context::with_timeout(parent, 1h));
    }
    cancel_it();
  }
  CHECK(in_use() <= before + 200'000);
  cancel();
}

// ---- all at once ----------------------------------------------------------------------------------------------------

FIBER_TEST("a tree that grows, is cancelled and let go from all sides ends as one") {
  std::atomic<int> wrong = 0;
  for (int round = 0; round < scale(60); ++round) {
    auto [root, cancel] = context::with_cancel(context::background());
    crew all;
    std::atomic<int> calls = 0, stopped = 0, registered = 0;
    for (int f = 0; f < 8; ++f) {
      all.go([&, f, top = root] {
        base::rng random{static_cast<std::uint64_t>(round * 8 + f + 1)};
        std::vector<std::pair<context::context, context::cancel_func>> mine{{top, nil}};
        std::vector<recv_chan<void>> channels;
        std::vector<context::stop_func> stops;
        for (int i = 0; i < 60; ++i) {
          const std::size_t at = random.next() % mine.size();
          switch (random.next() % 8) {
            case 0:
            case 1:
              mine.push_back(context::with_cancel(mine[at].first));
              break;
            case 2:
              mine.push_back(context::with_timeout(mine[at].first, random.next() % 2 == 0 ? 1h : 50us));
              break;
            case 3:
              mine.push_back({context::with_value(mine[at].first, user_key{i}, i), mine[at].second});
              break;
            case 4:
              channels.push_back(mine[at].first.done());
              break;
            case 5:
              stops.push_back(context::after_func(mine[at].first, [&calls, t = tracked()] { ++calls; }));
              ++registered;
              break;
            case 6:
              if (mine[at].second && at % 2 == 0) {
                mine[at].second();
                wrong += !mine[at].first.err();
              } else if (at > 0) {
                mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(at));
              }
              break;
            case 7:
              if (!stops.empty()) {
                stopped += stops.back()();
                stops.pop_back();
              }
              break;
          }
        }
        if (f == 3) {
          runtime::gosched();
        }
        top.done().recv();
        for (const auto& [ctx, unused] : mine) {
          ctx.done().recv();
          wrong += !ctx.err();
        }
        for (const auto& done : channels) {
          done.recv();
        }
      });
    }
    runtime::gosched();
    cancel();
    all.join();
    CHECK(eventually([&] { return calls + stopped == registered; }));
  }
  CHECK(wrong == 0);
  CHECK(eventually([&] { return alive() == 0; }));
}
