// pprof_view: what the page shows: the fibers that it was asked for, in order, and all of them by their stacks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gossamer/debug.hpp"
#include "gossamer/http/values.hpp"
#include "gossamer/leak.hpp"

namespace gossamer::inline v0::http::pprof {

// What addresses of code are, each looked up once.
class places {
 public:
  // `f x.cpp:7`, of what was inlined last; a line for each that was inlined there, in full.
  const std::string& first_of(const void* address) { return at(address).first; }
  const std::string& all_of(const void* address) { return at(address).all; }

 private:
  struct place {
    std::string first, all;
  };
  const place& at(const void* address);
  std::unordered_map<const void*, place> known_;
};

// What the page was asked for.
struct view_query {
  std::string text;   // is part of what a row says, without regard to case
  std::string state;  // empty: any
  std::string min_wait;
  std::string sort = "wait";  // or id, name, state
  std::chrono::nanoseconds least{0};

  static view_query of(const values& query);
};

struct row {
  const debug::fiber_info* fiber = nullptr;
  const leak::group* group = nullptr;  // null for main, and who was spawned meanwhile
  std::string at;                      // where it is: `f x.cpp:7`
  std::string spawned_at;
};

struct stack_group {
  std::size_t count = 0;
  std::size_t elided = 0;   // frames that the stack lacks in its middle
  std::string_view status;  // status_of(), state_of()
  std::string_view state;
  std::chrono::nanoseconds oldest{0};
};

// `chan receive`, `running`, …
std::string_view state_of(const debug::fiber_info& f) noexcept;
// `running`, `runnable`, `syscall`, `waiting`.
std::string_view status_of(const debug::fiber_info& f) noexcept;
// `chan "jobs" 3/8, closed`, `sync.Mutex held by fiber 7`; empty for none.
std::string text_of(const debug::object_info& o);

class view {
 public:
  view(const view_query& query, std::size_t most_rows);
  view(const view&) = delete;
  view& operator=(const view&) = delete;

  // At most most_rows; how many the query lets through.
  const std::vector<row>& rows() const noexcept { return rows_; }
  std::size_t matching() const noexcept { return matching_; }
  std::size_t total() const noexcept { return fibers_.size(); }
  std::size_t count_of(std::string_view status) const noexcept;
  // Empty where it has none.
  std::string_view name_of(std::uint64_t id) const noexcept;
  const leak::findings& leaks() const noexcept { return leaks_; }
  // By state and stack, the largest first.
  using groups = std::vector<std::pair<std::vector<const void*>, stack_group>>;
  groups by_stack() const;
  std::string place_of(const std::vector<const void*>& stack) {
    return stack.empty() ? std::string() : places_.first_of(stack.front());
  }
  std::string lines_of(const std::vector<const void*>& stack, std::size_t elided);

 private:
  row row_of(const debug::fiber_info& f);
  static bool matches(const row& r, const view_query& query);

  std::vector<debug::fiber_info> fibers_;
  leak::findings leaks_;
  std::unordered_map<std::uint64_t, const leak::group*> group_of_;
  places places_;
  std::vector<row> rows_;
  std::size_t matching_ = 0;
};

}  // namespace gossamer::inline v0::http::pprof
