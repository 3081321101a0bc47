// leak_report: who is alive, in groups. See gossamer/leak.hpp.
#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/fatal.hpp"
#include "debug/leak_judge.hpp"
#include "debug/snapshot.hpp"
#include "fiber/report_hook.hpp"
#include "gossamer/detail/text.hpp"
#include "gossamer/leak.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0 {

namespace leak {

namespace {

using debug::fiber_info;
using runtime::status;

std::string age(std::chrono::nanoseconds wait) {
  using namespace std::chrono_literals;
  std::string s;
  if (wait < 10s) {
    gossamer::detail::append_text(s, std::chrono::floor<std::chrono::milliseconds>(wait));
  } else {
    gossamer::detail::append_text(s, std::chrono::floor<std::chrono::seconds>(wait));
  }
  return s;
}

std::string_view state_of(const fiber_info& info) noexcept {
  constexpr std::array<std::string_view, 4> words{"runnable", "running", "syscall", "waiting"};
  return info.state == status::waiting && !info.reason.empty() ? info.reason
                                                               : words[static_cast<std::size_t>(info.state)];
}

std::string counted(std::size_t n) { return std::to_string(n) + (n == 1 ? " fiber" : " fibers"); }

findings report_from(const void* callers_frame) {
  const lost_fibers lost = find_lost_fibers(callers_frame);
  frames::names names;
  std::vector<fiber_info> all = debug::fibers();
  find_callers(all);
  const judgements verdicts = judge(all, lost, names);
  leave_who_counts(all);
  return findings_of(all, verdicts, names);
}

bool is_before(const group& a, const group& b) {
  // The last two for groups that are alike otherwise: the same order each time.
  return std::make_tuple(b.level, b.fibers.size(), b.oldest_wait.count(), a.spawned_at, a.blocked_at) <
         std::make_tuple(a.level, a.fibers.size(), a.oldest_wait.count(), b.spawned_at, b.blocked_at);
}

std::string name_of(const cycle_link& link) {
  return "fiber " + std::to_string(link.fiber) + (link.name.empty() ? "" : " \"" + link.name + "\"");
}

// Whom one of the lost leads to: who has what it waits on, who has what that one waits on, and so on.
std::vector<std::uint64_t> holders_of(std::uint64_t id, const judgements& verdicts) {
  constexpr std::size_t most = 8;
  std::vector<std::uint64_t> all;
  for (auto at = verdicts.of.find(id); at != verdicts.of.end() && at->second.holder != 0 && all.size() < most;
       at = verdicts.of.find(all.back())) {
    const std::uint64_t next = at->second.holder;
    if (next == id || std::find(all.begin(), all.end(), next) != all.end()) {
      break;
    }
    all.push_back(next);
  }
  return all;
}

}  // namespace

std::string_view text(verdict v) noexcept {
  constexpr std::array<std::string_view, 4> words{"none", "suspected", "likely", "proven"};
  const auto i = static_cast<std::size_t>(v);
  return i < words.size() ? words[i] : "none";
}

void leave_who_counts(std::vector<fiber_info>& all) {
  const fiber* const self = sched::this_fiber();
  const std::uint64_t own = self != nullptr ? self->id.load(std::memory_order_relaxed) : 0;  // relaxed: its own
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const fiber_info& f) { return f.is_main || f.id == own || f.name == watch_name; }),
            all.end());
}

findings findings_of(const std::vector<fiber_info>& some, const judgements& verdicts, frames::names& names) {
  findings result;
  result.total = some.size();
  result.unknown = verdicts.unknown;
  std::vector<const fiber_info*> oldest_first;
  for (const fiber_info& info : some) {
    oldest_first.push_back(&info);
  }
  std::sort(oldest_first.begin(), oldest_first.end(), [](const fiber_info* a, const fiber_info* b) {
    const auto place = [](const fiber_info* f) {
      return std::make_tuple(f->state != status::waiting, f->wait_start, f->id);
    };
    return place(a) < place(b);
  });
  std::map<std::tuple<std::string, std::string, std::string_view, std::string, verdict, std::string_view>, group>
      groups;
  for (const fiber_info* info : oldest_first) {
    const machine::source_line* const site =
        info->spawn_site != nullptr ? &frames::spawner(info->spawn_site, names) : nullptr;
    std::string by = site != nullptr ? site->function : std::string();
    std::string at =
        site == nullptr ? std::string() : site->file + (site->line > 0 ? ":" + std::to_string(site->line) : "");
    std::string blocked_at =
        info->state == status::waiting ? frames::blocked_at(info->where, info->stack, names) : std::string();
    const std::chrono::nanoseconds waited = debug::waited_until(verdicts.at, *info);
    const auto judged = verdicts.of.find(info->id);
    const judgement said = judged != verdicts.of.end() ? judged->second : judgement();
    group& g = groups[{by, at, state_of(*info), blocked_at, said.level, said.why}];
    if (g.fibers.empty()) {
      g = {std::move(by), std::move(at),         std::string(state_of(*info)),  std::move(blocked_at), {}, waited, {},
           said.level,    std::string(said.why), holders_of(info->id, verdicts)};
    }
    g.fibers.push_back(info->id);
    g.youngest_wait = std::min(waited, g.oldest_wait);
  }
  for (auto& [key, g] : groups) {
    result.groups.push_back(std::move(g));
  }
  std::sort(result.groups.begin(), result.groups.end(), is_before);
  for (const cycle& c : verdicts.cycles) {
    if (std::any_of(c.begin(), c.end(), [&](const cycle_link& link) {
          return std::any_of(some.begin(), some.end(), [&](const fiber_info& f) { return f.id == link.fiber; });
        })) {
      result.cycles.push_back(c);
    }
  }
  return result;
}

std::string text_of(const group& g) {
  std::string s = counted(g.fibers.size()) + " [" + g.state;
  if (!g.blocked_at.empty()) {
    s += ", " + (age(g.youngest_wait) == age(g.oldest_wait) ? "" : age(g.youngest_wait) + " to ") + age(g.oldest_wait);
  }
  s += g.level != verdict::none ? "]: " + std::string(text(g.level)) + " leaked: " + g.why + "\n" : "]\n";
  s += g.blocked_at.empty() ? "" : "\tblocked at " + g.blocked_at + "\n";
  if (!g.spawned_by.empty() || !g.spawned_at.empty()) {
    s += "\tspawned by " + (g.spawned_by.empty() ? "(unknown)" : g.spawned_by) + " at " + g.spawned_at + "\n";
  }
  s += g.fibers.size() == 1 ? "\tfiber " : "\tfibers ";
  for (std::size_t i = 0; i < g.fibers.size(); ++i) {
    s += (i > 0 ? ", " : "") + std::to_string(g.fibers[i]);
  }
  s += "\n";
  std::uint64_t waits = g.fibers.empty() ? 0 : g.fibers.front();
  for (const std::uint64_t has_it : g.holders) {
    s += "\twhat fiber " + std::to_string(waits) + " waits on only the lost refer to, as fiber " +
         std::to_string(has_it) + " does\n";
    waits = has_it;
  }
  return s;
}

std::string text_of(const cycle& c) {
  const std::string what = c.size() == 1 ? "a mutex is locked twice" : "cycle of " + counted(c.size());
  std::string s = what + ", if who locks a mutex unlocks it:\n";
  for (std::size_t i = 0; i < c.size(); ++i) {
    s += "\t" + name_of(c[i]) + " waits at " + c[i].blocked_at + " for the mutex " +
         frames::hex(reinterpret_cast<std::uintptr_t>(c[i].mutex)) + " of " + name_of(c[(i + 1) % c.size()]) + "\n";
  }
  return s;
}

std::string unknown_text(const findings& f) {
  return "memory was not looked through for who is lost: " + f.unknown + "\n";
}

std::string findings::text() const {
  std::string s = counted(total) + (total == 1 ? " is alive\n" : " are alive\n");
  for (const group& g : groups) {
    s += text_of(g);
  }
  for (const cycle& c : cycles) {
    s += text_of(c);
  }
  if (total > 0 && !unknown.empty()) {
    s += unknown_text(*this);
  }
  return s;
}

[[gnu::noinline]] findings report() {
  GOSSAMER_SAVE_REGISTERS();
  findings found = debug::in_signal_handler() ? findings() : report_from(GOSSAMER_CALLERS_FRAME());
  GOSSAMER_KEEP_FRAME();
  return found;
}

findings report_when_main_has_returned() { return report_from(nullptr); }

}  // namespace leak

void hook::report_leaks() noexcept {
  try {
    if (!leak::verify_none()) {
      return;
    }
    // The last one may have ended since.
    if (const leak::findings left = leak::report_when_main_has_returned(); left.total > 0) {
      base::print_error("gossamer: main has returned\n" + left.text());
    }
  } catch (...) {
    base::print_error("gossamer: no memory for a report of leaks\n");
  }
}

}  // namespace gossamer::inline v0
