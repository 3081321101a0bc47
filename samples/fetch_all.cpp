// fetch_all: many pages at once, but not more than three at a time, into a map under a mutex; the first error ends the
// others. Source: the example that articles teach errgroup with.
//
//   $ tools/dev run fetch_all
//   /apple: 5 bytes
//   /fig: 3 bytes
//   /melon: 5 bytes
//   /pear: 4 bytes
//   with one that is missing: /plum: 404 Not Found
#include <gossamer/gossamer.hpp>
#include <gossamer/http.hpp>
#include <gossamer/io.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "local_server.hpp"

using namespace gossamer;

namespace {

using pages = std::map<std::string, std::string>;

std::pair<std::string, error> fetch(const context::context& ctx, const std::string& url) {
  auto [req, err] = http::new_request_with_context(ctx, "GET", url);
  if (err) return {"", err};
  auto [resp, failed] = http::default_client().do_(req);
  if (failed) return {"", failed};
  defer d1{[body = resp.body] { body.close(); }};
  if (resp.status_code != http::status_ok) return {"", errors::make(resp.status)};
  return io::read_all(resp.body);
}

std::pair<pages, error> fetch_all(const local_server& from, const std::vector<std::string>& paths) {
  sync::mutex mu;
  pages found;  // guarded by mu
  auto [g, ctx] = errgroup::with_context(context::background());
  g.set_limit(3);
  for (const std::string& path : paths) {
    g.go([&, ctx = ctx]() -> error {
      auto [text, err] = fetch(ctx, from.url(path));
      if (err) return errors::wrap(err, path);
      std::scoped_lock lock(mu);
      found[path] = text;
      return nil;
    });
  }
  if (error err = g.wait()) return {{}, err};
  return {found, nil};
}

// A page for each name that is known; one that takes its time ends with its client.
http::handler fruit() {
  http::serve_mux mux;
  for (const char* name : {"apple", "fig", "melon", "pear"}) {
    mux.handle_func(std::string("/") + name, [name](http::response_writer& w, http::request&) { w.write(name); });
  }
  mux.handle_func("/slow", [](http::response_writer&, http::request& r) { r.context().done().recv(); });
  return mux;
}

}  // namespace

int main() {
  return run([] {
    const local_server server(fruit());
    auto [found, err] = fetch_all(server, {"/apple", "/fig", "/melon", "/pear"});
    if (err) {
      std::cerr << "fetch_all: " << err << '\n';
      return 1;
    }
    for (const auto& [path, text] : found) std::cout << path << ": " << text.size() << " bytes\n";
    auto [none, missing] = fetch_all(server, {"/slow", "/apple", "/plum", "/slow"});
    std::cout << "with one that is missing: " << missing << '\n';
    return none.empty() ? 0 : 1;
  });
}
