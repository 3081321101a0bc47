// pprof: the handlers. See gossamer/http/pprof.hpp.
#include "gossamer/http/pprof.hpp"

#include <cstddef>
#include <string>

#include "gossamer/http/serve_mux.hpp"
#include "gossamer/runtime.hpp"
#include "http/html.hpp"
#include "http/pprof_access.hpp"
#include "http/pprof_metrics.hpp"
#include "http/pprof_page.hpp"
#include "http/pprof_profiles.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

constexpr std::string_view prefix = "/debug/pprof/";

void serve_list(response_writer& w) {
  w.header().set("Content-Type", "text/html; charset=utf-8");
  w.header().set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>/debug/pprof/</title>\n<style>\n"
      ":root { color-scheme: light dark; }\n"
      "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; }\n"
      "td { padding: .25rem 1.25rem .25rem 0; vertical-align: top; }\n"
      "</style>\n</head>\n<body>\n<h1>/debug/pprof/</h1>\n<p>";
  page += html_escape(runtime::version()) + ", " + std::to_string(runtime::num_fibers()) +
          " fibers. <a href=\"../fibers\">Live page</a>, <a href=\"goroutine?debug=2\">all stacks</a>.</p>\n<table>\n";
  for (const profile_kind& p : profiles()) {
    const bool is_stacks = p.name == "fiber" || p.name.starts_with("goroutine");
    const std::string name = html_escape(p.name);
    page += "<tr><td><a href=\"" + name + (is_stacks ? "?debug=1" : "") + "\">" + name + "</a></td><td>" +
            html_escape(p.description) + "</td></tr>\n";
  }
  page += "</table>\n</body>\n</html>\n";
  static_cast<void>(w.write(page));
}

}  // namespace

handler index(options how) {
  return guarded(how, [](response_writer& w, request& r) {
    const std::string_view path = r.url.path;
    if (path.starts_with(prefix) && path.size() > prefix.size()) {
      serve_profile(path.substr(prefix.size()), w, r);
    } else {
      serve_list(w);
    }
  });
}

handler profile(std::string_view name, options how) {
  return guarded(how, [own = std::string(name)](response_writer& w, request& r) { serve_profile(own, w, r); });
}

handler cmdline(options how) { return profile("cmdline", how); }

handler metrics(options how) {
  return guarded(how, [](response_writer& w, request& r) { serve_metrics(w, r); });
}

void register_default(options how) { handle(default_serve_mux(), how); }

handler fibers(options how) {
  return guarded(how, [](response_writer& w, request& r) { serve_fibers_page(w, r); });
}

}  // namespace gossamer::inline v0::http::pprof
