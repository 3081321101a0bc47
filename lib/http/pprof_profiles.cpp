// pprof_profiles: see pprof_profiles.hpp.
#include "http/pprof_profiles.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "gossamer/debug.hpp"
#include "gossamer/http/respond.hpp"
#include "gossamer/http/values.hpp"
#include "gossamer/os/file.hpp"
#include "gossamer/time.hpp"
#include "http/pprof_fibers.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& n) noexcept {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  return problem == std::errc() && end == text.data() + text.size();
}

// Its error is the client's: nobody is there any more who could be told.
void send_dump(response_writer& w, debug::format how, const debug::filter& which) {
  static_cast<void>(debug::dump([&w](std::string_view piece) { return w.write(piece).second; }, how, which));
}

void serve_fibers(const profile_kind& self, response_writer& w, request& r) { serve_stacks(self.name, w, r, {}); }

void serve_folded(const profile_kind&, response_writer& w, request&) {
  w.header().set("Content-Type", "text/plain; charset=utf-8");
  send_dump(w, debug::format::folded, {});
}

// False if it has been refused. Views in `to` are of `query`.
bool read_filter(const values& query, response_writer& w, debug::filter& to) {
  using runtime::status;
  constexpr std::array<std::pair<std::string_view, status>, 4> states{{{"runnable", status::runnable},
                                                                       {"running", status::running},
                                                                       {"syscall", status::syscall},
                                                                       {"waiting", status::waiting}}};
  if (const std::string_view state = query.get("state"); !state.empty()) {
    const auto* const it = std::ranges::find(states, state, &std::pair<std::string_view, status>::first);
    if (it == states.end()) {
      refuse(w, "invalid value for \"state\" - must be runnable, running, syscall or waiting", status_bad_request);
      return false;
    }
    to.state = it->second;
  }
  if (const std::string_view id = query.get("id"); !id.empty() && !read_number(id, to.id)) {
    refuse(w, "invalid value for \"id\" - must be a number", status_bad_request);
    return false;
  }
  if (const std::string_view wait = query.get("min_wait"); !wait.empty()) {
    const auto [d, err] = time::parse_duration(wait);
    if (err) {
      refuse(w, "invalid value for \"min_wait\" - must be a duration, such as 1.5s", status_bad_request);
      return false;
    }
    to.min_wait = d;
  }
  if (const std::string_view leaked = query.get("leaked"); !leaked.empty() && leaked != "true") {
    refuse(w, "invalid value for \"leaked\" - must be true", status_bad_request);
    return false;
  } else {
    to.leaked = !leaked.empty();
  }
  to.reason = query.get("reason");
  to.name = query.get("name");
  return true;
}

void serve_json(const profile_kind&, response_writer& w, request& r) {
  const values query = parse_query(r.url.raw_query).first;
  debug::filter which;
  if (read_filter(query, w, which)) {
    w.header().set("Content-Type", "application/json");
    send_dump(w, debug::format::json, which);
  }
}

void serve_cmdline(const profile_kind&, response_writer& w, request&) {
  auto [text, err] = os::read_file("/proc/self/cmdline");
  if (err) {
    refuse(w, err.text(), status_internal_server_error);
    return;
  }
  if (text.ends_with('\0')) {
    text.pop_back();
  }
  w.header().set("Content-Type", "text/plain; charset=utf-8");
  static_cast<void>(w.write(text));
}

constexpr std::array<profile_kind, 7> all{{
    {"cmdline", "The command line of this program; a NUL stands between the arguments", serve_cmdline},
    {"fiber", "Where all fibers are. With debug=1 each distinct stack, counted; with debug=2 each fiber", serve_fibers},
    {"fibers.folded", "A line for each distinct stack, for flame graphs", serve_folded},
    {"fibers.json", "All that is known of each fiber, and who waits for whom", serve_json},
    {"goroutine", "The same as fiber, by the name that Go's tools ask for", serve_fibers},
    {"goroutineleak", "Where those fibers are that are proven to be lost: nobody can wake them", serve_goroutineleak},
    {"leaks", "What is alive, by where it was spawned and is blocked, with what is known of leaks and cycles",
     serve_leaks},
}};

}  // namespace

void serve_stacks(std::string_view name, response_writer& w, const request& r, const debug::filter& which) {
  int level = 0;
  static_cast<void>(read_number(query_value(r, "debug"), level));
  http::header& fields = w.header();
  if (level == 0) {
    fields.set("Content-Type", "application/octet-stream");
    fields.set("Content-Disposition", "attachment; filename=\"" + std::string(name) + "\"");
    send_dump(w, debug::format::pprof, which);
    return;
  }
  fields.set("Content-Type", "text/plain; charset=utf-8");
  if (level != 1) {
    send_dump(w, debug::format::text, which);
    return;
  }
  bool first = true;
  const auto put = [&](std::string_view piece) -> gossamer::error {
    constexpr std::string_view own_name = "fiber";  // its first word
    if (std::exchange(first, false) && piece.starts_with(own_name)) {
      if (auto [n, err] = w.write(name); err) {
        return err;
      }
      piece.remove_prefix(own_name.size());
    }
    return w.write(piece).second;
  };
  static_cast<void>(debug::dump(put, debug::format::groups, which));
}

std::string query_value(const request& r, std::string_view key) {
  return std::string(parse_query(r.url.raw_query).first.get(key));
}

std::span<const profile_kind> profiles() noexcept { return all; }

void serve_profile(std::string_view name, response_writer& w, request& r) {
  const auto* const it = std::ranges::find(all, name, &profile_kind::name);
  if (it == all.end()) {
    refuse(w, "Unknown profile", status_not_found);
  } else if (!query_value(r, "seconds").empty()) {
    refuse(w, "\"seconds\" parameter is not supported for this profile type", status_bad_request);
  } else {
    it->serve(*it, w, r);
  }
}

void refuse(response_writer& w, std::string_view text, int code) {
  w.header().set("X-Go-Pprof", "1");
  w.header().del("Content-Disposition");
  http::error(w, text, code);
}

}  // namespace gossamer::inline v0::http::pprof
