// What a client_trace is told.
#include <gossamer/http/client_trace.hpp>

#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "http_transported.hpp"

using namespace gossamer;
using place = support::transported;
using support::request_to;
using support::text_of;

FIBER_TEST("http trace: what is told of a request") {
  place p([](http::response_writer& w, http::request&) {
    w.header().set("Link", "x");
    w.write_header(103);
    w.write("body");
  });
  std::string told;
  http::client_trace trace;
  trace.get_conn = [&](std::string_view host) { told += "get " + std::string(host) + "; "; };
  trace.got_conn = [&](const http::got_conn_info& c) {
    told += c.reused ? c.was_idle ? "idle; " : "reused; " : "new; ";
  };
  trace.put_idle_conn = [&](const error& err) { told += err ? "ended; " : "kept; "; };
  trace.got_first_response_byte = [&] { told += "byte; "; };
  trace.got_1xx_response = [&](int code, const http::header& h) -> error {
    told += std::to_string(code) + std::string(h.get("Link")) + "; ";
    return nullptr;
  };
  trace.connect_start = [&](std::string_view network, std::string_view address) {
    told += "connects " + std::string(network) + " " + std::string(address) + "; ";
  };
  trace.connect_done = [&](std::string_view, std::string_view, const error& err) {
    told += err ? "failed; " : "done; ";
  };
  trace.wrote_headers = [&] { told += "head; "; };
  trace.wrote_request = [&](const error& err) { told += err ? "failed; " : "request; "; };
  const auto ctx = http::with_client_trace(context::background(), trace);
  CHECK(text_of(p.t.round_trip(request_to("http://example.com/", "GET", ctx))) == "body");
  CHECK(told == "get example.com:80; connects tcp example.com:80; done; new; head; request; byte; 103x; kept; ");
  told.clear();
  CHECK(text_of(p.t.round_trip(request_to("http://example.com/", "GET", ctx))) == "body");
  CHECK(told == "get example.com:80; idle; head; request; byte; 103x; kept; ");
}

FIBER_TEST("http trace: what a hook for 1xx says ends the request") {
  place p([](http::response_writer& w, http::request&) {
    w.write_header(103);
    w.write("body");
  });
  http::client_trace trace;
  trace.got_1xx_response = [](int, const http::header&) { return errors::make("no more"); };
  const auto ctx = http::with_client_trace(context::background(), trace);
  CHECK(text_of(p.t.round_trip(request_to("http://example.com/", "GET", ctx))) ==
        "error: net/http: HTTP/1.x transport connection broken: no more");
}

FIBER_TEST("http trace: two are told one after the other, and an error of the first is the last word") {
  std::string told;
  http::client_trace first, second;
  first.get_conn = [&](std::string_view) { told += "first "; };
  second.get_conn = [&](std::string_view) { told += "second "; };
  first.got_1xx_response = [](int, const http::header&) { return errors::make("no"); };
  second.got_1xx_response = [&](int, const http::header&) -> error {
    told += "never";
    return nullptr;
  };
  const auto one = http::with_client_trace(context::background(), first);
  const auto both = http::with_client_trace(one, second);
  CHECK(http::context_client_trace(context::background()) == nullptr);
  http::context_client_trace(both)->get_conn("a");
  CHECK(told == "first second ");
  CHECK(http::context_client_trace(both)->got_1xx_response(103, http::header()).text() == "no");
  CHECK(told == "first second ");
}

FIBER_TEST("http trace: what a hook throws while an answer goes unread is dropped") {
  place p([](http::response_writer& w, http::request&) { w.write("body"); });
  int told = 0;
  http::client_trace trace;
  trace.put_idle_conn = [&](const error&) {
    told++;
    panic("no");
  };
  const auto ctx = http::with_client_trace(context::background(), trace);
  CHECK(p.t.round_trip(request_to("http://example.com/", "GET", ctx)).second == nil);
  CHECK(told == 1);
  CHECK(p.get() == "body");
  CHECK(p.dials == 1);
}
