// leak_judge: see leak_judge.hpp.
#include "debug/leak_judge.hpp"

#include <algorithm>
#include <functional>
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

bool has_rules(const fiber_info& info) noexcept {
  return info.state == runtime::status::waiting && info.object.address != nullptr &&
         (info.reason == gossamer::text(wait_reason::chan_receive) ||
          info.reason == gossamer::text(wait_reason::chan_send) || is_mutex(info.object));
}

// ---- channels -------------------------------------------------------------------------------------------------------

void judge_channels(const std::vector<endless_wait>& waits, const void* callers_frame, judgements& to) {
  struct channel {
    std::size_t references = 0;  // the most that was seen
    std::size_t own = 0;         // in the waiters' closures
    std::vector<const endless_wait*> waits;
  };
  std::map<const void*, channel, std::less<>> channels;
  for (const endless_wait& w : waits) {
    if (w.references > 0) {
      channel& c = channels[w.object];
      c.references = std::max(c.references, w.references);
      c.own += w.in_closure;
      c.waits.push_back(&w);
    }
  }
  std::vector<const void*> candidates;
  for (const auto& [object, c] : channels) {
    // Where there are more words than references, one of them is no handle, and may stand for one elsewhere.
    if (c.own == c.references) {
      candidates.push_back(object);
    }
  }
  const std::vector<const void*> elsewhere = referred_to_elsewhere(candidates, callers_frame);
  for (const void* object : candidates) {
    if (std::binary_search(elsewhere.begin(), elsewhere.end(), object, std::less<>())) {
      continue;
    }
    for (const endless_wait* w : channels[object].waits) {
      to.of[w->id] = {verdict::likely, "nobody else has a handle of the channel"};
    }
  }
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

void judge_mutexes(const std::vector<endless_wait>& waits, const fibers_by_id& known, judgements& to) {
  std::map<std::uint64_t, const fiber_info*> blocked;  // each waits for the one that its mutex belongs to
  for (const endless_wait& w : waits) {
    const fiber_info& info = *known.at(w.id);
    if (is_mutex(info.object) && info.object.owner != 0) {
      blocked[w.id] = &info;
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
      found.push_back({at, info.name, info.where, info.object.address});
    }
    if (holds) {
      for (const cycle_link& link : found) {
        to.of[link.fiber] = {verdict::likely, "a cycle of fibers that wait for each other's mutexes"};
      }
      to.cycles.push_back(std::move(found));
    }
  }
}

}  // namespace

judgements judge(const std::vector<fiber_info>& all, const void* callers_frame) {
  judgements found;
  fibers_by_id known;
  std::vector<const fiber_info*> to_look_at;
  for (const fiber_info& info : all) {
    known[info.id] = &info;
    if (can_never_end(info)) {
      found.of[info.id] = {verdict::proven, "nothing can ever wake it"};
    } else if (has_rules(info)) {
      to_look_at.push_back(&info);
    }
  }
  const std::vector<endless_wait> waits = endless_waits(to_look_at);
  judge_channels(waits, callers_frame, found);
  judge_mutexes(waits, known, found);
  return found;
}

}  // namespace gossamer::inline v0::leak
