// pprof_leaks: what leak::report() says, as answers.
#include "gossamer/leak.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "http/pprof_fibers.hpp"
#include "http/pprof_profiles.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

std::string json_text(std::string_view text) {
  std::string to = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (to += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      to += code;
    } else {
      to += c;
    }
  }
  return to += '"';
}

// {"total": N, "groups": [{"level": "proven", "why": "...", "state": "...", "spawned_by": "...", "spawned_at": "...",
// "blocked_at": "...", "oldest_wait_ns": N, "fibers": [7, ...]}, ...], "cycles": [[7, 8], ...]}
std::string json_of(const leak::findings& found) {
  std::string to = "{\"total\": " + std::to_string(found.total) + ",\n\"groups\": [";
  std::string_view before = "\n";
  for (const leak::group& g : found.groups) {
    (to += before) += "{\"level\": " + json_text(leak::text(g.level)) + ", \"why\": " + json_text(g.why);
    to += ", \"state\": " + json_text(g.state) + ", \"spawned_by\": " + json_text(g.spawned_by);
    to += ", \"spawned_at\": " + json_text(g.spawned_at) + ", \"blocked_at\": " + json_text(g.blocked_at);
    to += ", \"oldest_wait_ns\": " + std::to_string(g.oldest_wait.count()) + ", \"fibers\": [";
    std::string_view comma;
    for (const std::uint64_t id : g.fibers) {
      (to += comma) += std::to_string(id);
      comma = ", ";
    }
    to += "]}";
    before = ",\n";
  }
  to += "],\n\"cycles\": [";
  before = "\n";
  for (const leak::cycle& c : found.cycles) {
    (to += before) += "[";
    std::string_view comma;
    for (const leak::cycle_link& l : c) {
      (to += comma) += std::to_string(l.fiber);
      comma = ", ";
    }
    to += "]";
    before = ",\n";
  }
  return to += "]}\n";
}

}  // namespace

void serve_leaks(const profile_kind&, response_writer& w, request& r) {
  const bool json = query_value(r, "format") == "json";
  w.header().set("Content-Type", json ? "application/json" : "text/plain; charset=utf-8");
  const leak::findings found = leak::report();
  static_cast<void>(w.write(json ? json_of(found) : found.text()));
}

void serve_goroutineleak(const profile_kind& self, response_writer& w, request& r) {
  std::vector<std::uint64_t> leaked;
  for (const leak::group& g : leak::report().groups) {
    if (g.level >= leak::verdict::likely) {
      leaked.insert(leaked.end(), g.fibers.begin(), g.fibers.end());
    }
  }
  if (leaked.empty()) {
    leaked.push_back(0);  // nobody's
  }
  serve_stacks(self.name, w, r, {.ids = leaked});
}

}  // namespace gossamer::inline v0::http::pprof
