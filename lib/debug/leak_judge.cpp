// leak_judge: see leak_judge.hpp.
#include "debug/leak_judge.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "debug/leak_waits.hpp"
#include "fiber/reason.hpp"

namespace gossamer::inline v0::leak {

namespace {

using debug::fiber_info;
using fibers_by_id = std::unordered_map<std::uint64_t, const fiber_info*>;

bool can_never_end(const fiber_info& info) noexcept {
  return info.state == runtime::status::waiting && (info.reason == gossamer::text(wait_reason::chan_receive_nil) ||
                                                    info.reason == gossamer::text(wait_reason::chan_send_nil) ||
                                                    info.reason == gossamer::text(wait_reason::select_no_cases));
}

bool is_mutex(const debug::object_info& o) noexcept { return o.kind == "sync.Mutex" || o.kind == "sync.RWMutex"; }

bool waits_for_mutex(const fiber_info& info) noexcept {
  return info.state == runtime::status::waiting && info.object.address != nullptr && is_mutex(info.object);
}

// What nothing reaches that can still run.
std::string_view why_lost(const fiber_info& info) noexcept {
  const auto waits_in = [&](wait_reason r) { return info.reason == gossamer::text(r); };
  if (waits_in(wait_reason::select)) {
    return "nothing that can still run reaches one of the channels";
  }
  if (info.object.kind == "chan") {
    return "nothing that can still run reaches the channel";
  }
  if (is_mutex(info.object)) {
    return "nothing that can still run reaches the mutex";
  }
  if (waits_in(wait_reason::wait_group_wait)) {
    return "nothing that can still run reaches the wait group";
  }
  if (waits_in(wait_reason::cond_wait)) {
    return "nothing that can still run reaches the condition";
  }
  return "nothing that can still run reaches what it waits on";
}

// ---- mutexes --------------------------------------------------------------------------------------------------------

// Whether it still waits for the same, and the same fiber has it.
bool still_waits(const fiber_info& before) {
  debug::filter one;
  one.id = before.id;
  const std::vector<fiber_info> now = debug::fibers(one);
  return now.size() == 1 && now[0].state == before.state && now[0].wait_start == before.wait_start &&
         now[0].object.address == before.object.address && now[0].object.owner == before.object.owner;
}

void judge_mutexes(const std::vector<std::uint64_t>& waits, const fibers_by_id& known, frames::names& names,
                   judgements& to) {
  std::map<std::uint64_t, const fiber_info*> blocked;  // each waits for the one that its mutex belongs to
  for (const std::uint64_t id : waits) {
    const fiber_info& info = *known.at(id);
    if (info.object.owner != 0) {
      blocked[id] = &info;
    }
  }
  std::map<std::uint64_t, std::uint64_t> seen_from;  // who was passed on the way from whom
  for (const auto& [start, unused] : blocked) {
    std::uint64_t id = start;
    while (blocked.count(id) != 0 && seen_from.emplace(id, start).second) {
      id = blocked[id]->object.owner;
    }
    if (blocked.count(id) == 0 || seen_from[id] != start) {
      continue;  // it ends at one that is not blocked so, or joins a way that is known
    }
    cycle found;
    bool holds = true;
    for (std::uint64_t at = id; holds && (found.empty() || at != id); at = blocked[at]->object.owner) {
      const fiber_info& info = *blocked[at];
      holds = still_waits(info);
      found.push_back(
          {at, info.name, info.where, info.object.address, frames::blocked_at(info.where, info.stack, names)});
    }
    if (holds) {
      to.cycles.push_back(std::move(found));
    }
  }
}

}  // namespace

void find_callers(std::vector<fiber_info>& all) {
  debug::filter some;
  some.stacks = true;
  const auto is_wanted = [](const fiber_info& f) {
    return f.state == runtime::status::waiting && f.stack.empty() && frames::is_in_system_header(f.where);
  };
  for (const fiber_info& f : all) {
    if (is_wanted(f)) {
      some.ids.push_back(f.id);
    }
  }
  if (some.ids.empty()) {
    return;
  }
  std::vector<fiber_info> with_stacks = debug::fibers(some);
  auto next = with_stacks.begin();
  for (fiber_info& f : all) {  // both by id
    next = std::find_if(next, with_stacks.end(), [&](const fiber_info& other) { return other.id >= f.id; });
    if (next != with_stacks.end() && next->id == f.id && next->wait_start == f.wait_start) {
      f.stack = std::move(next->stack);
    }
  }
}

judgements judge(const std::vector<fiber_info>& all, const lost_fibers& lost, frames::names& names) {
  judgements found;
  found.unknown = lost.unknown;
  found.at = lost.at;
  fibers_by_id known;
  std::vector<const fiber_info*> to_look_at;
  for (const fiber_info& info : all) {
    known[info.id] = &info;
    if (can_never_end(info)) {
      found.of[info.id] = {verdict::proven, "nothing can ever wake it"};
    } else if (const lost_fiber* const l = lost.find(info.id); l != nullptr || info.leaked) {
      found.of[info.id] = {verdict::proven, why_lost(info), l != nullptr ? l->holder : 0};
    }
    if (waits_for_mutex(info)) {
      to_look_at.push_back(&info);
    }
  }
  judge_mutexes(endless_waits(to_look_at), known, names, found);
  return found;
}

}  // namespace gossamer::inline v0::leak
