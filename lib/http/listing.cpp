// listing: what a directory holds, as a page.
#include <algorithm>
#include <string>
#include <utility>

#include "gossamer/http/respond.hpp"
#include "gossamer/http/url.hpp"
#include "http/html.hpp"
#include "http/request_log.hpp"
#include "http/serving.hpp"

namespace gossamer::inline v0::http {

void serve_listing(response_writer& w, request& r, const description& directory) {
  constexpr std::size_t piece = std::size_t{32} << 10U;
  auto [all, err] = directory.read_dir();
  if (err) {
    log_for(r, "http: error reading directory: " + err.text());
    error(w, "Error reading directory", status_internal_server_error);
    return;
  }
  std::ranges::sort(all, {}, &os::dir_entry::name);
  w.header().set("Content-Type", "text/html; charset=utf-8");
  std::string page = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
  url link;
  for (const os::dir_entry& e : all) {
    link.path = e.is_dir() ? e.name + "/" : e.name;
    ((page += "<a href=\"") += html_escape(link.text())) += "\">";
    (page += html_escape(link.path)) += "</a>\n";
    if (page.size() >= piece) {
      if (w.write(page).second) {
        return;
      }
      page.clear();
    }
  }
  w.write(page += "</pre>\n");
}

}  // namespace gossamer::inline v0::http
