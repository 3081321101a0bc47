// pprof_page: the page as the server writes it, complete without scripts. All that comes from fibers is escaped.
#include "http/pprof_page.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <utility>

#include "gossamer/http/values.hpp"
#include "gossamer/runtime.hpp"
#include "http/html.hpp"
#include "http/pprof_view.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

constexpr std::size_t most_rows = 500;
constexpr std::size_t most_groups = 50;
constexpr std::array<std::string_view, 4> statuses{"waiting", "syscall", "runnable", "running"};

// As the script writes it.
std::string text_of(std::chrono::nanoseconds d) {
  const auto ns = d.count();
  std::array<char, 48> text{};
  const auto put = [&](const char* format, auto... values) {
    std::snprintf(text.data(), text.size(), format, values...);
    return std::string(text.data());
  };
  const auto real = static_cast<double>(ns);
  const long long s = ns / 1'000'000'000;
  return ns < 1'000           ? put("%lld ns", static_cast<long long>(ns))
         : ns < 1'000'000     ? put("%.3g µs", real / 1e3)
         : ns < 1'000'000'000 ? put("%.3g ms", real / 1e6)
         : s < 60             ? put("%.3g s", real / 1e9)
         : s < 3600           ? put("%lld min %lld s", s / 60, s % 60)
                              : put("%lld h %lld min", s / 3600, s / 60 % 60);
}

std::string tag(std::string_view name, std::string_view attributes, std::string_view content) {
  std::string to = "<";
  to += name;
  if (!attributes.empty()) {
    (to += ' ') += attributes;
  }
  ((to += '>') += content) += "</";
  return (to += name) += '>';
}

std::string link_to(std::uint64_t fiber, const view& all) {
  const std::string id = std::to_string(fiber);
  const std::string name(all.name_of(fiber));
  return tag("a", "href=\"#f" + id + "\"", "fiber " + id + (name.empty() ? "" : html_escape(" \"" + name + "\"")));
}

std::string badge(std::string_view status, std::string_view state) {
  return tag("span", "class=\"state " + std::string(status) + "\"", html_escape(state));
}

std::string foldable(std::string_view summary, std::string_view text) {
  return tag("details", {},
             tag("summary", {}, tag("code", {}, summary.empty() ? "(not known)" : html_escape(summary))) +
                 tag("pre", {}, html_escape(text)));
}

std::string verdict(const leak::group& g) {
  const std::string level(leak::text(g.level));
  return tag("span", "class=\"verdict " + level + "\" title=\"" + html_escape(g.why) + "\"", level);
}

std::string objects_of(const debug::fiber_info& f, const view& all) {
  std::string to;
  const auto add = [&](const debug::object_info& o) {
    const std::string text = html_escape(pprof::text_of(o));
    to += text.empty() ? "" : tag("div", {}, text + (o.owner != 0 ? " held by " + link_to(o.owner, all) : ""));
  };
  add(f.object);
  for (const debug::object_info& o : f.others) {
    add(o);
  }
  return to;
}

std::string text_of(const row& r, view& all) {
  const debug::fiber_info& f = *r.fiber;
  std::string name = html_escape(f.name.empty() && f.is_main ? "main" : f.name);
  for (const auto& [key, value] : f.labels) {
    name += " " + tag("span", "class=\"chip\"", html_escape(key + "=" + value));
  }
  const bool waits = f.state == runtime::status::waiting;
  const bool has_verdict = r.group != nullptr && r.group->level != leak::verdict::none;
  std::string cells = tag("td", "class=\"number\"", std::to_string(f.id)) + tag("td", {}, name) +
                      tag("td", {}, badge(status_of(f), state_of(f))) +
                      tag("td", "class=\"number\"", waits ? text_of(f.waited()) : "") +
                      tag("td", {}, objects_of(f, all)) +
                      tag("td", {}, foldable(r.at, all.lines_of(f.stack, f.elided))) +
                      tag("td", "class=\"minor\"", tag("code", {}, html_escape(r.spawned_at))) +
                      tag("td", {}, has_verdict ? verdict(*r.group) : "");
  return tag("tr", "id=\"f" + std::to_string(f.id) + "\"", cells) + "\n";
}

std::string tiles(const view& all) {
  std::string to = "<ul class=\"tiles\"><li><b id=\"n-total\">" + std::to_string(all.total()) + "</b>fibers</li>";
  for (const std::string_view s : statuses) {
    const std::string name(s);
    to +=
        tag("li", "class=\"" + name + "\"", tag("b", "id=\"n-" + name + "\"", std::to_string(all.count_of(s))) + name);
  }
  return to + "</ul>\n";
}

std::string history() {
  std::string areas;
  for (const std::string_view s : statuses) {
    areas += tag("polygon", "class=\"" + std::string(s) + "\"", "");
  }
  return tag("figure", "id=\"history\"",
             tag("svg",
                 "viewBox=\"0 0 600 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Fibers by state "
                 "over time\"",
                 areas) +
                 "<figcaption><span>fibers by state, the last looks</span><span id=\"top\"></span></figcaption>") +
         "\n";
}

std::string choice(std::string_view value, std::string_view text, std::string_view chosen) {
  std::string attributes = "value=\"";
  ((attributes += value) += '"') += value == chosen ? " selected" : "";
  return tag("option", attributes, text);
}

std::string form_of(const view_query& q) {
  std::string states = choice("", "any state", q.state);
  for (const std::string_view s : statuses) {
    states += choice(s, s, q.state);
  }
  return "<form id=\"choose\"><input type=\"search\" name=\"q\" aria-label=\"Filter\" placeholder=\"name, label, "
         "function, file, channel\" value=\"" +
         html_escape(q.text) + "\">" + tag("select", "name=\"state\" aria-label=\"State\"", states) +
         "<label>waits for <input name=\"min\" placeholder=\"5s\" value=\"" + html_escape(q.min_wait) +
         "\"> or longer</label>" +
         tag("select", "name=\"sort\" aria-label=\"Order\"",
             choice("wait", "longest wait first", q.sort) + choice("id", "by id", q.sort) +
                 choice("name", "by name", q.sort) + choice("state", "by state", q.sort)) +
         "<button id=\"apply\">Apply</button><button type=\"button\" id=\"pause\" hidden>Pause</button></form>\n";
}

std::string heading(std::string_view sort, std::string_view text, const view_query& q) {
  if (sort.empty()) {
    return tag("th", text == "spawned at" ? "class=\"minor\"" : "", text);
  }
  values query{{"q", q.text}, {"state", q.state}, {"min", q.min_wait}, {"sort", sort}};
  return tag("th", {},
             tag("a",
                 "href=\"?" + html_escape(query.encode()) + "\" data-sort=\"" + std::string(sort) + "\"" +
                     (q.sort == sort ? " aria-current=\"true\"" : ""),
                 text));
}

std::string table(view& all, const view_query& q) {
  std::string to = "<div class=\"wide\"><table><thead><tr>" + heading("id", "id", q) + heading("name", "name", q) +
                   heading("state", "state", q) + heading("wait", "waited", q) + heading("", "waits for", q) +
                   heading("", "at", q) + heading("", "spawned at", q) + heading("", "leak", q) +
                   "</tr></thead>\n<tbody id=\"rows\">\n";
  for (const row& r : all.rows()) {
    to += text_of(r, all);
  }
  return to + "</tbody></table></div>\n";
}

std::string groups(view& all) {
  std::string to = "<div id=\"groups\">";
  std::size_t n = 0;
  for (const auto& [stack, g] : all.by_stack()) {
    if (n++ == most_groups) {
      break;
    }
    const bool waits = g.oldest.count() > 0;
    to += tag("div", "class=\"group\"",
              tag("b", {}, std::to_string(g.count)) +
                  tag("div", {},
                      badge(g.status, g.state) + tag("small", {}, waits ? " up to " + text_of(g.oldest) : "") +
                          foldable(all.place_of(stack), all.lines_of(stack, g.elided)))) +
          "\n";
  }
  return to + "</div>\n";
}

std::string text_of(const leak::group& g, const view& all) {
  std::string who;
  for (std::size_t i = 0; i < g.fibers.size() && i < 20; ++i) {
    who += link_to(g.fibers[i], all) + " ";
  }
  return tag("div", "class=\"group\"",
             tag("b", {}, std::to_string(g.fibers.size())) +
                 tag("div", {},
                     verdict(g) + " " + html_escape(g.state) + " at " + tag("code", {}, html_escape(g.blocked_at)) +
                         ", spawned at " + tag("code", {}, html_escape(g.spawned_at)) +
                         tag("div", {}, html_escape(g.why)) + tag("div", {}, who)));
}

std::string leaks(const view& all) {
  const leak::findings& found = all.leaks();
  std::string to;
  for (const leak::group& g : found.groups) {
    to += g.level != leak::verdict::none ? text_of(g, all) : "";
  }
  for (const leak::cycle& c : found.cycles) {
    std::string chain = "Cycle: ";
    for (const leak::cycle_link& l : c) {
      chain += link_to(l.fiber, all) + " waits for ";
    }
    to += tag("p", {}, chain + link_to(c.front().fiber, all));
  }
  return tag("div", "id=\"leaks\"", to.empty() ? "<p class=\"soft\">None is known to have leaked.</p>" : to) + "\n";
}

std::string section(std::string_view title, std::string_view content) {
  return tag("section", {}, tag("h2", {}, title) + std::string(content)) + "\n";
}

// For the page's own script and style, and no others.
std::string nonce() {
  std::random_device entropy;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x%08x%08x", entropy(), entropy(), entropy(), entropy());
  return text.data();
}

std::string page(view& all, const view_query& q, const std::string& once) {
  const std::string mine = "nonce=\"" + once + "\"";
  const std::string shown = std::to_string(all.matching()) + " of " + std::to_string(all.total()) + " fibers" +
                            (all.matching() > most_rows ? ", the first " + std::to_string(most_rows) + " shown" : "");
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Fibers</title>\n"
         "<link rel=\"icon\" href=\"data:,\">\n" +
         tag("style", mine, page_style) + "\n</head>\n<body>\n<header><h1>Fibers</h1><span class=\"soft\">" +
         html_escape(runtime::version()) + ", process " + std::to_string(::getpid()) + ", " +
         std::to_string(runtime::max_procs()) +
         " workers</span><span id=\"news\" class=\"soft\" role=\"status\">as of this request</span>"
         "<nav><a href=\"pprof/\">profiles</a><a href=\"pprof/goroutine?debug=2\">stacks</a>"
         "<a href=\"pprof/fibers.json\">fibers.json</a><a href=\"../metrics\">metrics</a></nav></header>\n<main>\n" +
         tag("section", "class=\"top\"", tiles(all) + history()) + "\n" + section("Leaks", leaks(all)) +
         section("All fibers", form_of(q) + table(all, q) + tag("p", "id=\"shown\" class=\"soft\"", shown)) +
         section("By stack", groups(all)) + "</main>\n" + tag("script", mine, page_script) + "\n</body>\n</html>\n";
}

}  // namespace

void serve_fibers_page(response_writer& w, const request& r) {
  const view_query query = view_query::of(parse_query(r.url.raw_query).first);
  view all(query, most_rows);
  const std::string once = nonce();
  w.header().set("Content-Type", "text/html; charset=utf-8");
  w.header().set("Content-Security-Policy",
                 "default-src 'none'; connect-src 'self'; img-src data:; script-src 'nonce-" + once +
                     "'; style-src 'nonce-" + once + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  static_cast<void>(w.write(page(all, query, once)));
}

}  // namespace gossamer::inline v0::http::pprof
