// fetch_multiple: a fiber for each page, and a channel with room for all that they bring; the first failure cancels the
// rest, and nobody waits for them, nor do they for anybody.
//
//   $ tools/dev run fetch_multiple
//   one, two, three
//   Get "http://*/broken": EOF
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

struct result {
  std::size_t place = 0;
  std::string text;
  error err;
};

result fetch(const context::context& ctx, std::size_t place, const std::string& url) {
  auto [req, err] = http::new_request_with_context(ctx, "GET", url);
  if (err) return {place, "", err};
  auto [resp, failed] = http::default_client().do_(req);
  if (failed) return {place, "", failed};
  auto [text, torn] = io::read_all(resp.body);
  resp.body.close();
  return {place, text, torn};
}

std::pair<std::vector<std::string>, error> fetch_multiple(const std::vector<std::string>& urls) {
  auto [ctx, cancel] = context::with_cancel(context::background());
  defer d1{cancel};
  auto results = make_chan<result>(urls.size());  // room for all: who is late finds somewhere to go
  for (std::size_t i = 0; i < urls.size(); ++i) {
    go([=, ctx = ctx, url = urls[i]] { results << fetch(ctx, i, url); });
  }
  std::vector<std::string> texts(urls.size());
  for (std::size_t i = 0; i < urls.size(); ++i) {
    result r;
    results >> r;
    if (r.err) return {{}, r.err};
    texts[r.place] = r.text;
  }
  return {texts, nil};
}

http::handler words() {
  http::serve_mux mux;
  mux.handle_func("/{word}", [](http::response_writer& w, http::request& r) { w.write(r.path_value("word")); });
  mux.handle_func("/broken", [](http::response_writer&, http::request&) { panic(http::abort_handler); });
  mux.handle_func("/slow", [](http::response_writer&, http::request& r) { r.context().done().recv(); });
  return mux;
}

}  // namespace

int main() {
  return run([] {
    const local_server server(words());
    auto [texts, err] = fetch_multiple({server.url("/one"), server.url("/two"), server.url("/three")});
    if (err) {
      std::cerr << "fetch_multiple: " << err << '\n';
      return 1;
    }
    std::cout << texts[0] << ", " << texts[1] << ", " << texts[2] << '\n';
    auto [none, failed] = fetch_multiple({server.url("/slow"), server.url("/broken"), server.url("/slow")});
    std::cout << failed << '\n';
    return none.empty() ? 0 : 1;
  });
}
