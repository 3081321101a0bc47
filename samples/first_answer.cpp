// first_answer: three servers that have the same; the first answer is taken, and the others are told that nobody waits
// for them any more.
//
//   $ tools/dev run first_answer
//   first: the second server
//   cancelled: 2
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>

#include <iostream>
#include <memory>
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

// The first that is none is taken only where all are.
answer first_answer(const std::vector<std::string>& urls) {
  auto [ctx, cancel] = context::with_cancel(context::background());
  defer d1{cancel};
  auto answers = make_chan<answer>(urls.size());
  for (const std::string& url : urls) {
    go([=, ctx = ctx] { answers << ask(ctx, url); });
  }
  answer a;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    answers >> a;
    if (!a.err) break;
  }
  return a;
}

// Answers after a while, or says that its client has gone.
http::handler after(time::duration d, std::string text, send_chan<void> gone) {
  return [=](http::response_writer& w, http::request& r) {
    switch (select(recv(r.context().done()), recv(time::after(d)))) {
      case 0:
        gone.send();
        return;
      default:
        w.write(text);
    }
  };
}

}  // namespace

int main() {
  return run([] {
    auto gone = make_chan<void>(3);
    const local_server first(after(1h, "the first server", gone));
    const local_server second(after(20ms, "the second server", gone));
    const local_server third(after(1h, "the third server", gone));
    const answer a = first_answer({first.url("/"), second.url("/"), third.url("/")});
    if (a.err) {
      std::cerr << "first_answer: " << a.err << '\n';
      return 1;
    }
    std::cout << "first: " << a.text << '\n';
    gone.recv();
    gone.recv();
    std::cout << "cancelled: 2\n";
    return 0;
  });
}
