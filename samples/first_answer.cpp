// first_answer: three servers that have the same; the first answer is taken, and the others are told that nobody waits
// for them any more.
//
//   $ tools/dev run first_answer
//   first: the second server
//   the others: 2 cancelled
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>

#include <cstddef>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "local_server.hpp"

using namespace gossamer;

namespace {

struct answer {
  std::string text;
  error err;
};

answer ask(const context::context& ctx, const std::string& url) {
  auto [req, err] = http::new_request_with_context(ctx, "GET", url);
  if (err) return {"", err};
  auto [resp, failed] = http::default_client().do_(req);
  if (failed) return {"", failed};
  defer d1{[body = resp.body] { body.close(); }};
  auto [text, torn] = io::read_all(resp.body);
  return {text, torn};
}

struct race {
  answer first;
  int cancelled = 0;
};

// Where all fail the last error is the answer.
race first_answer(const std::vector<std::string>& urls) {
  auto [ctx, cancel] = context::with_cancel(context::background());
  defer d1{cancel};
  auto answers = make_chan<answer>(urls.size());
  for (const std::string& url : urls) {
    go([=, ctx = ctx] { answers << ask(ctx, url); });
  }
  race r;
  bool won = false;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    answer a;
    answers >> a;
    r.cancelled += errors::is(a.err, context::canceled) ? 1 : 0;
    if (won) continue;
    r.first = a;
    if ((won = !a.err)) cancel();
  }
  return r;
}

// Answers after a while, unless its client has gone.
http::handler after(time::duration d, std::string text) {
  return [=](http::response_writer& w, http::request& r) {
    if (select(recv(r.context().done()), recv(time::after(d))) == 1) w.write(text);
  };
}

}  // namespace

int main() {
  return run([] {
    const local_server first(after(1h, "the first server"));
    const local_server second(after(20ms, "the second server"));
    const local_server third(after(1h, "the third server"));
    auto [answer, cancelled] = first_answer({first.url("/"), second.url("/"), third.url("/")});
    if (answer.err) {
      std::cerr << "first_answer: " << answer.err << '\n';
      return 1;
    }
    std::cout << "first: " << answer.text << '\n';
    std::cout << "the others: " << cancelled << " cancelled\n";
    return 0;
  });
}
