// leak_watch: suspicion by time and growth. See gossamer/leak.hpp.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "debug/leak_judge.hpp"
#include "debug/snapshot.hpp"
#include "gossamer/go.hpp"
#include "gossamer/leak.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/select.hpp"
#include "gossamer/time.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::leak {

namespace {

using debug::fiber_info;

// How long the fiber of a watch is waited for before it is asked whether it can still answer.
constexpr std::chrono::milliseconds between_looks(10);

bool is_alive(std::uint64_t id) {
  debug::filter one;
  one.id = id;
  return sched::the_scheduler.is_running() && !debug::fibers(one).empty();
}

// How the groups have grown from window to window.
class growth {
 public:
  explicit growth(const watch_options& how) : how_(how) {}

  // A window is over: those that have grown for long enough.
  findings look() {
    const lost_fibers lost = find_lost_fibers(__builtin_frame_address(0));
    std::vector<fiber_info> all = debug::fibers();
    find_callers(all);
    const judgements verdicts = judge(all, lost, names_);
    leave_who_counts(all);
    findings lost_now = take_new_proven(all, verdicts);
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const fiber_info& f) {
                               return f.state != runtime::status::waiting ||
                                      debug::waited_until(verdicts.at, f) < how_.blocked;
                             }),
              all.end());
    findings found = findings_of(all, verdicts, names_);
    count(found.groups);
    auto& groups = found.groups;
    groups.erase(std::remove_if(groups.begin(), groups.end(),
                                [&](const group& g) { return history_[key_of(g)].windows < how_.windows; }),
                 groups.end());
    found.total = 0;
    for (group& g : groups) {
      found.total += g.fibers.size();
      if (g.level == verdict::none) {
        g.level = verdict::suspected;
        g.why = "it waits for long, and more do with each of " + std::to_string(how_.windows) + " windows";
      }
    }
    forget_reported();
    for (group& g : lost_now.groups) {
      found.total += g.fibers.size();
      groups.insert(groups.begin(), std::move(g));
    }
    keep_their_cycles(found);
    first_ = false;
    return found;
  }

 private:
  using key = std::tuple<std::string, std::string, std::string, std::string>;
  struct past {
    std::size_t before = 0;
    std::size_t now = 0;
    int windows = 0;  // in turn with more than before
  };

  // Those that have not been told of before. They leave `all`: that they are there is known.
  findings take_new_proven(std::vector<fiber_info>& all, const judgements& verdicts) {
    const auto is_proven = [&](const fiber_info& f) {
      const auto judged = verdicts.of.find(f.id);
      return judged != verdicts.of.end() && judged->second.level == verdict::proven;
    };
    const auto lost = std::partition(all.begin(), all.end(), [&](const fiber_info& f) { return !is_proven(f); });
    std::vector<fiber_info> fresh;
    std::set<std::uint64_t> told;
    for (auto i = lost; i != all.end(); ++i) {
      told.insert(i->id);
      if (told_.count(i->id) == 0) {
        fresh.push_back(*i);
      }
    }
    all.erase(lost, all.end());
    told_ = std::move(told);
    return findings_of(fresh, verdicts, names_);
  }

  static key key_of(const group& g) { return {g.spawned_by, g.spawned_at, g.state, g.blocked_at}; }

  void count(const std::vector<group>& groups) {
    for (auto& [unused, p] : history_) {
      p.before = std::exchange(p.now, 0);
    }
    for (const group& g : groups) {
      history_[key_of(g)].now += g.fibers.size();
    }
    for (auto i = history_.begin(); i != history_.end();) {
      past& p = i->second;
      p.windows = p.now > p.before && !first_ ? p.windows + 1 : 0;
      i = p.now == 0 ? history_.erase(i) : std::next(i);
    }
  }
  void forget_reported() {
    for (auto& [unused, p] : history_) {
      p.windows = p.windows >= how_.windows ? 0 : p.windows;
    }
  }
  static void keep_their_cycles(findings& f) {
    const auto is_in_group = [&](const cycle_link& link) {
      return std::any_of(f.groups.begin(), f.groups.end(), [&](const group& g) {
        return std::find(g.fibers.begin(), g.fibers.end(), link.fiber) != g.fibers.end();
      });
    };
    f.cycles.erase(std::remove_if(f.cycles.begin(), f.cycles.end(),
                                  [&](const cycle& c) { return std::none_of(c.begin(), c.end(), is_in_group); }),
                   f.cycles.end());
  }

  const watch_options how_;
  frames::names names_;
  std::map<key, past> history_;
  std::set<std::uint64_t> told_;  // who is lost
  bool first_ = true;             // what is there already has not grown
};

}  // namespace

struct watcher::state {
  chan<void> stop = make_chan<void>();
  chan<void> done = make_chan<void>();
  std::uint64_t fiber = 0;  // written before watch() returns
  std::atomic<bool> stopped{false};
};

watcher& watcher::operator=(watcher&& other) noexcept {
  if (this != &other) {
    stop();
    it_ = std::move(other.it_);
  }
  return *this;
}

watcher::~watcher() { stop(); }

void watcher::stop() noexcept {
  const std::shared_ptr<state> it = it_;
  if (it == nullptr) {
    return;
  }
  if (!it->stopped.exchange(true)) {
    close(it->stop);
  }
  const auto* const self = sched::this_fiber();
  if (self != nullptr && self->id.load(std::memory_order_relaxed) == it->fiber) {  // relaxed: its own
    return;
  }
  // It ends by itself, unless run() has returned or the process exits.
  while (it->done.recv_for(between_looks) == channel_status::ended && is_alive(it->fiber)) {
  }
}

watcher watch(const watch_options& how, std::function<void(const findings&)> callback) {
  if (how.window <= std::chrono::nanoseconds(0)) {
    panic("leak: non-positive window for watch");
  }
  if (how.windows < 1) {
    panic("leak: watch needs a window at least");
  }
  if (how.blocked < std::chrono::nanoseconds(0)) {
    panic("leak: negative wait for watch");
  }
  if (!callback) {
    panic("leak: watch of nil func value");
  }
  auto its = std::make_shared<watcher::state>();
  auto started = make_chan<std::uint64_t>(1);
  go(fiber_options{.name = watch_name}, [it = its, how, callback = std::move(callback), started] {
    started << sched::this_fiber()->id.load(std::memory_order_relaxed);
    const time::ticker ticker(how.window);
    growth grown(how);
    while (!it->stopped.load()) {
      select(recv(it->stop), recv(ticker.c));
      if (it->stopped.load()) {
        break;
      }
      if (const findings found = grown.look(); !found.groups.empty()) {
        callback(found);
      }
    }
    ticker.stop();
    close(it->done);
  });
  its->fiber = *started;
  watcher made;  // not before: it would wait for the end of a fiber that could not be started
  made.it_ = std::move(its);
  return made;
}

}  // namespace gossamer::inline v0::leak
