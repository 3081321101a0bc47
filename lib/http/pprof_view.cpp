// pprof_view: see pprof_view.hpp.
#include "http/pprof_view.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "gossamer/time.hpp"
#include "http/ascii.hpp"
#include "http/stable_order.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

// Of `void {anonymous}::f(int)` the `f`.
std::string_view short_name(std::string_view function) noexcept {
  std::size_t end = 0;
  while ((end = function.find('(', end)) != function.npos &&
         (function.substr(0, end).ends_with("operator") || function.substr(end).starts_with("(anonymous"))) {
    ++end;
  }
  function = function.substr(0, end);
  int depth = 0;
  for (std::size_t i = function.size(); i > 0; --i) {
    const char c = function[i - 1];
    depth += c == '>' ? 1 : c == '<' ? -1 : 0;
    if (c == ' ' && depth == 0 && !function.substr(0, i - 1).ends_with("(anonymous")) {
      function.remove_prefix(i);
      break;
    }
  }
  for (const std::string_view space : {"gossamer::v0::", "{anonymous}::", "(anonymous namespace)::"}) {
    function.remove_prefix(function.starts_with(space) ? space.size() : 0);
  }
  return function;
}

// `f x.cpp:7`, for the table; the stack below has it whole.
std::string short_place(std::string_view function, std::string_view file, long line) {
  std::string to(short_name(function));
  if (const std::string_view base = file.substr(file.rfind('/') + 1); !base.empty()) {
    ((to += to.empty() ? "" : " ") += base) += line > 0 ? ":" + std::to_string(line) : "";
  }
  return to;
}

std::string text_of_line(const debug::source_line& l) {
  std::string to = l.function.empty() ? "(unknown)" : l.function;
  if (!l.file.empty()) {
    (to += ' ') += l.file;
    to += l.line > 0 ? ":" + std::to_string(l.line) : std::string();
  }
  return to;
}

bool has_text(std::string_view all, std::string_view part) noexcept {
  return std::ranges::search(all, part, [](char a, char b) { return lower(a) == lower(b); }).begin() != all.end() ||
         part.empty();
}

using ordering = bool (*)(const row& a, const row& b);

ordering order_of(std::string_view sort) noexcept {
  if (sort == "id") {
    return [](const row& a, const row& b) { return a.fiber->id < b.fiber->id; };
  }
  if (sort == "name") {
    return [](const row& a, const row& b) {
      return std::tie(a.fiber->name, a.fiber->id) < std::tie(b.fiber->name, b.fiber->id);
    };
  }
  if (sort == "state") {
    return [](const row& a, const row& b) {
      const std::string_view x = state_of(*a.fiber);
      const std::string_view y = state_of(*b.fiber);
      return x != y ? x < y : a.fiber->id < b.fiber->id;
    };
  }
  return [](const row& a, const row& b) {
    const bool x = a.fiber->state == runtime::status::waiting;
    const bool y = b.fiber->state == runtime::status::waiting;
    return x != y ? x : std::tie(a.fiber->wait_start, a.fiber->id) < std::tie(b.fiber->wait_start, b.fiber->id);
  };
}

}  // namespace

const places::place& places::at(const void* address) {
  const auto [it, is_new] = known_.try_emplace(address);
  if (is_new) {
    for (const debug::source_line& l : debug::lines_of(address)) {
      const std::string text = text_of_line(l);
      if (it->second.all.empty()) {
        it->second.first = short_place(l.function, l.file, l.line);
      }
      (it->second.all += text) += '\n';
    }
  }
  return it->second;
}

view_query view_query::of(const values& query) {
  view_query q;
  q.text = query.get("q");
  q.state = query.get("state");
  q.min_wait = query.get("min");
  if (const std::string_view sort = query.get("sort"); !sort.empty()) {
    q.sort = sort;
  }
  if (const auto [d, err] = time::parse_duration(q.min_wait); !err) {
    q.least = d;
  }
  return q;
}

std::string_view status_of(const debug::fiber_info& f) noexcept {
  constexpr std::array<std::string_view, 4> names{"runnable", "running", "syscall", "waiting"};
  return names[static_cast<std::size_t>(f.state)];
}

std::string_view state_of(const debug::fiber_info& f) noexcept {
  return f.state == runtime::status::waiting ? f.reason : status_of(f);
}

std::string text_of(const debug::object_info& o) {
  if (o.address == nullptr) {
    return {};
  }
  std::string to(o.kind);
  if (!o.name.empty()) {
    ((to += " \"") += o.name) += '"';
  }
  if (!o.known) {
    return to;
  }
  if (o.kind == "chan") {
    to += " " + std::to_string(o.len) + "/" + std::to_string(o.cap) + (o.closed ? ", closed" : "");
  } else if (o.readers > 0) {
    to += " held by " + std::to_string(o.readers) + (o.readers == 1 ? " reader" : " readers");
  }
  return to;
}

view::view(const view_query& query, std::size_t most_rows)
    : fibers_(debug::fibers({.stacks = true})), leaks_(leak::report()) {
  for (const leak::group& g : leaks_.groups) {
    for (const std::uint64_t id : g.fibers) {
      group_of_[id] = &g;
    }
  }
  for (const debug::fiber_info& f : fibers_) {
    if (row r = row_of(f); matches(r, query)) {
      rows_.push_back(std::move(r));
    }
  }
  matching_ = rows_.size();
  std::ranges::sort(rows_, order_of(query.sort));
  rows_.resize(std::min(rows_.size(), most_rows));
}

row view::row_of(const debug::fiber_info& f) {
  row r;
  r.fiber = &f;
  if (const auto it = group_of_.find(f.id); it != group_of_.end()) {
    r.group = it->second;
  }
  if (f.where.line() != 0) {
    r.at = short_place(f.where.function_name(), f.where.file_name(), static_cast<long>(f.where.line()));
  } else if (!f.stack.empty()) {
    r.at = places_.first_of(f.stack.front());
  }
  if (f.spawn_site != nullptr) {
    r.spawned_at = places_.first_of(f.spawn_site);
  }
  return r;
}

bool view::matches(const row& r, const view_query& query) {
  const debug::fiber_info& f = *r.fiber;
  if ((!query.state.empty() && status_of(f) != query.state) || (query.least.count() > 0 && f.waited() < query.least)) {
    return false;
  }
  std::string all = std::to_string(f.id) + "\n" + f.name + "\n";
  ((all += state_of(f)) += '\n') += r.at + "\n" + r.spawned_at + "\n" + text_of(f.object);
  for (const auto& [key, value] : f.labels) {
    all += "\n" + key + "=" + value;
  }
  return has_text(all, query.text);
}

std::size_t view::count_of(std::string_view status) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fibers_, [&](const debug::fiber_info& f) { return status_of(f) == status; }));
}

std::string_view view::name_of(std::uint64_t id) const noexcept {
  const auto it = std::ranges::lower_bound(fibers_, id, {}, &debug::fiber_info::id);
  return it != fibers_.end() && it->id == id ? std::string_view(it->name) : std::string_view();
}

view::groups view::by_stack() const {
  std::map<std::pair<std::string_view, std::vector<const void*>>, stack_group> all;
  for (const debug::fiber_info& f : fibers_) {
    stack_group& g = all[{state_of(f), f.stack}];
    ++g.count;
    g.oldest = std::max(g.oldest, f.waited());
    g.elided = f.elided;
    g.status = status_of(f);
    g.state = state_of(f);
  }
  groups sorted;
  for (auto& [key, g] : all) {
    sorted.emplace_back(key.second, g);
  }
  sort_in_order(sorted, [](const auto& g) { return g.second.count; }, std::ranges::greater());
  return sorted;
}

std::string view::lines_of(const std::vector<const void*>& stack, std::size_t elided) {
  std::string to;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (elided > 0 && i == stack.size() / 2) {
      to += "... " + std::to_string(elided) + " frames are left out\n";
    }
    to += places_.all_of(stack[i]);
  }
  return to;
}

}  // namespace gossamer::inline v0::http::pprof
