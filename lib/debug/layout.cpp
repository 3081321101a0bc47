// layout: see layout.hpp. Everything is taken from the structures themselves, by the compiler.
#include "debug/layout.hpp"

#include <string>

#include "context/node.hpp"
#include "fiber/fiber.hpp"
#include "fiber/locals.hpp"
#include "fiber/reason.hpp"
#include "fiber/record_pool.hpp"
#include "gossamer/context.hpp"
#include "gossamer/detail/chan_core.hpp"
#include "gossamer/error.hpp"
#include "machine/context.hpp"
#include "machine/stack.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"
#include "wait/waiter.hpp"

// Classes with private parts are no standard layout, but without virtual bases every compiler knows their offsets.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace gossamer::inline v0::debug {

namespace {

class table {
 public:
  constexpr void add(std::string_view prefix, std::string_view name, std::uint64_t value, std::uint64_t size = 0) {
    layout_entry& e = entries_[count_++];
    char* to = prefix.copy(e.name, prefix.size()) + e.name;
    name.copy(to, sizeof e.name - prefix.size() - 1);
    e.value = value;
    e.size = size;
  }
  constexpr std::uint32_t count() const { return static_cast<std::uint32_t>(count_); }
  constexpr const auto& entries() const { return entries_; }

 private:
  std::array<layout_entry, most_layout_entries> entries_{};
  std::size_t count_ = 0;
};

}  // namespace

#define GOSSAMER_FIELD(structure, name, type, member) \
  t.add(structure, name, offsetof(type, member), sizeof(type::member))

struct layout_access {
  static constexpr void describe_fiber(table& t) {
    t.add("fiber", "", 0, sizeof(fiber));
    GOSSAMER_FIELD("fiber.", "id", fiber, id);
    GOSSAMER_FIELD("fiber.", "parent", fiber, parent);
    GOSSAMER_FIELD("fiber.", "spawn_site", fiber, spawn_site);
    GOSSAMER_FIELD("fiber.", "invoke", fiber, invoke);
    GOSSAMER_FIELD("fiber.", "state", fiber, state);
    GOSSAMER_FIELD("fiber.", "reason", fiber, reason);
    GOSSAMER_FIELD("fiber.", "size_class", fiber, size_class);
    GOSSAMER_FIELD("fiber.", "last_worker", fiber, last_worker);
    GOSSAMER_FIELD("fiber.", "marks", fiber, marks);
    GOSSAMER_FIELD("fiber.", "closure", fiber, closure);
    GOSSAMER_FIELD("fiber.", "context", fiber, context);
    GOSSAMER_FIELD("fiber.", "stack", fiber, stack);
    GOSSAMER_FIELD("fiber.", "where", fiber, where);
    GOSSAMER_FIELD("fiber.", "object", fiber, object);
    GOSSAMER_FIELD("fiber.", "wait_start", fiber, wait_start);
    GOSSAMER_FIELD("fiber.", "home", fiber, home);
    GOSSAMER_FIELD("fiber.", "locals", fiber, locals);
    GOSSAMER_FIELD("locals.", "name", detail::local_table, name);
    GOSSAMER_FIELD("locals.", "labels", detail::local_table, labels);
    GOSSAMER_FIELD("labels.", "all", detail::label_set, all);
    t.add("string", "", 0, sizeof(std::string));
  }

  static constexpr void describe_tables(table& t) {
    using slab = record_pool::slab;
    GOSSAMER_FIELD("records.", "slabs", record_pool, slabs_);
    GOSSAMER_FIELD("slab.", "next", slab, next);
    t.add("slab.", "first", alignof(fiber));
    t.add("slab.", "count", record_pool::records_per_slab);
    using sched::scheduler;
    using sched::worker;
    GOSSAMER_FIELD("runtime.", "workers", scheduler, workers_);
    GOSSAMER_FIELD("runtime.", "threads", scheduler, threads_);
    GOSSAMER_FIELD("worker.", "index", worker, index_);
    GOSSAMER_FIELD("worker.", "current", worker, current_);
    GOSSAMER_FIELD("worker.", "thread", worker, thread_id_);
    GOSSAMER_FIELD("worker.", "now", worker, now_);
  }

  static constexpr void describe_waiting(table& t) {
    using namespace detail;
    GOSSAMER_FIELD("list.", "head", wait_list, head);
    GOSSAMER_FIELD("waiter.", "ticket", waiter, its);
    GOSSAMER_FIELD("waiter.", "next", waiter, next);
    GOSSAMER_FIELD("ticket.", "owner", wait::ticket, owner);
    GOSSAMER_FIELD("chan.", "closed", chan_core, closed);
    GOSSAMER_FIELD("chan.", "count", chan_core, count);
    GOSSAMER_FIELD("chan.", "capacity", chan_core, capacity);
    GOSSAMER_FIELD("chan.", "receivers", chan_core, receivers);
    GOSSAMER_FIELD("chan.", "senders", chan_core, senders);
  }

  // What a context or an error refers to begins with its base.
  static constexpr void describe_trees(table& t) {
    using context::interface;
    using detail::cancel_node;
    using kind = interface::kind;
    GOSSAMER_FIELD("context.", "kind", interface, kind_);
    GOSSAMER_FIELD("context.", "parent", interface, parent_);
    GOSSAMER_FIELD("context.", "timed", cancel_node, is_timed);
    GOSSAMER_FIELD("context.", "phase", cancel_node, state);
    GOSSAMER_FIELD("context.", "err", cancel_node, err);
    t.add("kind=", "foreign", static_cast<std::uint64_t>(kind::foreign));
    t.add("kind=", "background", static_cast<std::uint64_t>(kind::root));
    t.add("kind=", "with_value", static_cast<std::uint64_t>(kind::value));
    t.add("kind=", "without_cancel", static_cast<std::uint64_t>(kind::without_cancel));
    t.add("kind=", "with_cancel", static_cast<std::uint64_t>(kind::cancel));
    t.add("phase=", "live", static_cast<std::uint64_t>(cancel_node::phase::live));
    t.add("error", "", 0, sizeof(errors::base));
  }
};

namespace {

constexpr void describe_values(table& t) {
  t.add("state=", "free", static_cast<std::uint64_t>(fiber_state::free));
  t.add("state=", "unstarted", static_cast<std::uint64_t>(fiber_state::unstarted));
  t.add("state=", "runnable", static_cast<std::uint64_t>(fiber_state::runnable));
  t.add("state=", "running", static_cast<std::uint64_t>(fiber_state::running));
  t.add("state=", "parked", static_cast<std::uint64_t>(fiber_state::parked));
  t.add("state=", "thread", static_cast<std::uint64_t>(fiber_state::thread));
  for (unsigned i = 1; i < 256; ++i) {
    if (const std::string_view name = text(static_cast<wait_reason>(i)); !name.empty()) {
      t.add("reason=", name, i);
    }
  }
  t.add("mark=", "main", detail::mark::main);
  t.add("mark=", "exiting", detail::mark::exiting);
  t.add("mark=", "abandoned", detail::mark::abandoned);
  t.add("mark=", "locked", detail::mark::locked);
  t.add("mark=", "leaked", detail::mark::leaked);
}

constexpr void describe_stacks(table& t) {
  for (const machine::saved_register& r : machine::saved_registers) {
    t.add("frame.", r.name, r.offset, sizeof(void*));
  }
  t.add("frame", "", 0, machine::saved_bytes);
  // A stack of size class c reserves `value << c` bytes from fiber.stack on.
  t.add("stack.", "reserve", machine::class_bytes(0));
}

constexpr layout describe() {
  table t;
  layout_access::describe_fiber(t);
  layout_access::describe_tables(t);
  layout_access::describe_waiting(t);
  layout_access::describe_trees(t);
  describe_values(t);
  describe_stacks(t);
  return {"gossamer layout",    layout_version, offsetof(layout, entries), t.count(),
          sizeof(layout_entry), &records,       &sched::the_scheduler,     t.entries()};
}

}  // namespace

}  // namespace gossamer::inline v0::debug

extern "C" {
[[gnu::used]] constinit const gossamer::debug::layout gossamer_layout = gossamer::debug::describe();
// For the note, which can only point to what nobody overrides.
[[gnu::alias("gossamer_layout"), gnu::visibility("hidden")]] extern const gossamer::debug::layout gossamer_own_layout;
}
