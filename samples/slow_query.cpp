// slow_query: a handler that works for its client, and gives up when that has gone. Its request's context says so.
//
//   $ tools/dev run slow_query
//   the client has its answer: 42
//   the client has gone: Get "http://*/query?rows=1000000": context canceled
//   the server has given up: context canceled
#include <gossamer/fmt.hpp>
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>

#include <iostream>
#include <string>
#include <utility>

#include "local_server.hpp"

using namespace gossamer;

namespace {

// In the place of a database: a millisecond a row.
std::pair<int, error> query(const context::context& ctx, int rows) {
  switch (select(recv(ctx.done()), recv(time::after(rows * 1ms)))) {
    case 0:
      return {0, ctx.err()};
    default:
      return {42, nil};
  }
}

http::handler query_page(send_chan<int> begun, send_chan<error> given_up) {
  return [begun, given_up](http::response_writer& w, http::request& r) {
    const int rows = r.form_value("rows") == "3" ? 3 : 1'000'000;
    begun << rows;
    auto [answer, err] = query(r.context(), rows);
    if (err) {
      given_up << err;
      return;
    }
    fmt::fprint{w, answer};
  };
}

std::pair<std::string, error> ask(const context::context& ctx, const std::string& url) {
  auto [req, err] = http::new_request_with_context(ctx, "GET", url);
  if (err) return {"", err};
  auto [resp, failed] = http::default_client().do_(req);
  if (failed) return {"", failed};
  defer d1{[body = resp.body] { body.close(); }};
  return io::read_all(resp.body);
}

}  // namespace

int main() {
  return run([] {
    auto begun = make_chan<int>(2);
    auto given_up = make_chan<error>(1);
    const local_server server(query_page(begun, given_up));
    auto [answer, err] = ask(context::background(), server.url("/query?rows=3"));
    std::cout << "the client has its answer: " << answer << '\n';
    begun.recv();
    auto [ctx, cancel] = context::with_cancel(context::background());
    go([&begun, cancel = cancel] {  // loses patience once the server is at work
      begun.recv();
      cancel();
    });
    auto [none, late] = ask(ctx, server.url("/query?rows=1000000"));
    std::cout << "the client has gone: " << late << '\n';
    error why;
    given_up >> why;
    std::cout << "the server has given up: " << why << '\n';
    return err || !none.empty() ? 1 : 0;
  });
}
