// leak_verify: the check for tests. See gossamer/leak.hpp.
// Source: goleak's Find and its retry.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "debug/format.hpp"
#include "debug/leak_judge.hpp"
#include "debug/snapshot.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/leak.hpp"
#include "gossamer/time.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::leak {

namespace {

using debug::fiber_info;

constexpr std::string_view scope_label = "leak.scope";
constexpr std::chrono::nanoseconds first_delay = std::chrono::microseconds(1);
constexpr std::chrono::nanoseconds first_search = std::chrono::milliseconds(4);  // the delay from which on it pays
constexpr std::chrono::nanoseconds longest_delay = std::chrono::milliseconds(100);

std::uint64_t own_id() noexcept {
  const fiber* const self = sched::this_fiber();
  return self != nullptr ? self->id.load(std::memory_order_relaxed) : 0;  // relaxed: its own
}

std::string_view scope_of(const debug::labels& all) noexcept {
  const auto found = std::find_if(all.begin(), all.end(), [](const auto& label) { return label.first == scope_label; });
  return found != all.end() ? std::string_view(found->second) : std::string_view();
}

// Those around it, and a number of its own: `3/7`.
std::string new_scope() {
  static constinit std::atomic<std::uint64_t> last{0};
  const debug::labels around = debug::current_labels();
  const std::string outer(scope_of(around));
  // relaxed: a number, which publishes nothing.
  return (outer.empty() ? "" : outer + "/") + std::to_string(last.fetch_add(1, std::memory_order_relaxed) + 1);
}

bool is_within(std::string_view scope, std::string_view outer) noexcept {
  return scope.substr(0, outer.size()) == outer && (scope.size() == outer.size() || scope[outer.size()] == '/');
}

// Leaves those that the snapshot's maker answers for.
void keep_own(std::vector<fiber_info>& all, const snapshot& since) {
  std::vector<std::uint64_t> own;  // sorted
  const auto is_own = [&](std::uint64_t id) { return std::binary_search(own.begin(), own.end(), id); };
  for (bool more = true; more;) {  // a child may stand before its parent
    more = false;
    for (const fiber_info& f : all) {
      if (!is_own(f.id) && (is_within(scope_of(f.labels), since.scope()) || is_own(f.parent) ||
                            (f.parent != 0 && f.parent == since.maker()))) {
        own.insert(std::upper_bound(own.begin(), own.end(), f.id), f.id);
        more = true;
      }
    }
  }
  all.erase(std::remove_if(all.begin(), all.end(), [&](const fiber_info& f) { return !is_own(f.id); }), all.end());
}

bool is_in(const std::string& part, std::string_view text) noexcept {
  return !part.empty() && text.find(part) != text.npos;
}

bool is_ignored(const fiber_info& f, const options& how, frames::names& names) {
  const auto any = [](const std::vector<std::string>& all, auto matches) {
    return std::any_of(all.begin(), all.end(), matches);
  };
  if (any(how.names, [&](const std::string& n) { return !n.empty() && n == f.name; })) {
    return true;
  }
  if (!how.spawn_sites.empty() && f.spawn_site != nullptr) {
    const machine::source_line& l = frames::spawner(f.spawn_site, names);
    const std::string site = l.function + " " + l.file + ":" + std::to_string(l.line);
    if (any(how.spawn_sites, [&](const std::string& part) { return is_in(part, site); })) {
      return true;
    }
  }
  return any(how.functions, [&](const std::string& part) {
    return std::any_of(f.stack.begin(), f.stack.end(), [&](const void* address) {
      const auto has_it = [&](const machine::source_line& l) { return is_in(part, l.function); };
      const auto& lines = names.of(address);
      const auto& shown = names.shown(address);
      return std::any_of(lines.begin(), lines.end(), has_it) || std::any_of(shown.begin(), shown.end(), has_it);
    });
  });
}

std::vector<fiber_info> all_fibers(bool stacks) {
  debug::filter all;
  all.stacks = stacks;
  return debug::fibers(all);
}

// Whether it may be anybody's: it runs, and shows no labels where its thread has no CPU to do so.
bool is_unread(const fiber_info& f) noexcept { return f.state == runtime::status::running && f.labels.empty(); }

struct remaining {
  std::vector<fiber_info> leaked;
  bool is_sure = true;  // there is nobody else of whom it is not known whose he is
};

// Those of a snapshot that should not be there.
remaining remaining_of(std::vector<fiber_info> all, const options& how, frames::names& names) {
  leave_who_counts(all);
  bool is_sure = true;
  if (how.since != nullptr) {
    all.erase(std::remove_if(all.begin(), all.end(), [&](const fiber_info& f) { return how.since->has(f.id); }),
              all.end());
    if (!how.by_anyone) {
      is_sure = std::none_of(all.begin(), all.end(), is_unread);
      keep_own(all, *how.since);
    }
  }
  all.erase(std::remove_if(all.begin(), all.end(), [&](const fiber_info& f) { return is_ignored(f, how, names); }),
            all.end());
  return {std::move(all), is_sure};
}

// The stack of each group's first fiber stands behind the group.
std::string describe(const std::vector<fiber_info>& left, const options& how, const judgements& verdicts,
                     frames::names& names, bool patiently) {
  const findings found = findings_of(left, verdicts, names);
  std::string s = "leak: " + std::to_string(found.total) + (found.total == 1 ? " fiber is" : " fibers are") + " alive";
  if (patiently) {
    s += " after " + time::text(how.patience);
  }
  s += "\n";
  for (const group& g : found.groups) {
    s += text_of(g) + "\n";
    const auto first =
        std::find_if(left.begin(), left.end(), [&](const fiber_info& f) { return f.id == g.fibers.front(); });
    s += debug::text_of(*first, names) + "\n";
  }
  for (const cycle& c : found.cycles) {
    s += text_of(c);
  }
  if (!found.unknown.empty()) {
    s += unknown_text(found);
  }
  while (!s.empty() && s.back() == '\n') {
    s.pop_back();  // as the text of any error
  }
  return s;
}

}  // namespace

snapshot::snapshot() : maker_(own_id()), scope_(new_scope()), mark_({{std::string(scope_label), scope_}}) {
  for (const fiber_info& f : debug::fibers()) {
    ids_.push_back(f.id);
  }
}

bool snapshot::has(std::uint64_t id) const noexcept { return std::binary_search(ids_.begin(), ids_.end(), id); }

namespace {

// What a look found. It keeps nothing of the fibers: a copy of what they wait on would be a way to it.
enum class look : std::uint8_t { none, all_lost, some };

[[gnu::noinline]] look look_once(const options& how, const lost_fibers& lost, frames::names& names) {
  const remaining now = remaining_of(all_fibers(!how.functions.empty()), how, names);
  if (now.leaked.empty() && now.is_sure) {
    return look::none;
  }
  const auto is_lost = [&](const fiber_info& f) { return f.leaked || lost.find(f.id) != nullptr; };
  return now.is_sure && std::all_of(now.leaked.begin(), now.leaked.end(), is_lost) ? look::all_lost : look::some;
}

error verify(const options& how, const void* callers_frame) {
  frames::names names;
  const gossamer::detail::deadline until =
      gossamer::detail::after(gossamer::detail::now(), std::max(how.patience, std::chrono::nanoseconds(0)));
  lost_fibers lost;
  look found = look::some;
  bool is_over = false;
  for (std::chrono::nanoseconds delay = first_delay;; delay = std::min(2 * delay, longest_delay)) {
    found = look_once(how, lost, names);
    if (found == look::none) {
      return nullptr;
    }
    const std::chrono::nanoseconds left(until - gossamer::detail::now());
    is_over = left <= std::chrono::nanoseconds(0);
    if (is_over || found == look::all_lost) {
      break;
    }
    time::sleep(std::min(delay, left));
    if (delay >= first_search) {
      lost = find_lost_fibers(callers_frame);
    }
  }
  if (found != look::all_lost) {
    lost = find_lost_fibers(callers_frame);
  }
  const bool patiently = is_over && how.patience > std::chrono::nanoseconds(0);
  const std::vector<fiber_info> all = all_fibers(true);
  const std::vector<fiber_info> left = remaining_of(all, how, names).leaked;
  if (left.empty()) {
    return nullptr;
  }
  return errors::make(describe(left, how, judge(all, lost, names), names, patiently));
}

}  // namespace

[[gnu::noinline]] error verify_none(const options& how) {
  GOSSAMER_SAVE_REGISTERS();
  error found = debug::in_signal_handler() ? errors::make("leak: verify_none called in a signal handler")
                                           : verify(how, GOSSAMER_CALLERS_FRAME());
  GOSSAMER_KEEP_FRAME();
  return found;
}

}  // namespace gossamer::inline v0::leak
