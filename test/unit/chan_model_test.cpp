// Channels and select against a sequential model: random programs of sends, receives, selects and closes, blocking and
// not, where after every step exactly those calls have returned that the model says, with what the model says.
#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "inside.hpp"

using namespace gossamer;
using support::eventually;
using support::scale;

namespace {

struct operation {
  std::size_t channel;
  bool sends;
  int value;  // to send
};

// How a call came out. A send has no value, a receive that found its channel closed has 0.
struct outcome {
  int index = -1;  // -1: the default
  bool ok = false;
  int value = 0;
  bool panicked = false;
  bool operator==(const outcome&) const = default;
};

// ---- what runs ------------------------------------------------------------------------------------------------------

outcome perform(const std::vector<chan<int>>& channels, const std::vector<operation>& operations, bool blocks) {
  outcome out;
  std::vector<int> values(operations.size());
  std::vector<select_case> cases;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto& ch = channels[operations[i].channel];
    if (operations[i].sends) {
      cases.emplace_back(send(ch, operations[i].value));
    } else {
      cases.emplace_back(recv(ch, values[i]));
    }
  }
  if (!blocks) {
    cases.emplace_back(otherwise);
  }
  try {
    const auto [index, ok] = select(cases);
    const auto i = static_cast<std::size_t>(index);
    if (i < operations.size()) {
      out = {index, ok, operations[i].sends ? 0 : values[i], false};
    }
  } catch (const panic_error&) {
    out = {-1, false, 0, true};
  }
  return out;
}

// ---- what should happen ---------------------------------------------------------------------------------------------

struct model_wait {
  std::size_t helper;
  int index;
  int value;
};

struct model_channel {
  std::size_t capacity = 0;
  bool closed = false;
  std::deque<int> buffer;
  std::deque<model_wait> receivers, senders;
};

struct model {
  std::vector<model_channel> channels;
  std::vector<std::optional<outcome>> finished;  // by helper: what its call must return now
  std::function<int(std::size_t)> chosen;        // the case by which the helper's call, which is over, has returned

  bool ready(const operation& o) const {
    const model_channel& c = channels[o.channel];
    return o.sends ? c.closed || !c.receivers.empty() || c.buffer.size() < c.capacity
                   : c.closed || !c.senders.empty() || !c.buffer.empty();
  }
  bool may_panic(const operation& o) const { return o.sends && channels[o.channel].closed; }

  // A helper's call has returned: none of its cases waits any more.
  void finish(std::size_t helper, outcome with) {
    finished[helper] = with;
    for (model_channel& c : channels) {
      for (auto* queue : {&c.receivers, &c.senders}) {
        std::erase_if(*queue, [helper](const model_wait& w) { return w.helper == helper; });
      }
    }
  }

  // The wait that ends first. A channel that stands in several of one call's cases is taken by any of them (SE3): the
  // call says by which.
  model_wait first_of(const std::deque<model_wait>& queue) const {
    const model_wait& first = queue.front();
    const auto of_first = [&](const model_wait& w) { return w.helper == first.helper; };
    if (std::count_if(queue.begin(), queue.end(), of_first) == 1) {
      return first;
    }
    const int index = chosen(first.helper);
    const auto at =
        std::find_if(queue.begin(), queue.end(), [&](const model_wait& w) { return of_first(w) && w.index == index; });
    return at != queue.end() ? *at : first;
  }

  // Does a ready operation, case `index` of its call, and says how it comes out.
  outcome apply(const operation& o, int index) {
    model_channel& c = channels[o.channel];
    if (o.sends) {
      if (!c.receivers.empty()) {
        const model_wait first = first_of(c.receivers);
        finish(first.helper, {first.index, true, o.value, false});
      } else {
        c.buffer.push_back(o.value);
      }
      return {index, true, 0, false};
    }
    if (c.buffer.empty() && c.senders.empty()) {
      return {index, false, 0, false};  // closed
    }
    if (!c.senders.empty()) {
      const model_wait first = first_of(c.senders);
      c.buffer.push_back(first.value);  // CH13
      finish(first.helper, {first.index, true, 0, false});
    }
    const int value = c.buffer.front();
    c.buffer.pop_front();
    return {index, true, value, false};
  }

  void enlist(std::size_t helper, const std::vector<operation>& operations) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      model_channel& c = channels[operations[i].channel];
      (operations[i].sends ? c.senders : c.receivers).push_back({helper, static_cast<int>(i), operations[i].value});
    }
  }

  void close(std::size_t channel) {
    model_channel& c = channels[channel];
    c.closed = true;
    while (!c.receivers.empty()) {
      const model_wait first = first_of(c.receivers);
      finish(first.helper, {first.index, false, 0, false});
    }
    while (!c.senders.empty()) {
      finish(c.senders.front().helper, {-1, false, 0, true});
    }
  }
};

// ---- the comparison -------------------------------------------------------------------------------------------------

class program {
 public:
  explicit program(std::uint64_t seed) : rng_(seed) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t capacity = rng_.below(3);
      model_.channels.push_back({.capacity = capacity, .closed = false, .buffer = {}, .receivers = {}, .senders = {}});
      channels_.push_back(make_chan<int>(capacity));
    }
    for (std::size_t h = 0; h < helpers; ++h) {
      commands_.push_back(make_chan<std::vector<operation>>());
      results_.push_back(make_chan<outcome>(1));
      go([channels = channels_, command = commands_[h], result = results_[h]] {
        for (const std::vector<operation>& operations : command) {
          result << perform(channels, operations, true);
        }
      });
    }
    model_.finished.resize(helpers);
    model_.chosen = [this](std::size_t h) { return result_of(h).index; };
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  // False if something came out otherwise than the model says.
  bool step() {
    const std::uint32_t kind = rng_.below(16);
    if (kind == 0) {
      const std::size_t c = rng_.below(3);
      if (!model_.channels[c].closed && rng_.below(4) == 0) {
        close(channels_[c]);
        model_.close(c);
      }
    } else if (kind < 8 || idle().empty()) {
      const auto operations = draw();
      if (!settle(operations, perform(channels_, operations, false), false)) {
        return false;
      }
    } else {
      const auto free = idle();
      const std::size_t h = free[rng_.below(static_cast<std::uint32_t>(free.size()))];
      const auto operations = draw();
      commands_[h] << operations;
      if (std::any_of(operations.begin(), operations.end(), [&](const operation& o) { return model_.ready(o); })) {
        if (!settle(operations, *results_[h], true)) {
          return false;
        }
      } else {
        model_.enlist(h, operations);
        busy_[h] = true;
      }
    }
    return collect() && queues_agree();
  }

  // Lets everybody go.
  void end() {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      if (!model_.channels[c].closed) {
        close(channels_[c]);
      }
    }
    for (const auto& command : commands_) {
      close(command);
    }
  }

 private:
  static constexpr std::size_t helpers = 5;

  std::vector<operation> draw() {
    std::vector<operation> operations(1 + rng_.below(3));
    for (operation& o : operations) {
      o = {rng_.below(3), rng_.below(2) == 0, ++last_value_};
    }
    return operations;
  }
  std::vector<std::size_t> idle() const {
    std::vector<std::size_t> free;
    for (std::size_t h = 0; h < helpers; ++h) {
      if (!busy_[h]) {
        free.push_back(h);
      }
    }
    return free;
  }

  // A call that had something to do: it did one of the cases that were ready.
  bool settle(const std::vector<operation>& operations, const outcome& out, bool blocks) {
    const auto ready = [&](const operation& o) { return model_.ready(o); };
    if (out.panicked) {
      return std::any_of(operations.begin(), operations.end(), [&](const operation& o) { return model_.may_panic(o); });
    }
    if (out.index < 0) {
      return !blocks && std::none_of(operations.begin(), operations.end(), ready);
    }
    const operation& o = operations[static_cast<std::size_t>(out.index)];
    return ready(o) && !model_.may_panic(o) && model_.apply(o, out.index) == out;
  }

  // Of a call that has been released.
  const outcome& result_of(std::size_t helper) {
    if (!results_seen_[helper]) {
      results_seen_[helper] = *results_[helper];
    }
    return *results_seen_[helper];
  }

  // Those that the step has released return with what the model says.
  bool collect() {
    for (std::size_t h = 0; h < helpers; ++h) {
      if (model_.finished[h]) {
        if (!(result_of(h) == *model_.finished[h])) {
          return false;
        }
        results_seen_[h].reset();
        model_.finished[h].reset();
        busy_[h] = false;
      }
    }
    return true;
  }
  bool queues_agree() {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      const model_channel& m = model_.channels[c];
      const auto agrees = [&] {
        return support::length_of(channels_[c], &detail::chan_core::receivers) ==
                   static_cast<int>(m.receivers.size()) &&
               support::length_of(channels_[c], &detail::chan_core::senders) == static_cast<int>(m.senders.size()) &&
               len(channels_[c]) == static_cast<std::ptrdiff_t>(m.buffer.size());
      };
      if (!eventually(agrees)) {
        return false;
      }
    }
    return true;
  }

  base::rng rng_;
  int last_value_ = 0;
  model model_;
  std::vector<chan<int>> channels_;
  std::vector<chan<std::vector<operation>>> commands_;
  std::vector<chan<outcome>> results_;
  std::array<std::optional<outcome>, helpers> results_seen_{};
  std::array<bool, helpers> busy_{};
};

}  // namespace

FIBER_TEST("channels and selects do what a sequential model of them does") {
  const int programs = scale(60);
  for (int p = 0; p < programs; ++p) {
    const auto seed = static_cast<std::uint64_t>(p) * 8 + static_cast<std::uint64_t>(support::width());
    program it(seed);
    int steps = 0;
    while (steps < 200 && it.step()) {
      ++steps;
    }
    if (steps < 200) {
      FAIL_CHECK("program " << seed << ", step " << steps);
      break;
    }
    it.end();
  }
}
