// leak_waits: see leak_waits.hpp.
#include "debug/leak_waits.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "debug/object.hpp"
#include "debug/snapshot.hpp"
#include "fiber/inspect.hpp"
#include "fiber/record_pool.hpp"
#include "machine/stack.hpp"
#include "sched/park.hpp"
#include "sched/this_thread.hpp"

namespace gossamer::inline v0::leak {

namespace {

using word = const void*;

// Fibers until the next inspector, who holds up others that want to inspect.
constexpr std::size_t batch_size = 256;
// Of a stack, what is looked at.
constexpr std::size_t most_words = std::size_t{8192};

// By a system call, for it may be no memory any more, and may change meanwhile.
std::span<const word> copy_of(const void* from, const void* to, std::vector<word>& room) {
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  const auto end = reinterpret_cast<std::uintptr_t>(to);
  room.resize(begin < end ? std::min((end - begin) / sizeof(word), most_words) : 0);
  const iovec here{room.data(), room.size() * sizeof(word)};
  const iovec there{const_cast<void*>(from), here.iov_len};
  const ssize_t n = room.empty() ? 0 : ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
  return {room.data(), n > 0 ? static_cast<std::size_t>(n) / sizeof(word) : 0};
}

std::span<const word> closure_of(const fiber& f, std::vector<word>& room) {
  return copy_of(f.closure, f.closure + sizeof f.closure, room);
}

const void* top_of(const fiber& f) noexcept { return machine::stack_top(f.stack, f.size_class); }

// f is held, or has moved on.
bool look_at(fiber& f, const debug::fiber_info& info, endless_wait& to, std::vector<word>& room) {
  gossamer::detail::sanitizer_acquire(&f);
  if (f.state.load(std::memory_order_relaxed) != fiber_state::parked || f.object != info.object.address ||
      !f.ticket->uncontested) {
    return false;
  }
  to.id = info.id;
  to.object = info.object.address;
  debug::objects_seen its;
  debug::objects_of(f, its);
  if (its.count == 0) {
    return false;
  }
  const debug::object_seen& seen = its.objects[0];
  if (seen.references > 0 && !seen.of_timer &&
      (f.reason == wait_reason::chan_receive || f.reason == wait_reason::chan_send)) {
    to.references = seen.references;
    const std::span<const word> closure = closure_of(f, room);
    to.in_closure = static_cast<std::size_t>(std::count(closure.begin(), closure.end(), to.object));
  }
  return true;
}

struct candidate {
  fiber* record;
  const debug::fiber_info* info;
};

std::vector<candidate> records_of(std::span<const debug::fiber_info* const> blocked) {
  std::vector<const debug::fiber_info*> by_id(blocked.begin(), blocked.end());
  const auto is_less = [](const debug::fiber_info* a, const debug::fiber_info* b) { return a->id < b->id; };
  std::sort(by_id.begin(), by_id.end(), is_less);
  std::vector<candidate> all;
  records.for_each([&](fiber& f) {
    debug::fiber_info key;
    key.id = f.id.load(std::memory_order_acquire);  // acquire: pairs with the spawner's release
    const auto found = std::lower_bound(by_id.begin(), by_id.end(), &key, is_less);
    if (key.id != 0 && found != by_id.end() && (*found)->id == key.id) {
      all.push_back({&f, *found});
    }
  });
  return all;
}

// What may refer to a chan, of a fiber that may run meanwhile.
std::span<const word> stack_of(const fiber& f, const void* callers_frame, std::vector<word>& room) {
  if (!f.started()) {
    return {};
  }
  if (&f == sched::this_fiber()) {
    return callers_frame != nullptr ? copy_of(callers_frame, top_of(f), room) : std::span<const word>();
  }
  const bool runs = f.state.load(std::memory_order_relaxed) == fiber_state::running;
  const auto* const top = static_cast<const std::byte*>(top_of(f));
  const auto* const bottom = static_cast<const std::byte*>(machine::stack_bottom(f.stack, f.size_class));
  const auto most = static_cast<std::ptrdiff_t>(most_words * sizeof(word));
  return copy_of(runs || f.context == nullptr ? top - std::min(most, top - bottom) : f.context, top, room);
}

}  // namespace

std::vector<endless_wait> endless_waits(std::span<const debug::fiber_info* const> blocked) {
  std::vector<endless_wait> all;
  std::vector<word> room;
  const std::vector<candidate> candidates = records_of(blocked);
  for (std::size_t at = 0; at < candidates.size(); at += batch_size) {
    inspector inspecting;
    for (std::size_t i = at; i < std::min(at + batch_size, candidates.size()); ++i) {
      struct hold {
        inspector& by;
        fiber& f;
        ~hold() {
          if (by.release(f)) {
            sched::ready(&f);
          }
        }
      };
      fiber& f = *candidates[i].record;
      const bool is_held = inspecting.hold(f, candidates[i].info->id);
      const hold until_here{inspecting, f};
      endless_wait found;
      if (is_held && look_at(f, *candidates[i].info, found, room)) {
        all.push_back(std::move(found));
      }
    }
  }
  return all;
}

std::vector<const void*> referred_to_elsewhere(std::span<const void* const> chans, const void* callers_frame) {
  std::vector<const void*> found;
  std::vector<word> room;
  if (chans.empty()) {
    return found;
  }
  records.for_each([&](const fiber& f) {
    if (f.id.load(std::memory_order_acquire) == 0 || f.has(gossamer::detail::mark::abandoned)) {
      return;
    }
    const bool waits = f.state.load(std::memory_order_relaxed) == fiber_state::parked &&
                       (f.reason == wait_reason::chan_receive || f.reason == wait_reason::chan_send);
    const void* const its_own = waits ? f.object : nullptr;
    const auto note = [&](std::span<const word> words) {
      for (const word w : words) {
        if (w != its_own && std::binary_search(chans.begin(), chans.end(), w, std::less<>())) {
          found.push_back(w);
        }
      }
    };
    if (!f.has(gossamer::detail::mark::main)) {  // run()'s own, which has no handles
      note(closure_of(f, room));
    }
    note(stack_of(f, callers_frame, room));
  });
  std::sort(found.begin(), found.end(), std::less<>());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace gossamer::inline v0::leak
