// Leak checks and reports: who is alive, whose it is, and what is claimed of it.
#include "gossamer/leak.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child.hpp"
#include "inside.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using leak::verdict;
using support::await_parked;
using support::contains;
using support::count_of;
using support::eventually;

namespace {

leak::options at_once() {
  leak::options how;
  how.patience = 0ns;
  return how;
}

std::string check(const leak::options& how = at_once()) {
  const error err = leak::verify_none(how);
  return err ? err.text() : std::string("none");
}

// The group that is blocked so; none of it where there is none, or several.
leak::group group_at(const leak::findings& f, std::string_view state) {
  leak::group found;
  int n = 0;
  for (const leak::group& g : f.groups) {
    if (g.state == state) {
      found = g;
      ++n;
    }
  }
  return n == 1 ? found : leak::group();
}

void sends(const chan<int>& to) {
  try {
    to << 1;
  } catch (const panic_error&) {  // the test closes it, to be rid of the sender
  }
}

// A channel that nobody but its fibers has a handle of, and a way to end them. What it holds does not look like a
// reference: the report finds those on the caller's stack.
class raw {
 public:
  explicit raw(gossamer::detail::chan_core* core) : hidden_(~reinterpret_cast<std::uintptr_t>(core)) {}
  gossamer::detail::chan_core* core() const { return reinterpret_cast<gossamer::detail::chan_core*>(~hidden_); }
  void close() const { gossamer::detail::chan_close(core()); }

 private:
  volatile std::uintptr_t hidden_;
};

#if GOSSAMER_ASAN || GOSSAMER_TSAN
constexpr bool looks_through_memory = false;
#else
constexpr bool looks_through_memory = true;
#endif

// What a function has left on the stack is nobody's, but looks like handles.
[[gnu::noinline]] void wipe_stack() {
  volatile char room[8192];
  for (volatile char& c : room) {
    c = 0;
  }
}

// On a busy machine a thread may not get a CPU, and so not stand still, in time: then memory is not looked through.
[[gnu::noinline]] leak::findings report_until_thorough() {
  leak::findings f = leak::report();
  for (int i = 0; looks_through_memory && !f.unknown.empty() && i < 100; ++i) {
    time::sleep(10ms);
    f = leak::report();
  }
  return f;
}

[[gnu::always_inline]] inline leak::findings thorough_report() {
  wipe_stack();
  return report_until_thorough();
}

[[gnu::noinline]] raw lose_senders(int n) {
  auto ch = make_chan<int>();
  for (int i = 0; i < n; ++i) {
    go([ch] { sends(ch); });
  }
  return raw(gossamer::detail::access::core(ch));
}
[[gnu::noinline]] raw lose_receiver() {
  auto ch = make_chan<int>();
  go([ch] {
    for (int v : ch) {
      static_cast<void>(v);
    }
  });
  return raw(gossamer::detail::access::core(ch));
}
[[gnu::noinline]] raw lose_reading_end() {
  auto ch = make_chan<int>();
  go([in = recv_chan<int>(ch)] { in.recv(); });
  return raw(gossamer::detail::access::core(ch));
}

}  // namespace

// To be found on stacks.
[[gnu::noinline]] void waits_to_be_ignored(const chan<int>& ch) {
  ch.recv();
  asm volatile("" : : : "memory");
}

// ---- verify_none ----------------------------------------------------------------------------------------------------

FIBER_TEST("verify_none is nil where nobody but main and the caller is alive") {
  CHECK(check() == "none");
  support::crew crew;
  crew.go([] { CHECK(check() == "none"); });
}

FIBER_TEST("verify_none names all who are left, by groups, with their ages, places and the stack of one") {
  auto ch = make_chan<int>();
  for (int i = 0; i < 3; ++i) {
    go([ch] { waits_to_be_ignored(ch); });
  }
  go(fiber_options{.name = "other"}, [ch] { ch.recv(); });
  CHECK(support::await_receivers(ch, 4));
  leak::options how;
  how.patience = 5ms;
  const std::string text = check(how);
  CHECK(support::starts_with(text, "leak: 4 fibers are alive after 5ms\n3 fibers [chan receive, "));
  CHECK(contains(text, "\n1 fiber [chan receive, "));
  CHECK(contains(text, "\tblocked at "));
  CHECK(count_of(text, "leak_test.cpp:") >= 2);
  CHECK(contains(text, "waits_to_be_ignored"));
  CHECK(contains(text, " \"other\" [chan receive]:\n"));
  CHECK(count_of(text, "\ncreated by ") == 2);
  CHECK(!contains(text, "leaked"));  // the test has the channel
  CHECK(text.back() != '\n');
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("verify_none waits for those that are about to end, and no longer than it must") {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  go([ch] {
    time::sleep(20ms);
    close(ch);
  });
  leak::options how;
  how.patience = 1h;
  CHECK(leak::verify_none(how) == nil);
}

FIBER_TEST("verify_none looks once where its patience is not positive") {
  auto ch = make_chan<int>();
  go([ch] { ch.recv(); });
  CHECK(support::await_receivers(ch, 1));
  for (const auto patience : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
    leak::options how;
    how.patience = patience;
    CHECK(support::starts_with(check(how), "leak: 1 fiber is alive\n1 fiber [chan receive"));
  }
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("verify_none passes over names, places of spawning and functions; an empty one is nobody's") {
  auto ch = make_chan<int>();
  go(fiber_options{.name = "tolerated"}, [ch] { waits_to_be_ignored(ch); });
  CHECK(support::await_receivers(ch, 1));
  leak::options how = at_once();
  how.names = {"other", "tolerated"};
  CHECK(check(how) == "none");
  how.names = {"tolerate"};
  CHECK(check(how) != "none");
  how = at_once();
  how.functions = {"waits_to_be_ignored"};
  CHECK(check(how) == "none");
  how.functions = {"no_such_function"};
  CHECK(check(how) != "none");
  // What is known of an address depends on the debug information.
  const leak::group g = group_at(leak::report(), "chan receive");
  how = at_once();
  if (!g.spawned_by.empty()) {
    how.spawn_sites = {g.spawned_by.substr(0, g.spawned_by.find('('))};
    CHECK(check(how) == "none");
  }
  how.spawn_sites = {"no_such_file.cpp"};
  CHECK(check(how) != "none");
  how = at_once();
  how.names = {""};
  how.spawn_sites = {""};
  how.functions = {""};
  CHECK(check(how) != "none");
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a snapshot excuses those that were alive, and those that others spawn meanwhile") {
  auto ch = make_chan<int>();
  auto spawn = make_chan<int>();
  auto spawned = make_chan<int>();
  go([ch] { ch.recv(); });
  go([=] {
    spawn.recv();
    go([ch] { ch.recv(); });
    spawned << 1;
  });
  const leak::snapshot before;
  leak::options how = at_once();
  how.since = &before;
  CHECK(check(how) == "none");
  spawn << 1;
  spawned.recv();
  CHECK(check(how) == "none");
  how.by_anyone = true;
  CHECK(check(how) != "none");
  how.by_anyone = false;
  go([ch] { ch.recv(); });
  CHECK(support::starts_with(check(how), "leak: 1 fiber is alive\n"));
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a snapshot knows its maker's grandchildren when their parents have ended, and so does the one around it") {
  auto ch = make_chan<int>();
  const leak::snapshot outer;
  leak::options out = at_once();
  out.since = &outer;
  {
    const leak::snapshot inner;
    leak::options in = at_once();
    in.since = &inner;
    go([ch] { go([ch] { debug::with_labels({{"a", "b"}}, [&] { go([ch] { ch.recv(); }); }); }); });
    CHECK(support::await_receivers(ch, 1));
    CHECK(eventually([] { return runtime::num_fibers() <= 2; }));
    CHECK(contains(check(in), "leak: 1 fiber is alive"));
    CHECK(contains(check(out), "leak: 1 fiber is alive"));
  }
  CHECK(debug::current_labels().size() == 1);
  const leak::snapshot beside;
  leak::options next = at_once();
  next.since = &beside;
  CHECK(check(next) == "none");
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a fiber that has replaced its labels is known by its parent") {
  auto ch = make_chan<int>();
  const leak::snapshot before;
  leak::options how = at_once();
  how.since = &before;
  go([ch] {
    debug::set_labels({});
    ch.recv();
  });
  CHECK(support::await_receivers(ch, 1));
  CHECK(check(how) != "none");
  close(ch);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("tests that run side by side do not see each other's leaks") {
  std::atomic<int> clean{0};
  std::atomic<int> leaky{0};
  auto release = make_chan<int>();
  auto all_spawned = std::make_unique<sync::wait_group>();
  all_spawned->add(8);
  {
    support::crew tests;
    for (int i = 0; i < 8; ++i) {
      tests.go([&, i] {
        const leak::snapshot before;
        leak::options how = at_once();
        how.since = &before;
        if (i % 2 == 0) {
          go([release] { release.recv(); });
        }
        all_spawned->done();
        all_spawned->wait();
        const std::string text = check(how);
        clean += text == "none" ? 1 : 0;
        leaky += support::starts_with(text, "leak: 1 fiber is alive\n") ? 1 : 0;
      });
    }
  }
  CHECK(clean == 4);
  CHECK(leaky == 4);
  close(release);
  CHECK(leak::verify_none() == nil);
}

PLAIN_TEST("verify_none and report work from a plain thread, before run and after it") {
  CHECK(check() == "none");
  CHECK(leak::report().text() == "0 fibers are alive\n");
  auto ch = make_chan<int>();
  std::string meanwhile;
  std::string own;
  run([&] {
    go([ch] { ch.recv(); });
    CHECK(support::await_receivers(ch, 1));
    auto done = make_chan<void>();
    std::thread asking([&] {
      meanwhile = check();
      const leak::snapshot before;
      go([ch] { ch.recv(); });
      CHECK(support::await_receivers(ch, 2));
      leak::options how = at_once();
      how.since = &before;
      own = check(how);
      close(done);
    });
    done.recv();
    asking.join();
  });
  CHECK(support::starts_with(meanwhile, "leak: 1 fiber is alive\n"));
  CHECK(support::starts_with(own, "leak: 1 fiber is alive\n"));
  CHECK(check() == "none");  // they are abandoned
  CHECK(leak::report().groups.empty());
  close(ch);
}

#if !GOSSAMER_TSAN  // which reports that the error allocates

namespace {

std::string in_handler;
std::size_t groups_in_handler = 99;

}  // namespace

PLAIN_TEST("in a signal handler verify_none is an error, and report finds nothing") {
  struct sigaction before{};
  struct sigaction ours{};
  ours.sa_handler = [](int) {
    in_handler = leak::verify_none().text();
    groups_in_handler = leak::report().groups.size();
  };
  ::sigaction(SIGUSR1, &ours, &before);
  ::raise(SIGUSR1);
  ::sigaction(SIGUSR1, &before, nullptr);
  CHECK(in_handler == "leak: verify_none called in a signal handler");
  CHECK(groups_in_handler == 0);
}

#endif

// ---- verdicts -------------------------------------------------------------------------------------------------------

CHILD_PROGRAM("waits that can never end") {
  return run([] {
    go([] { chan<int>().recv(); });
    go([] { chan<int>() << 1; });
    go([] { select(); });
    auto ch = make_chan<int>();
    go([ch] { ch.recv(); });
    go([ch] { ch.recv(); });
    if (!support::await_receivers(ch, 2) || !await_parked(wait_reason::chan_receive_nil, 1) ||
        !await_parked(wait_reason::chan_send_nil, 1) || !await_parked(wait_reason::select_no_cases, 1)) {
      return 1;
    }
    std::fputs(leak::report().text().c_str(), stdout);
    return 0;
  });
}

PLAIN_TEST("what waits on a nil channel, or in a select without cases, is proven to be leaked") {
  for (const char* knob : {"procs=1", "procs=2", "procs=8"}) {
    const auto r = support::run_child("waits that can never end", {{"GOSSAMER", knob}});
    CHECK(r.exited_with(0));
    CHECK(support::starts_with(r.out, "5 fibers are alive\n1 fiber ["));  // the surest first
    CHECK(count_of(r.out, "]: proven leaked: nothing can ever wake it\n") == 3);
    CHECK(contains(r.out, "[chan receive (nil chan), "));
    CHECK(contains(r.out, "[chan send (nil chan), "));
    CHECK(contains(r.out, "[select (no cases), "));
  }
}

FIBER_TEST("what is left of a handle on a stack may hide that a fiber is lost, and nothing else is said of it then") {
  for (const auto lose : {lose_receiver, lose_reading_end}) {
    const raw ch = lose();
    CHECK(await_parked(wait_reason::chan_receive, 1));
    const leak::findings f = thorough_report();
    const verdict said = group_at(f, "chan receive").level;
    CHECK(f.total == 1);
    CHECK(f.unknown.empty() == looks_through_memory);
    CHECK((said == verdict::none || (said == verdict::proven && looks_through_memory)));
    ch.close();
    CHECK(leak::verify_none() == nil);
  }
}

namespace {

// Where a handle may lie that somebody needs later. Each is the only way to what a fiber waits on.
struct node {
  std::unique_ptr<node> next;
  chan<int> ch;
};

std::unique_ptr<node> list_to(const chan<int>& ch, int length) {
  auto head = std::make_unique<node>(node{nullptr, ch});
  for (int i = 0; i < length; ++i) {
    head = std::make_unique<node>(node{std::move(head), nil});
  }
  return head;
}

chan<int>& end_of(node& list) {
  node* at = &list;
  while (at->next) {
    at = at->next.get();
  }
  return at->ch;
}

}  // namespace

FIBER_TEST("nobody is lost whose channel somebody can come by, over many blocks, in a thread, or asleep") {
  auto far = list_to(make_chan<int>(), 1000);
  go([ch = end_of(*far)] { ch.recv(); });
  std::atomic<bool> end = false;
  std::atomic<bool> has = false;
  std::thread holds([&] {
    const auto kept = list_to(make_chan<int>(), 3);
    go([ch = end_of(*kept)] { ch.recv(); });
    has = true;
    while (!end) {
      std::this_thread::yield();
    }
    end_of(*kept) << 1;
  });
  go([&end] {
    auto mine = list_to(make_chan<int>(), 3);
    go([ch = end_of(*mine)] { ch.recv(); });
    while (!end) {
      time::sleep(50ms);
    }
    end_of(*mine) << 1;
  });
  CHECK(eventually([&] { return has.load(); }));
  CHECK(await_parked(wait_reason::chan_receive, 3));
  const leak::findings f = thorough_report();
  CHECK(f.total == 4);
  for (const leak::group& g : f.groups) {
    CHECK(leak::text(g.level) == "none");
  }
  end = true;
  holds.join();
  end_of(*far) << 1;
  CHECK(leak::verify_none({.patience = 10s}) == nil);
}

namespace {

// A chain: the first waits for what only the second has, and that one for what nobody has.
struct shared_state {
  sync::mutex guard;
  sync::wait_group all;
  chan<int> results = make_chan<int>();
};

[[gnu::noinline]] void lose_chain() {
  auto state = std::make_shared<shared_state>();
  state->all.add(1);
  go(fiber_options{.name = "sends"}, [state] { state->results << 1; });
  go(fiber_options{.name = "waits"}, [state] {
    state->all.wait();
    state->results.recv();
  });
  go(fiber_options{.name = "locks"}, [state] {
    state->guard.lock();
    state->guard.lock();
  });
}

}  // namespace

// What is left in a register, or on a stack, may hide somebody for a moment.
[[gnu::noinline]] void report_until_proven(std::size_t n) {
  for (int i = 0; i < 100; ++i) {
    wipe_stack();
    const leak::findings f = leak::report();
    std::size_t proven = 0;
    for (const leak::group& g : f.groups) {
      proven += g.level == verdict::proven ? g.fibers.size() : 0;
    }
    if (proven == n || i == 99) {
      std::fputs(f.text().c_str(), stdout);
      std::fflush(stdout);
      return;
    }
    time::sleep(10ms);
  }
}

CHILD_PROGRAM("loses senders and receivers") {
  return run([] {
    lose_senders(3);
    lose_receiver();
    lose_reading_end();
    if (!await_parked(wait_reason::chan_send, 3) || !await_parked(wait_reason::chan_receive, 2)) {
      return 1;
    }
    std::printf("%zu were known\n", debug::fibers({.leaked = true}).size());
    wipe_stack();
    report_until_proven(5);
    std::printf("%zu are known\n", debug::fibers({.leaked = true}).size());
    go([] {});  // its record is a new one, or another's
    std::string text;
    static_cast<void>(debug::dump(text));
    std::fputs(text.c_str(), stdout);
    text.clear();
    static_cast<void>(debug::dump(text, debug::format::json, {.leaked = true}));
    std::fputs(text.c_str(), stdout);
    return 0;
  });
}

CHILD_PROGRAM("loses a chain") {
  return run([] {
    lose_chain();
    if (!await_parked(wait_reason::chan_send, 1) || !await_parked(wait_reason::wait_group_wait, 1) ||
        !await_parked(wait_reason::mutex_lock, 1)) {
      return 1;
    }
    wipe_stack();
    report_until_proven(3);
    wipe_stack();
    const error err = leak::verify_none({.patience = 200ms});
    std::puts(err.text().c_str());
    return 0;
  });
}

#if !GOSSAMER_ASAN && !GOSSAMER_TSAN
PLAIN_TEST("who waits for what nothing reaches that can still run is lost") {
  for (const std::string procs : {"1", "2", "8"}) {
    auto r = support::run_child("loses senders and receivers", {{"GOSSAMER", "procs=" + procs}});
    CHECK(r.exited_with(0));
    CHECK(support::starts_with(r.out, "0 were known\n5 fibers are alive\n3 fibers [chan send, "));
    CHECK(contains(r.out, "5 are known\n"));
    CHECK(count_of(r.out, " [chan send (leaked)]") == 3);
    CHECK(count_of(r.out, " [chan receive (leaked)]") == 2);
    CHECK(count_of(r.out, " (leaked)") == 5);
    CHECK(count_of(r.out, "\"leaked\": true") == 5);
    CHECK(contains(r.out, "\"total\": 5,"));
    CHECK(count_of(r.out, "]: proven leaked: nothing that can still run reaches the channel\n") == 3);
    r = support::run_child("loses a chain", {{"GOSSAMER", "procs=" + procs}});
    CHECK(r.exited_with(0));
    CHECK(contains(r.out, "proven leaked: nothing that can still run reaches the channel\n"));
    CHECK(contains(r.out, "proven leaked: nothing that can still run reaches the wait group\n"));
    CHECK(contains(r.out, "proven leaked: nothing that can still run reaches the mutex\n"));
    CHECK(contains(r.out, " waits on only the lost refer to, as fiber "));
    CHECK(contains(r.out, "a mutex is locked twice, if who locks a mutex unlocks it:\n"));
    CHECK(contains(r.out, "leak: 3 fibers are alive"));
  }
}
#endif

namespace {

// Handles change places all the time, so that most of the time one is nowhere but in a register, in a channel, in a
// block that is about to be freed, or in a fiber that is being made.
void move_handles_about(const std::atomic<bool>& end, sync::mutex& guard,
                        std::vector<std::unique_ptr<chan<int>>>& places) {
  auto mail = make_chan<std::unique_ptr<chan<int>>>(1);
  for (std::size_t i = 0; !end; i = (i + 1) % places.size()) {
    std::unique_ptr<chan<int>> taken;
    {
      const std::scoped_lock hold(guard);
      taken = std::move(places[i]);
    }
    if (taken == nullptr) {
      runtime::gosched();
      continue;
    }
    auto next = std::make_unique<chan<int>>(std::move(*taken));
    taken.reset();
    sync::wait_group done;
    done.add(1);
    go([next = std::move(next), mail, &done]() mutable {
      mail << std::move(next);
      done.done();
    });
    auto back = *mail;
    done.wait();
    const std::scoped_lock hold(guard);
    places[i] = std::move(back);
  }
}

}  // namespace

namespace {

void must(bool ok) {
  if (!ok) {
    std::perror("leak_test");
    std::exit(1);
  }
}

// Memory that is mapped, and that a look at would end the process for.
void map_what_cannot_be_read() {
  constexpr std::size_t page = 4096;
  must(::mmap(nullptr, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  // A guard within a mapping, which /proc shows as one: Linux 6.13 and later. Elsewhere the call fails.
  void* const guarded = ::mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(guarded != MAP_FAILED);
  constexpr int guard_install = 102;
  static_cast<void>(::madvise(static_cast<char*>(guarded) + page, page, guard_install));
  std::FILE* const file = std::tmpfile();
  must(::ftruncate(::fileno(file), 8 * page) == 0);
  for (const int how : {MAP_PRIVATE, MAP_SHARED}) {
    void* const all = ::mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, how, ::fileno(file), 0);
    must(all != MAP_FAILED);
    static_cast<char*>(all)[7 * page] = 1;
  }
  must(::ftruncate(::fileno(file), page) == 0);  // what lies behind is no memory any more
  must(::mmap(nullptr, page, PROT_READ, MAP_PRIVATE, ::fileno(file), 0) != MAP_FAILED);
}

// Until the end: memory comes and goes.
void map_and_unmap(const std::atomic<bool>& end) {
  constexpr std::size_t bytes = std::size_t{64} << 10;
  while (!end) {
    void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static_cast<volatile char*>(p)[bytes / 2] = 1;
    ::munmap(p, bytes);
  }
}

}  // namespace

// BALLAST: bytes that it has; with many it is copied to be looked through.
CHILD_PROGRAM("reports beside odd memory") {
  return run([] {
    const std::vector<char> ballast(std::strtoul(std::getenv("BALLAST"), nullptr, 10), 'x');
    map_what_cannot_be_read();
    lose_senders(3);
    std::atomic<bool> end = false;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { map_and_unmap(end); });
    std::atomic<int> thorough = 0;
    std::atomic<int> wrong = 0;
    const auto look = [&] {
      for (int i = 0; i < 5; ++i) {
        const leak::findings f = leak::report();
        thorough += f.unknown.empty() ? 1 : 0;
        for (const leak::group& g : f.groups) {
          wrong += g.level == verdict::proven && g.state != "chan send" ? 1 : 0;
        }
      }
    };
    threads.emplace_back(look);
    runtime::blocking(look);
    look();
    end = true;
    for (std::thread& t : threads) {
      t.join();
    }
    std::printf("%s, %d wrong\n", thorough > 0 ? "thorough" : "never thorough", wrong.load());
    return ballast.empty() || ballast.back() == 'x' ? 0 : 1;
  });
}

#if !GOSSAMER_ASAN && !GOSSAMER_TSAN
PLAIN_TEST("a report passes over memory that cannot be read, beside others that map, unmap and report") {
  for (const std::string bytes : {"0", "41943040"}) {
    const auto r = support::run_child("reports beside odd memory", {{"GOSSAMER", "procs=8"}, {"BALLAST", bytes}});
    CHECK(r.exited_with(0));
    CHECK(r.out == "thorough, 0 wrong\n");
    CHECK(r.err == "");
  }
}
#endif

FIBER_TEST("nobody is told to be lost while handles move from place to place at full speed") {
  std::atomic<bool> end = false;
  sync::mutex guard;
  std::vector<std::unique_ptr<chan<int>>> places;
  constexpr int receivers = 24;
  for (int i = 0; i < receivers; ++i) {
    places.push_back(std::make_unique<chan<int>>(make_chan<int>()));
    go([ch = *places.back()] { ch.recv(); });
  }
  CHECK(await_parked(wait_reason::chan_receive, receivers));
  support::crew movers;
  for (int i = 0; i < 4; ++i) {
    movers.go([&] { move_handles_about(end, guard, places); });
  }
  int wrong = 0;
  int thorough = 0;
  for (int i = 0; i < 40 && thorough < 4; ++i) {
    const leak::findings f = leak::report();
    thorough += f.unknown.empty() ? 1 : 0;
    for (const leak::group& g : f.groups) {
      wrong += g.level == verdict::proven ? 1 : 0;
    }
    runtime::gosched();
  }
  CHECK(wrong == 0);
  CHECK((thorough > 0) == looks_through_memory);
  end = true;
  movers.join();
  for (const auto& each : places) {
    *each << 1;
  }
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("nothing is claimed of a channel of which somebody else has a handle, wherever it lies") {
  auto on_stack = make_chan<int>();
  const auto on_heap = std::make_unique<recv_chan<int>>(on_stack);
  const auto none = [] { return leak::text(group_at(leak::report(), "chan receive").level) == "none"; };
  go([on_stack] { on_stack.recv(); });
  CHECK(support::await_receivers(on_stack, 1));
  CHECK(none());
  const raw ch(gossamer::detail::access::core(on_stack));
  on_stack = nil;
  CHECK(none());
  ch.close();
  CHECK(leak::verify_none() == nil);
}

namespace {

struct owner {
  chan<int> jobs = make_chan<int>();
};
struct call {
  int id;
  chan<int> reply;
};

[[gnu::noinline]] void look_by_value(chan<int> jobs) {
  if (cap(jobs) > 5) {
    std::puts("much room");
  }
}
void work_off(chan<int> jobs) {
  look_by_value(jobs);
  for (const int job : jobs) {
    static_cast<void>(job);
  }
}

// Whether anything is claimed of n fibers that wait for values (or to send them).
bool none_claimed(std::size_t n) {
  const leak::findings f = leak::report();
  bool none = f.total == n;
  for (const leak::group& g : f.groups) {
    none = none && g.level == verdict::none;
  }
  return none;
}

}  // namespace

FIBER_TEST("nothing is claimed of a pool whose owner lies on the heap, however its workers got the channel") {
  const auto by_argument = [](const chan<int>& jobs) { go(work_off, jobs); };
  const auto by_capture = [](const chan<int>& jobs) {
    go([jobs] {
      look_by_value(jobs);
      look_by_value(jobs);
      for (const int job : jobs) {
        static_cast<void>(job);
      }
    });
  };
  const auto moved_on = [](const chan<int>& jobs) { go([jobs]() mutable { work_off(std::move(jobs)); }); };
  const auto shared = [](const chan<int>& jobs) { go([its = std::make_shared<chan<int>>(jobs)] { work_off(*its); }); };
  const auto all_of_them = [&](const chan<int>& jobs) {
    by_argument(jobs);
    by_capture(jobs);
    moved_on(jobs);
    shared(jobs);
  };
  const auto start_four = [](const auto& start, const chan<int>& jobs) {
    for (int i = 0; i < 4; ++i) {
      start(jobs);
    }
  };
  const auto check_with = [&](const auto& start, std::size_t n) {
    const auto heap = std::make_unique<owner>();
    start_four(start, heap->jobs);
    CHECK(support::await_receivers(heap->jobs, static_cast<int>(n)));
    CHECK(none_claimed(n));
    close(heap->jobs);
    CHECK(leak::verify_none() == nil);
  };
  check_with(by_argument, 4);
  check_with(by_capture, 4);
  check_with(moved_on, 4);
  check_with(shared, 4);
  check_with(all_of_them, 16);
}

FIBER_TEST("nothing is claimed of a client whose reply channel stands in a table, a map, an object or a closure") {
  std::vector<call> calls;
  std::map<int, chan<int>> by_id;
  std::vector<std::function<void()>> callbacks;
  auto mail = make_chan<chan<int>>(8);
  sync::mutex guard;
  const auto ask = [&](auto enter) {
    go([&, enter] {
      auto reply = make_chan<int>();
      {
        const std::scoped_lock hold(guard);
        enter(reply);
      }
      look_by_value(reply);
      reply.recv();
    });
  };
  ask([&](const chan<int>& reply) {
    const call c{5, reply};
    calls.push_back(c);
  });
  ask([&](const chan<int>& reply) { by_id[1] = reply; });
  ask([&](const chan<int>& reply) { by_id.insert({2, reply}); });
  ask([&](chan<int> reply) { by_id.emplace(3, std::move(reply)); });
  ask([&](const chan<int>& reply) { callbacks.emplace_back([reply] { reply << 1; }); });
  ask([&](const chan<int>& reply) { mail << reply; });
  CHECK(await_parked(wait_reason::chan_receive, 6));
  CHECK(none_claimed(6));
  calls[0].reply << 1;
  for (const auto& [id, reply] : by_id) {
    reply << id;
  }
  callbacks[0]();
  (*mail) << 1;
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("what a record's last fiber had in its closure is nobody's handle") {
  const auto heap = std::make_unique<owner>();
  for (int round = 0; round < 8; ++round) {
    // Fills the records with words that refer to the channel; and then fewer of them wait.
    sync::wait_group filled;
    for (int i = 0; i < 8; ++i) {
      filled.go([a = heap->jobs, b = heap->jobs] { static_cast<void>(a == b); });
    }
    filled.wait();
    CHECK(eventually([] { return runtime::num_fibers() == 1; }));  // they have ended, too
    go([in = recv_chan<int>(heap->jobs)] { in.recv(); });
    CHECK(support::await_receivers(heap->jobs, 1));
    CHECK(none_claimed(1));
    heap->jobs << 1;
    CHECK(leak::verify_none() == nil);
  }
}

FIBER_TEST("nothing is claimed of a wait that time, a stop, a timer or another case may end") {
  auto other = make_chan<void>();
  const auto lose = [&](auto wait) {
    auto ch = make_chan<int>();
    go([ch, wait] { wait(ch); });
    return raw(gossamer::detail::access::core(ch));
  };
  const raw timed = lose([](const chan<int>& ch) { ch.recv_for(1h); });
  const raw stopped = lose([&](const chan<int>& ch) { ch.recv_until(wait::stop(recv_chan<void>(other))); });
  const raw chosen = lose([&](const chan<int>& ch) { select(recv(ch, [](int) {}), recv(other)); });
  const raw ticks = [] {
    auto c = time::tick(1h);
    go([c] { c.recv(); });
    return raw(gossamer::detail::access::core(c));
  }();
  CHECK(await_parked(wait_reason::chan_receive, 3));
  CHECK(await_parked(wait_reason::select, 1));
  const leak::findings f = leak::report();
  CHECK(f.total == 4);
  for (const leak::group& g : f.groups) {
    CHECK(leak::text(g.level) == "none");
  }
  gossamer::detail::ticker_reset(ticks.core(), 1ms);
  timed.close();
  chosen.close();
  close(other);
  static_cast<void>(stopped);
  CHECK(leak::verify_none() == nil);
}

namespace {

// Of two fibers each holds what the other waits for: ann the first mutex, bob what take() gives him.
template <class Table, class Take>
void lock_crosswise(Table* shared, Take take) {
  auto both = std::make_shared<sync::wait_group>();
  both->add(2);
  go(fiber_options{.name = "ann"}, [=] {
    shared->first.lock();
    both->done();
    both->wait();
    shared->second.lock();
    shared->second.unlock();
  });
  go(fiber_options{.name = "bob"}, [=] {
    take();
    both->done();
    both->wait();
    shared->first.lock();
    shared->first.unlock();
  });
}

}  // namespace

FIBER_TEST("fibers that wait for each other's mutexes are a cycle, which is shown with its places") {
  struct table {
    sync::mutex first;
    sync::mutex second;
  };
  auto* const shared = new table;
  lock_crosswise(shared, [shared] { shared->second.lock(); });
  CHECK(await_parked(wait_reason::mutex_lock, 2));
  const leak::findings f = leak::report();
  CHECK(f.cycles.size() == 1);
  if (f.cycles.size() == 1) {
    CHECK(f.cycles[0].size() == 2);
    const std::string text = f.text();
    CHECK(!contains(text, "leaked"));  // the test has the mutexes, and will unlock them
    CHECK(contains(text, "cycle of 2 fibers, if who locks a mutex unlocks it:\n\tfiber "));
    CHECK(count_of(text, " \"ann\"") == 2);
    CHECK(count_of(text, " \"bob\"") == 2);
    CHECK(count_of(text, "leak_test.cpp:") >= 2);
  }
  // Anybody may unlock.
  shared->first.unlock();
  shared->second.unlock();
  CHECK(leak::verify_none() == nil);
  delete shared;
}

FIBER_TEST("who waits in a header of the system is blocked where the program has called it") {
  sync::mutex one;
  sync::rw_mutex other;
  one.lock();
  other.lock();
  int first = 0;
  go([&] {
    first = __LINE__ + 1;
    const std::scoped_lock hold(one);
  });
  go([&] { const std::unique_lock hold(one); });
  go([&] { const std::shared_lock hold(other); });
  CHECK(await_parked(wait_reason::mutex_lock, 2));
  CHECK(await_parked(wait_reason::rw_mutex_rlock, 1));
  const leak::findings f = leak::report();
  CHECK(f.groups.size() == 3);
  std::set<std::string> places;
  for (const leak::group& g : f.groups) {
    CHECK(!contains(g.blocked_at, "/c++/"));
    CHECK(!contains(g.blocked_at, "std::"));
    places.insert(g.blocked_at.substr(g.blocked_at.rfind('/') + 1));
  }
  CHECK(places.size() == 3);
  if (contains(*places.begin(), "leak_test.cpp")) {  // there is debug information
    const auto line = [](int n) { return "leak_test.cpp:" + std::to_string(n); };
    CHECK(places == std::set{line(first), line(first + 2), line(first + 3)});
  }
  one.unlock();
  other.unlock();
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a cycle may go through an rw_mutex whose writer waits, but not through its readers") {
  struct table {
    sync::mutex first;
    sync::rw_mutex second;
  };
  auto* const shared = new table;
  for (const bool by_reader : {false, true}) {
    lock_crosswise(shared, [=] { by_reader ? shared->second.lock_shared() : shared->second.lock(); });
    CHECK(await_parked(wait_reason::mutex_lock, 1));
    CHECK(await_parked(wait_reason::rw_mutex_lock, 1));
    const leak::findings f = leak::report();
    CHECK(f.cycles.size() == (by_reader ? 0 : 1));
    CHECK(!contains(f.text(), "leaked"));
    // Anybody may unlock.
    shared->first.unlock();
    by_reader ? shared->second.unlock_shared() : shared->second.unlock();
    CHECK(leak::verify_none() == nil);
  }
  delete shared;
}

FIBER_TEST("who waits for its own mutex is a cycle; who waits for a while, or for one who works, is not") {
  auto m = std::make_shared<sync::mutex>();
  go([m] {
    m->lock();
    m->lock();
  });
  CHECK(await_parked(wait_reason::mutex_lock, 1));
  leak::findings f = leak::report();
  CHECK(f.cycles.size() == 1);
  CHECK((f.cycles.size() == 1 && f.cycles[0].size() == 1));
  m->unlock();
  CHECK(leak::verify_none() == nil);
  m->unlock();
  go([m] {
    m->lock();
    CHECK(m->try_lock_for(1h));
  });
  CHECK(await_parked(wait_reason::mutex_lock, 1));
  CHECK(leak::report().cycles.empty());
  m->unlock();
  CHECK(leak::verify_none() == nil);
  m->unlock();
  m->lock();
  go([m] { m->lock(); });
  CHECK(await_parked(wait_reason::mutex_lock, 1));
  f = leak::report();
  CHECK(f.cycles.empty());
  CHECK(leak::text(group_at(f, "sync.Mutex.Lock").level) == "none");
  m->unlock();
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("report counts by place of spawning and of blocking, with ages; the largest group comes first") {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  for (int i = 0; i < 2; ++i) {
    go([a] { a.recv(); });
  }
  CHECK(support::await_receivers(a, 2));
  for (int i = 0; i < 3; ++i) {
    go([b] { sends(b); });
  }
  CHECK(support::await_senders(b, 3));
  const leak::findings f = leak::report();
  CHECK(f.total == 5);
  CHECK(f.groups.size() == 2);
  if (f.groups.size() == 2) {
    CHECK(f.groups[0].state == "chan send");
    CHECK(f.groups[0].fibers.size() == 3);
    CHECK(f.groups[1].fibers.size() == 2);
    CHECK(f.groups[1].oldest_wait >= f.groups[1].youngest_wait);
    CHECK(f.groups[1].youngest_wait >= 0ns);
    CHECK(contains(f.groups[1].blocked_at, "leak_test.cpp:"));
  }
  CHECK(support::starts_with(f.text(), "5 fibers are alive\n3 fibers [chan send, "));
  close(a);
  close(b);
  CHECK(leak::verify_none() == nil);
}

PLAIN_TEST("verdicts have names") {
  CHECK(leak::text(verdict::none) == "none");
  CHECK(leak::text(verdict::suspected) == "suspected");
  CHECK(leak::text(verdict::likely) == "likely");
  CHECK(leak::text(verdict::proven) == "proven");
  CHECK(leak::text(static_cast<verdict>(9)) == "none");
}

// ---- watch ----------------------------------------------------------------------------------------------------------

namespace {

leak::watch_options eagerly() {
  leak::watch_options how;
  how.blocked = 0ns;
  how.window = 2ms;
  how.windows = 3;
  return how;
}

}  // namespace

FIBER_TEST("a watch suspects a group of which more wait with each window, and no other") {
  auto steady = make_chan<int>();
  auto growing = make_chan<int>();
  for (int i = 0; i < 5; ++i) {
    go([steady] { steady.recv(); });
  }
  CHECK(support::await_receivers(steady, 5));
  std::atomic<int> calls{0};
  std::atomic<int> wrong{0};
  leak::watcher w = leak::watch(eagerly(), [&](const leak::findings& f) {
    ++calls;
    for (const leak::group& g : f.groups) {
      wrong += g.state == "chan send" && g.level == verdict::suspected && g.fibers.size() >= 3 &&
                       contains(g.why, "each of 3 windows")
                   ? 0
                   : 1;
    }
    wrong += f.total >= 3 && f.cycles.empty() ? 0 : 1;
  });
  CHECK(w);
  CHECK(eventually([&] {
    go([growing] { sends(growing); });
    time::sleep(1ms);
    return calls > 0;
  }));
  w.stop();
  w.stop();
  CHECK(wrong == 0);
  close(steady);
  close(growing);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a watch says nothing of those that have not waited for so long, and no check counts its fiber") {
  auto growing = make_chan<int>();
  std::atomic<int> calls{0};
  leak::watch_options how = eagerly();
  how.blocked = 1h;
  leak::watcher w = leak::watch(how, [&](const leak::findings&) { ++calls; });
  CHECK(check() == "none");
  CHECK(leak::report().total == 0);
  for (int i = 0; i < 20; ++i) {
    go([growing] { growing.recv(); });
    time::sleep(1ms);
  }
  w = leak::watcher();
  CHECK(!w);
  CHECK(calls == 0);
  close(growing);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("a watch may be stopped by its own callback, and is stopped by its handle's end") {
  auto growing = make_chan<int>();
  std::atomic<int> calls{0};
  {
    leak::watcher w;
    w = leak::watch(eagerly(), [&](const leak::findings&) {
      ++calls;
      w.stop();
    });
    CHECK(eventually([&] {
      go([growing] { growing.recv(); });
      time::sleep(1ms);
      return calls > 0;
    }));
  }
  CHECK(calls == 1);
  close(growing);
  CHECK(leak::verify_none() == nil);
}

FIBER_TEST("watch panics where it is asked for what cannot be") {
  const auto nothing = [](const leak::findings&) {};
  const auto panic_with = [&](auto change) {
    leak::watch_options how;
    change(how);
    return support::panic_of([&] { static_cast<void>(leak::watch(how, nothing)); });
  };
  CHECK(panic_with([](auto& how) { how.window = 0ns; }) == "leak: non-positive window for watch");
  CHECK(panic_with([](auto& how) { how.window = -1ns; }) == "leak: non-positive window for watch");
  CHECK(panic_with([](auto& how) { how.windows = 0; }) == "leak: watch needs a window at least");
  CHECK(panic_with([](auto& how) { how.blocked = -1ns; }) == "leak: negative wait for watch");
  CHECK(support::panic_of([] { static_cast<void>(leak::watch({}, nullptr)); }) == "leak: watch of nil func value");
}

PLAIN_TEST("a watch of a plain thread is stopped there, and one that run() has left behind too") {
  leak::watcher before = leak::watch({}, [](const leak::findings&) {});
  before.stop();
  leak::watcher kept;
  run([&] { kept = leak::watch({}, [](const leak::findings&) {}); });
  kept.stop();
  run([&] { kept.stop(); });
}

// ---- at exit --------------------------------------------------------------------------------------------------------

CHILD_PROGRAM("leaves one behind") {
  return run([] {
    lose_receiver();
    return await_parked(wait_reason::chan_receive, 1) ? 7 : 1;
  });
}

CHILD_PROGRAM("leaves nobody behind") {
  return run([] {
    go([] {
      for (int i = 0; i < 100; ++i) {
        runtime::gosched();
      }
    });
    return 3;
  });
}

PLAIN_TEST("GOSSAMER=leaks=exit reports who is left when main returns, and changes no exit code") {
  for (const std::string procs : {"1", "2", "8"}) {
    auto r = support::run_child("leaves one behind", {{"GOSSAMER", "leaks=exit,procs=" + procs}});
    CHECK(r.exited_with(7));
    CHECK(support::starts_with(r.err, "gossamer: main has returned\n1 fiber is alive\n1 fiber [chan receive, "));
    // What an earlier look has left in memory may hide that it is lost.
    CHECK((contains(r.err, "]: proven leaked: nothing that can still run reaches the channel\n") ||
           contains(r.err, "]\n\tblocked at ")));
    CHECK(contains(r.err, "lose_receiver"));
    r = support::run_child("leaves nobody behind", {{"GOSSAMER", "leaks=exit,procs=" + procs}});
    CHECK(r.exited_with(3));
    CHECK(r.err == "");
  }
  const auto r = support::run_child("leaves one behind", {{"GOSSAMER", "procs=2"}});
  CHECK(r.exited_with(7));
  CHECK(r.err == "");
}

// Whose thread has no CPU, or does not take the signal, cannot show its labels: it may be the scope's own all the same.
PLAIN_TEST("verify_none waits for who has not shown yet whose it is") {
  chan<void> end = make_chan<void>();
  std::atomic<bool> mute = false;
  {
    const leak::snapshot before;
    go([&mute, end] {
      sigset_t all, usual;
      sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &usual);
      mute = true;
      const auto until = std::chrono::steady_clock::now() + 800ms;
      while (std::chrono::steady_clock::now() < until) {
      }
      ::pthread_sigmask(SIG_SETMASK, &usual, nullptr);
      end.recv();
    });
    while (!mute) {
      std::this_thread::yield();
    }
    leak::options how;
    how.since = &before;
    how.patience = 2s;
    CHECK(support::starts_with(leak::verify_none(how).text(), "leak: 1 fiber is alive after 2s"));
  }
  end.close();
}
