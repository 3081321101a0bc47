// Snapshots and dumps: every fiber is there once, with what it is blocked on and a stack that goes back to its entry.
#include "gossamer/debug.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child.hpp"
#include "debug/output.hpp"
#include "gossamer/leak.hpp"
#include "inside.hpp"
#include "machine/walk.hpp"

using namespace gossamer;
using debug::fiber_info;
using debug::format;
using runtime::status;
using support::contains;
using support::eventually;

namespace {

// What the snapshot says of the fibers with that name.
std::vector<fiber_info> named(std::string_view name, bool stacks = false) {
  debug::filter f;
  f.name = name;
  f.stacks = stacks;
  return debug::fibers(f);
}

// Yields until there is one with that name that waits for that reason; what it then is.
fiber_info await(std::string_view name, std::string_view reason, bool stacks = false) {
  std::vector<fiber_info> found;
  CHECK(eventually([&] {
    found = named(name, stacks);
    return found.size() == 1 && found[0].state == status::waiting && found[0].reason == reason;
  }));
  return found.size() == 1 ? found[0] : fiber_info();
}

std::uint64_t id_of_main() {
  const std::vector<fiber_info> all = debug::fibers();
  const auto its = std::find_if(all.begin(), all.end(), [](const fiber_info& info) { return info.is_main; });
  REQUIRE(its != all.end());
  return its->id;
}

std::string function_at(const void* address) {
  std::string all;
  for (const debug::source_line& l : debug::lines_of(address)) {
    all += l.function + "\n";
  }
  return all;
}

std::string all_functions(const fiber_info& info) {
  std::string all;
  for (const void* address : info.stack) {
    all += function_at(address);
  }
  return all;
}

std::string dump_text(format how = format::text, const debug::filter& which = {}) {
  std::string text;
  const error err = debug::dump(text, how, which);
  CHECK(err == nil);
  return text;
}

}  // namespace

// Outside of the unnamed namespace, and not inlined: names to be found in stacks.
[[gnu::noinline]] void waits_here(const chan<int>& ch) {
  ch.recv();
  asm volatile("" : : : "memory");
}
[[gnu::noinline]] void waits_deep_down(const chan<int>& ch, int depth) {
  if (depth == 0) {
    waits_here(ch);
  } else {
    waits_deep_down(ch, depth - 1);
  }
  asm volatile("" : : : "memory");
}
[[gnu::noinline]] void computes_until(const std::atomic<bool>& stop) {
  while (!stop) {
    asm volatile("" : : : "memory");
  }
}

FIBER_TEST("a fiber is there with its name, its parent, where it was spawned, and a reason in Go's words") {
  auto ch = make_chan<int>(3);
  const int line = __LINE__ + 1;
  go(fiber_options{.name = "reader"}, [ch] { waits_here(ch); });
  const fiber_info info = await("reader", "chan receive");
  CHECK(info.id != 0);
  CHECK(info.parent == id_of_main());
  CHECK_FALSE(info.is_main);
  CHECK(std::string(info.where.file_name()).find("debug_test.cpp") != std::string::npos);
  CHECK(info.where.line() != 0);
  CHECK(info.waited() >= 0ns);
  CHECK(info.object.kind == "chan");
  CHECK(info.object.known);
  CHECK(info.object.cap == 3);
  CHECK(info.object.len == 0);
  CHECK(info.object.waiters == 1);
  CHECK(info.stack_low < info.stack_high);
  debug::filter by_site;
  const std::string text = debug::lines_of(info.spawn_site).back().file + ":" + std::to_string(line);
  by_site.spawn_site = text;
  if (debug::lines_of(info.spawn_site).back().line > 0) {
    CHECK(debug::fibers(by_site).size() == 1);
  }
  by_site.spawn_site = "no such function";
  CHECK(debug::fibers(by_site).empty());
  close(ch);
  CHECK(eventually([] { return named("reader").empty(); }));
}

FIBER_TEST("each reason and object is as Go calls it") {
  sync::mutex mu;
  sync::rw_mutex rw;
  sync::wait_group wg;
  auto full = make_chan<int>();
  auto stop = make_chan<void>();
  sync::wait_group over;
  mu.lock();
  rw.lock();
  wg.add(1);
  over.add(3);
  go(fiber_options{.name = "mutex"}, [&] {
    mu.lock();
    mu.unlock();
    over.done();
  });
  go(fiber_options{.name = "reader"}, [&] {
    rw.lock_shared();
    rw.unlock_shared();
    over.done();
  });
  go(fiber_options{.name = "group"}, [&] {
    wg.wait();
    over.done();
  });
  go(fiber_options{.name = "send"}, [=] { full << 1; });
  CHECK(await("send", "chan send").object.cap == 0);
  full.recv();
  go(fiber_options{.name = "select"}, [=] { static_cast<void>(select(recv(full, std::ignore), recv(stop))); });
  const fiber_info on_two = await("select", "select");
  CHECK(on_two.object.kind == "chan");
  CHECK(on_two.object.known);
  CHECK(on_two.others.size() == 1);
  CHECK((on_two.others.size() == 1 && on_two.others[0].kind == "chan" && on_two.others[0].known &&
         on_two.others[0].address != on_two.object.address));
  fiber_info on_mutex = await("mutex", "sync.Mutex.Lock");
  CHECK(on_mutex.object.address == &mu);
  CHECK(on_mutex.object.kind == "sync.Mutex");
  CHECK(on_mutex.object.locked);
  CHECK(on_mutex.object.owner == id_of_main());
  const fiber_info on_writer = await("reader", "sync.RWMutex.RLock");
  CHECK(on_writer.object.address == &rw);
  CHECK(on_writer.object.kind == "sync.RWMutex");
  CHECK(on_writer.object.known);
  CHECK(on_writer.object.locked);
  CHECK(on_writer.object.readers == 0);
  CHECK(on_writer.object.owner == on_mutex.object.owner);
  CHECK(await("group", "sync.WaitGroup.Wait").object.kind == "sync.WaitGroup");
  mu.unlock();
  rw.unlock();
  wg.done();
  over.wait();
  close(stop);
  CHECK(eventually([] { return named("select").empty() && named("mutex").empty() && named("reader").empty(); }));
}

FIBER_TEST("a writer that waits for readers shows how many they are; then the next sees its owner, however it got it") {
  sync::rw_mutex rw;
  auto go_on = make_chan<void>();
  sync::wait_group over;
  rw.lock_shared();
  rw.lock_shared();
  over.go([&] {
    rw.lock();  // is handed it
    go_on.recv();
    rw.unlock();
  });
  CHECK(support::await_parked(wait_reason::rw_mutex_lock, 1));
  const auto waiting = debug::fibers({.reason = "sync.RWMutex.Lock"});
  CHECK(waiting.size() == 1);
  CHECK((waiting.size() == 1 && waiting[0].object.readers == 2 && !waiting[0].object.locked &&
         waiting[0].object.owner == 0));
  CHECK(contains(dump_text(), "[sync.RWMutex.Lock, held by 2 readers]"));
  rw.unlock_shared();
  rw.unlock_shared();
  CHECK(support::await_parked(wait_reason::chan_receive, 1));
  over.go([&] {
    CHECK_FALSE(rw.try_lock());
    rw.lock();
    rw.unlock();
    CHECK(rw.try_lock());
    go_on.recv();
    rw.unlock();
  });
  CHECK(support::await_parked(wait_reason::rw_mutex_lock, 1));
  for (int i = 0; i < 2; ++i) {  // the second holds it by try_lock()
    const auto holder = debug::fibers({.reason = "chan receive"});
    CHECK(holder.size() == 1);
    if (i == 1) {
      over.go([&] {
        rw.lock_shared();
        rw.unlock_shared();
      });
      CHECK(support::await_parked(wait_reason::rw_mutex_rlock, 1));
    }
    const auto next = debug::fibers({.reason = i == 0 ? "sync.RWMutex.Lock" : "sync.RWMutex.RLock"});
    CHECK((next.size() == 1 && holder.size() == 1 && next[0].object.owner == holder[0].id));
    CHECK(contains(dump_text(), ", held by fiber " + std::to_string(holder[0].id) + "]"));
    go_on.send();
    CHECK(eventually([&] { return i == 1 || debug::fibers({.reason = "sync.RWMutex.Lock"}).empty(); }));
    CHECK((i == 1 || support::await_parked(wait_reason::chan_receive, 1)));
  }
  over.wait();
}

FIBER_TEST("a select shows all of its channels, each once; many are cut off") {
  std::vector<chan<int>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(make_chan<int>(i));
  }
  chan<int> none;
  go(fiber_options{.name = "few"}, [=] {
    static_cast<void>(select(recv(all[3], std::ignore), recv(none, std::ignore), recv(all[5], std::ignore),
                             recv(all[3], std::ignore), recv(all[4], std::ignore)));
  });
  const fiber_info few = await("few", "select");
  CHECK(few.others.size() == 2);
  std::size_t caps = few.object.cap;
  for (const debug::object_info& o : few.others) {
    CHECK(o.known);
    CHECK(o.waiters == 1);
    caps += o.cap;
  }
  CHECK(caps == 3 + 4 + 5);
  go(fiber_options{.name = "many"}, [=] {
    std::vector<select_case> cases;
    for (const chan<int>& ch : all) {
      cases.push_back(recv(ch, std::ignore));
    }
    select(cases);
  });
  CHECK(await("many", "select").others.size() == 15);
  for (const chan<int>& ch : all) {
    close(ch);
  }
  CHECK(eventually([] { return named("few").empty() && named("many").empty(); }));
}

FIBER_TEST("an object shows the name that was given to it last, as long as that lives") {
  sync::mutex mu;
  auto ch = make_chan<int>(1);
  const recv_chan<int> end = ch;
  mu.lock();
  go(fiber_options{.name = "locks"}, [&] {
    mu.lock();
    mu.unlock();
  });
  go(fiber_options{.name = "receives"}, [=] { *end; });
  go(fiber_options{.name = "selects"},
     [=] { static_cast<void>(select(recv(ch, std::ignore), recv(make_chan<int>(2), std::ignore))); });
  CHECK(await("locks", "sync.Mutex.Lock").object.name.empty());
  CHECK(await("receives", "chan receive").object.name.empty());
  await("selects", "select");
  {
    const debug::object_name of_mutex(mu, "accounts"), first(end, "first"), of_chan(ch, "jobs");
    const debug::object_name of_nothing(chan<int>(), "nothing");
    CHECK(named("locks").at(0).object.name == "accounts");
    CHECK(named("receives").at(0).object.name == "jobs");
    const fiber_info both = named("selects").at(0);
    CHECK(both.object.name + both.others.at(0).name == "jobs");
    CHECK(contains(dump_text(), "[sync.Mutex.Lock, on \"accounts\", held by fiber "));
    CHECK(contains(dump_text(), "[chan receive, on \"jobs\"]"));
  }
  CHECK(named("locks").at(0).object.name.empty());
  CHECK(named("receives").at(0).object.name.empty());
  mu.unlock();
  close(ch);
  CHECK(eventually([] { return named("locks").empty() && named("receives").empty() && named("selects").empty(); }));
}

FIBER_TEST("a send or a receive with a limit shows as what it is, with its channel") {
  auto ch = make_chan<int>();
  chan<int> none;
  auto [ctx, cancel] = context::with_cancel(context::background());
  const auto watched = ctx;
  go(fiber_options{.name = "send"}, [=] { static_cast<void>(ch.send_until(watched, 1)); });
  const fiber_info sender = await("send", "chan send");
  CHECK(sender.object.known);
  CHECK(sender.object.cap == 0);
  CHECK(sender.others.empty());
  cancel();
  CHECK(eventually([] { return named("send").empty(); }));
  auto [ctx2, cancel2] = context::with_cancel(context::background());
  go(fiber_options{.name = "nil"}, [=, until = ctx2] { static_cast<void>(none.recv_until(until)); });
  CHECK(await("nil", "chan receive").object.address == nullptr);
  CHECK(leak::report().groups.at(0).level == leak::verdict::none);
  cancel2();
  CHECK(eventually([] { return named("nil").empty(); }));
}

FIBER_TEST("a stack goes back to the fiber's entry, through frames that are optimised") {
  auto ch = make_chan<int>();
  go(fiber_options{.name = "deep"}, [ch] { waits_deep_down(ch, 30); });
  const fiber_info info = await("deep", "chan receive", true);
  CHECK(info.whole);
  CHECK(info.elided == 0);
  CHECK(info.stack.size() > 2);
  if (contains(function_at(reinterpret_cast<const char*>(&waits_here) + 1), "waits_here")) {
    CHECK(contains(all_functions(info), "waits_here"));
    CHECK(contains(all_functions(info), "waits_deep_down"));
  }
  debug::filter f;
  f.name = "deep";
  f.high_water = true;
  CHECK(debug::fibers(f)[0].high_water >= 4096);
  close(ch);
  CHECK(eventually([] { return named("deep").empty(); }));
}

#if defined(__x86_64__)
namespace {

std::vector<void*> all_of(const machine::stack_trace& trace) {
  std::vector<void*> all;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    all.push_back(trace.at(i));
  }
  return all;
}

// What the unwinder says of each parked fiber, and what the rules say. How many the rules could walk.
int compared_walks(std::size_t expected) {
  machine::frame_rules rules;
  std::size_t seen = 0;
  int by_rules = 0;
  for (int round = 0; round < 2; ++round) {  // the second time all is known
    records.for_each([&](fiber& f) {
      if (f.id.load() == 0 || f.state.load() != fiber_state::parked) {
        return;
      }
      ++seen;
      const void* const low = machine::stack_bottom(f.stack, f.size_class);
      const void* const high = machine::stack_top(f.stack, f.size_class);
      machine::stack_trace by_unwinder;
      machine::trace_context(f.context, low, high, by_unwinder);
      machine::stack_trace with_rules;
      machine::trace_context(f.context, low, high, with_rules, &rules);
      CHECK(by_unwinder.whole);
      CHECK(with_rules.whole);
      CHECK(all_of(by_unwinder) == all_of(with_rules));
      CHECK(by_unwinder.elided() == with_rules.elided());
      by_rules += rules.trace(f.context, low, high, with_rules) ? 1 : 0;
    });
  }
  CHECK(seen == 2 * expected);
  return by_rules;
}

}  // namespace

[[gnu::noinline]] void waits_beside_an_array(const chan<int>& ch, std::size_t bytes) {
  auto* const room = static_cast<volatile char*>(__builtin_alloca(bytes));
  room[0] = 1;
  waits_here(ch);
  room[bytes - 1] = room[0];
}
[[gnu::noinline]] void waits_with_alignment(const chan<int>& ch) {
  alignas(256) volatile char room[256];
  room[0] = 1;
  waits_here(ch);
  room[255] = room[0];
}
[[gnu::noinline]] void waits_in_a_handler(const chan<int>& ch) {
  try {
    throw 1;
  } catch (int) {
    waits_here(ch);
  }
}

FIBER_TEST("a walk by rules that are kept sees what the unwinder sees, whatever the frames are like") {
  auto ch = make_chan<int>();
  go([ch] { waits_deep_down(ch, 20); });
  go([ch] { waits_deep_down(ch, 300); });
  go([ch] { waits_beside_an_array(ch, 100); });
  go([ch] { waits_beside_an_array(ch, 3000); });
  go([ch] { waits_with_alignment(ch); });
  go([ch] { waits_in_a_handler(ch); });
  go([ch] {
    const std::function<void()> f = [ch] {
      static_cast<void>(select(recv(ch, std::ignore), recv(chan<int>(), std::ignore)));
    };
    func([&](defers& defer) {
      defer([] {});
      f();
    });
  });
  const auto [asleep, wake] = context::with_cancel(context::background());
  go([until = asleep] { static_cast<void>(time::sleep_for(1h, until)); });
  sync::mutex mu;
  mu.lock();
  go([&] {
    mu.lock();
    mu.unlock();
  });
  CHECK(eventually([] { return runtime::num_fibers(status::waiting) == 9; }));
  CHECK(compared_walks(9) >= 2 * (GOSSAMER_ASAN != 0 ? 1 : 7));  // not that with the aligned frame
  mu.unlock();
  wake();
  close(ch);
  CHECK(eventually([] { return runtime::num_fibers() == 1; }));
}
#endif

FIBER_TEST("where contexts are laid out otherwise the frame pointers are followed") {
  auto ch = make_chan<int>();
  go(fiber_options{.name = "deep"}, [ch] { waits_deep_down(ch, 30); });
  await("deep", "chan receive");
  machine::layout_is_unknown = true;
  const std::vector<fiber_info> seen = named("deep", true);
  machine::layout_is_unknown = false;
  CHECK(seen.size() == 1);
  CHECK(seen[0].stack.size() > 1);
  close(ch);
  CHECK(eventually([] { return named("deep").empty(); }));
}

FIBER_TEST("labels are the fiber's, are inherited by those that it spawns, and end with their scope") {
  auto ch = make_chan<int>();
  debug::set_labels({{"b", "2"}, {"a", "1"}, {"b", "3"}});
  const debug::labels outer{{"a", "1"}, {"b", "3"}};
  CHECK(debug::current_labels() == outer);
  debug::with_labels({{"c", "4"}, {"a", "5"}}, [&] {
    const debug::labels inner{{"a", "5"}, {"b", "3"}, {"c", "4"}};
    CHECK(debug::current_labels() == inner);
    go(fiber_options{.name = "heir"}, [ch] {
      ch.recv();
      debug::set_labels({});
      ch.recv();
    });
    CHECK(await("heir", "chan receive").labels == inner);
  });
  CHECK(debug::current_labels() == outer);
  debug::set_labels({});
  CHECK(debug::current_labels().empty());
  ch << 1;
  CHECK(eventually([] { return !named("heir").empty() && named("heir")[0].labels.empty(); }));
  go(fiber_options{.name = "none"}, [ch] { ch.recv(); });
  CHECK(await("none", "chan receive").labels.empty());
  close(ch);
  CHECK(eventually([] { return named("heir").empty() && named("none").empty(); }));
}

PLAIN_TEST("a plain thread's labels are inherited too") {
  auto ch = make_chan<int>();
  std::thread([&] {
    debug::set_labels({{"from", "thread"}});
    go(fiber_options{.name = "of thread"}, [ch] { ch.recv(); });
  }).join();
  const debug::labels expected{{"from", "thread"}};
  CHECK(await("of thread", "chan receive").labels == expected);
  close(ch);
  CHECK(eventually([] { return named("of thread").empty(); }));
}

FIBER_TEST("a fiber that computes shows its stack") {
  std::atomic<bool> stop = false;
  support::crew crew;
  if (support::width() > 1) {
    crew.go([&] { computes_until(stop); });
    bool found = false;
    CHECK(eventually([&] {
      for (const fiber_info& info : debug::fibers({.state = status::running, .stacks = true})) {
        found |= contains(all_functions(info), "computes_until");
      }
      return found || GOSSAMER_TSAN != 0;  // which keeps signals back from a thread that calls nothing
    }));
    stop = true;
  }
  crew.join();
}

FIBER_TEST("a fiber in an announced blocking call is there, and gets no signal") {
  std::atomic<bool> inside = false;
  int ends[2];
  CHECK(::pipe(ends) == 0);
  std::atomic<int> got = 0;
  go(fiber_options{.name = "caller"}, [&] {
    got = static_cast<int>(runtime::blocking([&] {
      inside = true;
      char c = 0;
      return ::read(ends[0], &c, 1);
    }));
  });
  CHECK(eventually([&] { return inside.load(); }));
  for (int i = 0; i < 10; ++i) {
    bool there = false;
    for (const fiber_info& info : debug::fibers({.state = status::syscall, .stacks = true})) {
      there |= info.name == "caller" && info.whole && !info.stack.empty();
    }
    CHECK(there);
    CHECK(runtime::num_fibers(status::syscall) == 1);
  }
  CHECK(got == 0);
  CHECK(::write(ends[1], "x", 1) == 1);
  CHECK(eventually([&] { return got == 1; }));
  ::close(ends[0]);
  ::close(ends[1]);
}

FIBER_TEST("fibers are counted by status") {
  auto ch = make_chan<int>();
  constexpr int n = 20;
  for (int i = 0; i < n; ++i) {
    go([ch] { ch.recv(); });
  }
  CHECK(eventually([] { return runtime::num_fibers(status::waiting) == n; }));
  CHECK(runtime::num_fibers(status::running) == 1);
  CHECK(debug::fibers({.state = status::waiting}).size() == n);
  CHECK(debug::fibers({.reason = "chan receive"}).size() == n);
  CHECK(debug::fibers({.reason = "chan send"}).empty());
  CHECK(debug::fibers({.min_wait = 1h}).empty());
  close(ch);
}

FIBER_TEST("the text form begins with the caller and shows each fiber") {
  auto ch = make_chan<int>();
  go(fiber_options{.name = "a \"b\""}, [ch] {
    debug::set_labels({{"k", "v\n"}});
    waits_here(ch);
  });
  await("a \"b\"", "chan receive");
  const std::string text = dump_text();
  CHECK(support::starts_with(text, "fiber "));
  CHECK(contains(text.substr(0, text.find('\n')), "[running]:"));
  CHECK(contains(text, " \"a \\\"b\\\"\" [chan receive] {k: \"v\\n\"}:\n"));
  CHECK(contains(text, "\n\nfiber "));
  CHECK(contains(text, "\ncreated by "));
  CHECK(contains(dump_text(format::groups), "fiber profile: total 2\n1 @ 0x"));
  CHECK(contains(dump_text(format::groups), "\n# labels: {\"k\":\"v\\n\"}\n#\t0x"));
  CHECK(contains(dump_text(format::folded), " 1\n"));
  CHECK(contains(debug::stack(), " [running]:\n"));
  close(ch);
  CHECK(eventually([] { return named("a \"b\"").empty(); }));
}

FIBER_TEST("a dump of many fibers is no larger where they were given arguments than where they are lambdas") {
  constexpr int many = 500;
  auto ch = make_chan<int>();
  const debug::filter which{.reason = "chan receive"};
  std::size_t sizes[2];
  for (const bool lambda : {false, true}) {
    for (int i = 0; i < many; ++i) {
      if (lambda) {
        go([ch] { waits_deep_down(ch, 0); });
      } else {
        go(waits_deep_down, ch, 0);
      }
    }
    CHECK(eventually([&] { return debug::fibers(which).size() == many; }));
    sizes[lambda] = dump_text(format::text, which).size();
    for (int i = 0; i < many; ++i) {
      ch << i;
    }
    CHECK(eventually([&] { return debug::fibers(which).empty(); }));
  }
  CHECK(sizes[0] <= sizes[1]);  // a lambda is a frame of its own
  CHECK(sizes[1] < many * 500);
}

FIBER_TEST("an output that fails is an error, and no signal") {
  int ends[2];
  CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  error err = debug::dump(ends[1]);
  CHECK(err != nil);
  CHECK(contains(err.text(), "cannot write the dump: "));
  ::close(ends[1]);
  CHECK(debug::dump(ends[1]) != nil);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  CHECK(debug::dump(full) != nil);
  ::close(full);
  int pieces = 0;
  err = debug::dump([&](std::string_view) -> error {
    ++pieces;
    return errors::make("enough");
  });
  CHECK(pieces == 1);
  CHECK(err.text() == "enough");
}

FIBER_TEST("a FILE that is full is an error; a form that there is not is one too, and writes nothing") {
  std::FILE* const full = std::fopen("/dev/full", "we");
  CHECK(full != nullptr);
  std::fputs("before", full);
  CHECK(contains(debug::dump(full).text(), "cannot write the dump: "));
  std::fclose(full);
  std::string text;
  CHECK(debug::dump(text, static_cast<format>(99)).text() == "unknown dump format");
  CHECK(text.empty());
}

FIBER_TEST("where the filter lets nobody through each form is whole, and empty") {
  debug::filter nobody;
  nobody.name = "nobody";
  CHECK(debug::fibers(nobody).empty());
  CHECK(dump_text(format::text, nobody).empty());
  CHECK(dump_text(format::groups, nobody) == "fiber profile: total 0\n");
  CHECK(dump_text(format::folded, nobody).empty());
  CHECK(contains(dump_text(format::json, nobody), "\"fibers\": [],\n\"total\": 0"));
  CHECK(support::starts_with(dump_text(format::pprof, nobody), "\x1f\x8b\x08"));
  nobody = {.id = ~std::uint64_t{0}};
  CHECK(debug::fibers(nobody).empty());
}

PLAIN_TEST("an output that takes nothing is given up when patience with it is at an end: by itself after 5 seconds") {
  CHECK(debug::descriptor{0}.patience == 5s);
  int ends[2];
  CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const std::string much(1 << 20, 'x');
  while (::write(ends[1], much.data(), much.size()) > 0) {
  }
  const auto start = std::chrono::steady_clock::now();
  run([&] {
    debug::descriptor full{ends[1], 50ms};
    CHECK(contains(debug::dump(debug::sink{debug::put_to_descriptor, &full}).text(), "cannot write the dump: "));
  });
  CHECK(std::chrono::steady_clock::now() - start >= 50ms);
  ::close(ends[0]);
  ::close(ends[1]);
}

FIBER_TEST("dumps of all forms at once, from fibers and from plain threads, do not hold each other up") {
  auto ch = make_chan<int>();
  for (int i = 0; i < 20; ++i) {
    go(fiber_options{.name = "blocked"}, [ch] { waits_here(ch); });
  }
  CHECK(support::await_parked(wait_reason::chan_receive, 20));
  std::atomic<int> failed = 0;
  const auto all_forms = [&] {
    for (const format how : {format::text, format::groups, format::json, format::pprof, format::folded}) {
      std::string text;
      failed += debug::dump(text, how) == nil && !text.empty() ? 0 : 1;
      failed += named("blocked").size() == 20 ? 0 : 1;
    }
  };
  support::crew crew;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    crew.go(all_forms);
    threads.emplace_back(all_forms);
  }
  crew.join();
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(failed == 0);
  close(ch);
  CHECK(eventually([] { return named("blocked").empty(); }));
}

PLAIN_TEST("a format is known by its name and by Go's number") {
  CHECK(debug::format_of("json").first == format::json);
  CHECK(debug::format_of("2").first == format::text);
  CHECK(debug::format_of("1").first == format::groups);
  CHECK(debug::format_of("0").first == format::pprof);
  CHECK(debug::format_of("folded").second == nil);
  CHECK(debug::format_of("yaml").second.text() == "unknown dump format \"yaml\"");
}

PLAIN_TEST("from a plain thread, before and after run(), there is nothing to show, and no error") {
  CHECK(dump_text() == "");
  CHECK(debug::fibers().empty());
  run([] {
    auto ch = make_chan<int>();
    go([ch] { ch.recv(); });
    CHECK(support::await_parked(wait_reason::chan_receive, 1));
  });
  CHECK(debug::fibers().empty());
  CHECK(contains(dump_text(format::groups), "total 0\n"));
  CHECK(debug::stack() != "");
}

namespace {

std::atomic<int> refused{0};
error handler_got;

}  // namespace

PLAIN_TEST("a dump in a signal handler is refused") {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {
    handler_got = debug::dump(STDERR_FILENO);
    refused = debug::fibers().empty() ? 1 : 0;
  };
  ::sigaction(SIGUSR2, &action, &before);
  ::raise(SIGUSR2);
  ::sigaction(SIGUSR2, &before, nullptr);
  CHECK(refused == 1);
  CHECK(handler_got.text() == "dump called in a signal handler");
}

FIBER_TEST("no fiber is lost or shown twice, and each stack is whole, while fibers come, go and migrate") {
  const int fibers = support::scale(300);
  std::atomic<bool> stop = false;
  support::crew crew;
  auto ring = make_chan<int>(16);
  for (int i = 0; i < fibers; ++i) {
    crew.go([&, i] {
      for (int n = 1; !stop; ++n) {
        if (i % 3 == 0 || n % 16 == 0) {  // all of them at work would leave a sample's thread no CPU
          time::sleep(100us);
        } else if (i % 3 == 1) {
          static_cast<void>(select(send(ring, i), recv(ring, std::ignore)));
        } else {
          sync::wait_group two;
          two.go([] {});
          two.wait();
        }
      }
    });
  }
  auto never = make_chan<int>();
  for (int i = 0; i < 50; ++i) {
    go(fiber_options{.name = "permanent"}, [never] { waits_here(never); });
  }
  CHECK(eventually([&] {  // one that runs may keep its name to itself
    return debug::fibers({.state = status::waiting, .name = "permanent"}).size() == 50;
  }));
  std::atomic<int> wrong = 0;
  std::atomic<int> torn = 0;
  std::thread looking([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    do {  // where there is little CPU one look at fibers that run takes seconds
      const std::vector<fiber_info> all = debug::fibers({.stacks = true});
      std::map<std::uint64_t, int> times;
      int permanent_ones = 0;
      for (const fiber_info& info : all) {
        wrong += ++times[info.id] == 1 ? 0 : 1;
        permanent_ones += info.name == "permanent" ? 1 : 0;
        torn += info.state == status::waiting && !info.whole ? 1 : 0;
      }
      wrong += permanent_ones == 50 ? 0 : 1;
      std::string text;
      wrong += debug::dump(text) == nil ? 0 : 1;
    } while (std::chrono::steady_clock::now() < end);
    stop = true;
  });
  std::thread beside([&] {
    while (!stop) {
      std::string text;
      wrong += debug::dump(text, format::json) == nil ? 0 : 1;
    }
  });
  while (!stop) {
    time::sleep(100us);
  }
  looking.join();
  beside.join();
  crew.join();
  close(never);
  CHECK(wrong == 0);
  CHECK(torn == 0);
}

// Its one worker looks at the pipe, which stands for stderr, and never gives itself up.
CHILD_PROGRAM("a dump on SIGUSR1 while every worker is stuck") {
  return run(
      [] {
        if (debug::dump_on(SIGUSR1) != nil || debug::dump_on(SIGKILL) == nil) {
          return 1;
        }
        int ends[2];
        if (::pipe2(ends, O_NONBLOCK) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) {
          return 1;
        }
        ::kill(::getpid(), SIGUSR1);
        std::string said;
        while (!contains(said, "the main fiber\n")) {
          char buffer[512];
          const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
          said.append(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
        }
        return support::starts_with(said, "fiber 1 [running]:\n") ? 0 : 1;
      },
      {.procs = 1});
}
CHILD_PROGRAM("SIGQUIT comes") {
  return run([] {
    go(fiber_options{.name = "other"}, [] { make_chan<int>().recv(); });
    go([] {
      support::await_parked(wait_reason::chan_receive, 1);
      support::await_parked(wait_reason::sleep, 1);
      ::kill(::getpid(), SIGQUIT);
    });
    time::sleep(1h);
  });
}
CHILD_PROGRAM("SIGQUIT comes, and the program has a handler") {
  ::signal(SIGQUIT, [](int) { ::_exit(9); });
  return run([] {
    ::kill(::getpid(), SIGQUIT);
    time::sleep(10s);
  });
}
PLAIN_TEST("a signal dumps, though every worker is stuck; SIGQUIT ends the process with 2, where nobody has it") {
  support::child_result r = support::run_child("a dump on SIGUSR1 while every worker is stuck");
  CHECK(r.exited_with(0));
  r = support::run_child("SIGQUIT comes");
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "SIGQUIT: quit\n\nfiber 1 [sleep]:\n"));
  CHECK(contains(r.err, " \"other\" [chan receive]:\n"));
  r = support::run_child("SIGQUIT comes", {{"GOSSAMER", "dump=none"}});
  CHECK(r.signal == SIGQUIT);
  r = support::run_child("SIGQUIT comes, and the program has a handler");
  CHECK(r.exited_with(9));
}

CHILD_PROGRAM("panics beside others") {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  return run([] {
    auto ch = make_chan<int>();
    go(fiber_options{.name = "other"}, [ch] { waits_here(ch); });
    while (runtime::num_fibers(status::waiting) == 0) {
      runtime::gosched();
    }
    panic("over");
  });
}
PLAIN_TEST("GOSSAMER=traceback says how much a report shows") {
  support::child_result r = support::run_child("panics beside others");
  CHECK(r.exited_with(2));
  CHECK_FALSE(contains(r.err, "\"other\""));
  r = support::run_child("panics beside others", {{"GOSSAMER", "traceback=all"}});
  CHECK(r.exited_with(2));
  CHECK(support::starts_with(r.err, "panic: over\n\nfiber 1 [running]:\n"));
  CHECK(contains(r.err, " \"other\" [chan receive]:\n"));
  r = support::run_child("panics beside others", {{"GOSSAMER", "traceback=crash"}});
  CHECK(r.signal == SIGABRT);
  CHECK(contains(r.err, " \"other\" [chan receive]:\n"));
  r = support::run_child("panics beside others", {{"GOSSAMER", "traceback=none"}});
  CHECK(r.exited_with(2));
  CHECK(support::count_of(r.err, "\n\t") <= 1);
}
