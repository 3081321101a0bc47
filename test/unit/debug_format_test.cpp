// The forms of a dump, against what Go, a parser and a decompressor say.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include "child.hpp"
#include "debug/format.hpp"
#include "fiber_test.hpp"
#include "gossamer/debug.hpp"
#include "inside.hpp"

using namespace gossamer;
using debug::fiber_info;
using debug::format;
using runtime::status;
using support::contains;

namespace {

// Two fibers of which nothing depends on the machine.
fiber_info blocked_one() {
  fiber_info info;
  info.id = 7;
  info.name = "fetch \"it\"";
  info.labels = {{"user", "bob"}, {"zone", "a\tb"}};
  info.parent = 3;
  info.locked_to_thread = true;
  info.state = status::waiting;
  info.reason = "chan receive";
  info.wait_start = std::chrono::steady_clock::now() - std::chrono::seconds(150);
  info.object = {.address = reinterpret_cast<const void*>(0x1000),
                 .kind = "chan",
                 .waiters = 2,
                 .known = true,
                 .len = 1,
                 .cap = 8};
  return info;
}
fiber_info on_mutex() {
  fiber_info info;
  info.id = 9;
  info.is_main = true;
  info.state = status::waiting;
  info.reason = "sync.Mutex.Lock";
  info.wait_start = std::chrono::steady_clock::now();
  info.object = {.address = reinterpret_cast<const void*>(0x2000),
                 .kind = "sync.Mutex",
                 .waiters = 1,
                 .known = true,
                 .locked = true,
                 .owner = 7};
  return info;
}

fiber_info on_rw_mutex(std::uint64_t id, std::uint64_t owner, std::uint32_t readers) {
  fiber_info info;
  info.id = id;
  info.parent = 9;
  info.state = status::waiting;
  info.reason = readers == 0 ? "sync.RWMutex.RLock" : "sync.RWMutex.Lock";
  info.wait_start = std::chrono::steady_clock::now();
  info.object = {.address = reinterpret_cast<const void*>(id << 12U),
                 .kind = "sync.RWMutex",
                 .waiters = 1,
                 .known = true,
                 .locked = owner != 0,
                 .owner = owner,
                 .readers = readers};
  info.object.name = readers == 0 ? "" : "the \"cache\"";
  return info;
}
fiber_info selecting() {
  fiber_info info = blocked_one();
  info.id = 12;
  info.name = "";
  info.labels = {};
  info.locked_to_thread = false;
  info.reason = "select";
  info.bubble = 3;
  info.durable = true;
  info.wait_start = std::chrono::steady_clock::now();
  info.others = {{.address = reinterpret_cast<const void*>(0x3000), .kind = "chan", .waiters = 1}};
  return info;
}

// What the form makes of them.
std::string written(std::unique_ptr<debug::writer> (*make)(debug::output&, frames::names&)) {
  std::string text;
  debug::output out(debug::sink{[](void* to, std::string_view piece) -> error {
                                  static_cast<std::string*>(to)->append(piece);
                                  return nil;
                                },
                                &text});
  frames::names known;
  const auto form = make(out, known);
  form->add(blocked_one());
  form->add(on_mutex());
  form->add(on_rw_mutex(10, 9, 0));
  form->add(on_rw_mutex(11, 0, 2));
  form->add(selecting());
  form->finish();
  CHECK(out.finish() == nil);
  return text;
}

// Each number after that becomes *.
std::string masked(std::string text, std::string_view before) {
  for (auto at = text.find(before); at != text.npos; at = text.find(before, at)) {
    at += before.size();
    const auto end = text.find_first_not_of("0123456789abcdef", at);
    text.replace(at, end - at, "*");
  }
  return text;
}

// The exit code of a shell's command that reads the text; 127: there is no such command.
int told(const std::string& command, const std::string& text) {
  char name[] = "/tmp/gossamer_format_XXXXXX";
  const int fd = ::mkstemp(name);
  CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
  const int code = std::system((command + " < " + name + " > /dev/null 2>&1").c_str());
  const int with_name = code == 0 ? 0 : WEXITSTATUS(code);
  ::unlink(name);
  return with_name;
}

}  // namespace

PLAIN_TEST("the text form is Go's, with a name before the status") {
  CHECK(written(debug::make_text) ==
        "fiber 7 \"fetch \\\"it\\\"\" [chan receive, 2 minutes, locked to thread]"
        " {user: bob, zone: \"a\\tb\"}:\n"
        "created by (unknown) in fiber 3\n"
        "\t0x0\n"
        "\n"
        "fiber 9 [sync.Mutex.Lock, held by fiber 7]:\n"
        "the main fiber\n"
        "\n"
        "fiber 10 [sync.RWMutex.RLock, held by fiber 9]:\n"
        "created by (unknown) in fiber 9\n"
        "\t0x0\n"
        "\n"
        "fiber 11 [sync.RWMutex.Lock, on \"the \\\"cache\\\"\", held by 2 readers]:\n"
        "created by (unknown) in fiber 9\n"
        "\t0x0\n"
        "\n"
        "fiber 12 [select (durable), synctest bubble 3]:\n"
        "created by (unknown) in fiber 3\n"
        "\t0x0\n");
}

PLAIN_TEST("the grouped form has a count, the labels and the stack of each group") {
  CHECK(written(debug::make_groups) ==
        "fiber profile: total 5\n"
        "4 @\n"
        "\n"
        "1 @\n"
        "# labels: {\"user\":\"bob\", \"zone\":\"a\\tb\"}\n"
        "\n");
  CHECK(written(debug::make_folded) == "(no stack) 4\n(no stack) 1\n");
}

PLAIN_TEST("the JSON form is as its schema says, and says who waits for whom") {
  CHECK(masked(masked(written(debug::make_json), "\"time\": "), "\"waited_ns\": ") ==
        R"({"version": 1, "time": *,
"fibers": [
{"id": 7, "name": "fetch \"it\"", "labels": {"user": "bob", "zone": "a\u0009b"}, "parent": 3, "state": "waiting", )"
        R"("main": false, "locked_to_thread": true, "worker": 0, "reason": "chan receive", "waited_ns": *, )"
        R"("blocked_on": {"address": "0x1000", "kind": "chan", "waiters": 2, "len": 1, "cap": 8, "closed": false}, )"
        R"("whole": false, "elided": 0, "stack": []},
{"id": 9, "parent": 0, "state": "waiting", "main": true, "locked_to_thread": false, "worker": 0, )"
        R"("reason": "sync.Mutex.Lock", "waited_ns": *, )"
        R"("blocked_on": {"address": "0x2000", "kind": "sync.Mutex", "waiters": 1, "locked": true, "owner": 7}, )"
        R"("whole": false, "elided": 0, "stack": []},
{"id": 10, "parent": 9, "state": "waiting", "main": false, "locked_to_thread": false, "worker": 0, )"
        R"("reason": "sync.RWMutex.RLock", "waited_ns": *, "blocked_on": {"address": "0xa000", )"
        R"("kind": "sync.RWMutex", "waiters": 1, "locked": true, "readers": 0, "owner": 9}, )"
        R"("whole": false, "elided": 0, "stack": []},
{"id": 11, "parent": 9, "state": "waiting", "main": false, "locked_to_thread": false, "worker": 0, )"
        R"("reason": "sync.RWMutex.Lock", "waited_ns": *, "blocked_on": {"address": "0xb000", )"
        R"("kind": "sync.RWMutex", "name": "the \"cache\"", "waiters": 1, "locked": false, "readers": 2}, )"
        R"("whole": false, "elided": 0, "stack": []},
{"id": 12, "parent": 3, "state": "waiting", "main": false, "locked_to_thread": false, "worker": 0, "bubble": 3, "durable": true, )"
        R"("reason": "select", "waited_ns": *, )"
        R"("blocked_on": {"address": "0x1000", "kind": "chan", "waiters": 2, "len": 1, "cap": 8, "closed": false}, )"
        R"("or_on": [{"address": "0x3000", "kind": "chan", "waiters": 1}], )"
        R"("whole": false, "elided": 0, "stack": []}],
"total": 5,
"objects": [
{"address": "0x1000", "kind": "chan", "waiters": [7, 12]},
{"address": "0x2000", "kind": "sync.Mutex", "owner": 7, "waiters": [9]},
{"address": "0x3000", "kind": "chan", "waiters": [12]},
{"address": "0xa000", "kind": "sync.RWMutex", "owner": 9, "waiters": [10]},
{"address": "0xb000", "kind": "sync.RWMutex", "waiters": [11]}],
"edges": [
{"from": 9, "to": 7, "object": "0x2000"},
{"from": 10, "to": 9, "object": "0xa000"}]}
)");
}

FIBER_TEST("a JSON dump is read by a parser, whatever bytes names and labels have") {
  auto ch = make_chan<int>();
  go(fiber_options{.name = "\"\\\n\x01\xff\xc3\xa4"}, [ch] {
    debug::set_labels({{"\xf0\x9f\x98\x80", "\xe2\x28"}, {"", ""}});
    ch.recv();
  });
  CHECK(support::await_parked(wait_reason::chan_receive, 1));
  std::string text;
  CHECK(debug::dump(text, format::json) == nil);
  close(ch);
  if (told("python3 -c ''", "") != 0) {
    MESSAGE("no python3 here: not parsed");
    return;
  }
  CHECK(told("python3 -c 'import json, sys\n"
             "all = json.load(open(0, encoding=\"utf-8\"))\n"
             "one = [f for f in all[\"fibers\"] if \"name\" in f][0]\n"
             "assert one[\"name\"] == \"\\\"\\\\\\n\\x01\\ufffd\\u00e4\", one\n"
             "assert one[\"blocked_on\"][\"kind\"] == \"chan\" and one[\"whole\"] and one[\"stack\"]\n"
             "assert one[\"labels\"][\"\"] == \"\" and len(all[\"fibers\"]) == all[\"total\"] == 2'",
             text) == 0);
}

// What `go tool pprof` makes of it: test/pprof.
FIBER_TEST("a pprof dump is a gzip file, whose contents a decompressor confirms") {
  auto ch = make_chan<int>();
  for (int i = 0; i < 3; ++i) {
    go([ch] { ch.recv(); });
  }
  CHECK(support::await_parked(wait_reason::chan_receive, 3));
  std::string text;
  CHECK(debug::dump(text, format::pprof) == nil);
  close(ch);
  CHECK(support::starts_with(text, "\x1f\x8b\x08"));
  CHECK(told("gzip -dc", text) == 0);
}
