// Handlers whose time is bounded.
#include <gossamer/errors.hpp>
#include <gossamer/http/test.hpp>
#include <gossamer/http/timeout_handler.hpp>
#include <gossamer/io.hpp>

#include <chrono>
#include <string>

#include "fiber_test.hpp"

using namespace gossamer;
using namespace std::chrono_literals;
using support::panic_of;

namespace {

constexpr auto long_enough = 1h;
constexpr auto at_once = 1ms;

// Its request's context has ended.
void wait_for_end(const http::request& r) { r.context().done().recv(); }

}  // namespace

FIBER_TEST("http timeout_handler: an answer in time is passed on as a whole") {
  const http::handler h = http::timeout_handler(
      [](http::response_writer& w, http::request& r) {
        CHECK(r.context().deadline().has_value());
        CHECK(r.header.get("X") == "1");
        w.header().set("A", "a");
        w.header().add("B", "1");
        w.header().add("B", "2");
        w.write_header(201);
        w.header().set("Late", "goes with it, since nothing has been sent");
        CHECK(w.write("hello, ") == io::result(7, nil));
        CHECK(w.write("world") == io::result(5, nil));
        CHECK(w.flush() == http::not_supported);
        CHECK(w.hijack().second == http::not_supported);
      },
      long_enough);
  http::test::recorder rec;
  rec.header().set("B", "before");
  rec.header().set("C", "before");
  http::request r = http::test::new_request("GET", "/");
  r.header.set("X", "1");
  h(rec, r);
  CHECK(rec.code == 201);
  CHECK(rec.body == "hello, world");
  CHECK(rec.sent().get("A") == "a");
  CHECK(rec.sent().values("B") == std::vector<std::string_view>{"1", "2"});
  CHECK(rec.sent().get("C") == "before");
  CHECK(rec.sent().has("Late"));

  http::test::recorder empty;
  http::timeout_handler([](http::response_writer&, http::request&) {}, long_enough)(empty, r);
  CHECK(empty.code == 200);
  CHECK(empty.body.empty());
}

FIBER_TEST("http timeout_handler: beyond its time a handler writes nothing more, and the answer is 503") {
  for (const char* const body : {"", "too late"}) {
    sync::wait_group answered;
    sync::wait_group written;
    answered.add(1);
    written.add(1);
    error late;
    const http::handler h = http::timeout_handler(
        [&](http::response_writer& w, http::request& r) {
          w.header().set("A", "a");
          w.write("what is never sent");
          wait_for_end(r);
          CHECK(r.context().err() == context::deadline_exceeded);
          answered.wait();
          w.header().set("B", "b");
          w.write_header(200);
          late = w.write("x").second;
          written.done();
        },
        at_once, body);
    http::test::recorder rec;
    http::request r = http::test::new_request("GET", "/");
    h(rec, r);
    answered.done();
    CHECK(rec.code == 503);
    CHECK(rec.body ==
          (body[0] != 0 ? body : "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"));
    CHECK(rec.header().empty());
    written.wait();
    CHECK(late == http::handler_timeout);
    CHECK(late.text() == "http: Handler timeout");
  }
}

FIBER_TEST("http timeout_handler: a handler that ends because its time is over has not made it") {
  const http::handler h =
      http::timeout_handler([](http::response_writer&, http::request& r) { wait_for_end(r); }, at_once);
  for (int i = 0; i < support::scale(20); i++) {
    http::test::recorder rec;
    http::request r = http::test::new_request("GET", "/");
    h(rec, r);
    CHECK(rec.code == 503);
  }
}

FIBER_TEST("http timeout_handler: a client that has gone gets no body") {
  sync::wait_group written;
  written.add(1);
  error late;
  auto [ctx, cancel] = context::with_cancel(context::background());
  const http::handler h = http::timeout_handler(
      [&](http::response_writer& w, http::request& r) {
        cancel();
        wait_for_end(r);
        late = nullptr;
        CHECK(support::eventually([&] { return static_cast<bool>(late = w.write("x").second); }));
        written.done();
      },
      long_enough);
  http::test::recorder rec;
  http::request r = http::test::new_request("GET", "/");
  r.set_context(ctx);
  h(rec, r);
  CHECK(rec.code == 503);
  CHECK(rec.body.empty());
  written.wait();
  CHECK(late == context::canceled);
}

FIBER_TEST("http timeout_handler: panics go on in the caller, unless they come too late") {
  http::test::recorder rec;
  http::request r = http::test::new_request("GET", "/");
  CHECK(panic_of([&] {
          http::timeout_handler([](http::response_writer&, http::request&) { panic("boom"); }, long_enough)(rec, r);
        }) == "boom");
  CHECK(panic_of([&] {
          http::timeout_handler([](http::response_writer& w, http::request&) { w.write_header(99); }, long_enough)(rec,
                                                                                                                   r);
        }) == "invalid WriteHeader code 99");
  CHECK(panic_of([&] { http::timeout_handler(nullptr, long_enough)(rec, r); }).find("nil pointer") !=
        std::string::npos);
  bool caught = false;
  try {
    http::timeout_handler([](http::response_writer&, http::request&) { throw 5; }, long_enough)(rec, r);
  } catch (const int n) {
    caught = n == 5;
  }
  CHECK(caught);

  sync::wait_group answered;
  answered.add(1);
  http::timeout_handler(
      [&answered](http::response_writer&, http::request&) {
        answered.wait();
        panic("nobody hears it");
      },
      at_once)(rec, r);
  CHECK(rec.code == 503);
  answered.done();
  CHECK(support::eventually([] { return runtime::num_fibers() == 1; }));
}

FIBER_TEST("http timeout_handler: a fiber that exits has not answered") {
  http::test::recorder rec;
  http::request r = http::test::new_request("GET", "/");
  http::timeout_handler([](http::response_writer&, http::request&) { runtime::goexit(); }, at_once)(rec, r);
  CHECK(rec.code == 503);
}
