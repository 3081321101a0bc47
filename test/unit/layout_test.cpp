// The description of the tables that debuggers go by: it says what is so, and is found as they find it.
#include "debug/layout.hpp"

#include <link.h>

#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "inside.hpp"
#include "machine/stack.hpp"
#include "sched/park.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

using namespace gossamer;
using support::await_parked;

namespace {

const debug::layout_entry* find(std::string_view name) {
  for (std::uint32_t i = 0; i < gossamer_layout.entry_count; ++i) {
    if (gossamer_layout.entries[i].name == name) {
      return &gossamer_layout.entries[i];
    }
  }
  return nullptr;
}

// What a debugger reads: the field of that name, of what lies at `object`.
template <class T>
T read(const void* object, std::string_view name) {
  const debug::layout_entry* const e = find(name);
  T value{};
  CHECK(e != nullptr);
  if (e != nullptr) {
    CHECK(e->size == sizeof(T));
    std::memcpy(&value, static_cast<const char*>(object) + e->value, sizeof(T));
  }
  return value;
}

// The names that have the prefix, whose value is v.
std::string named(std::string_view prefix, std::uint64_t v) {
  std::string found;
  for (std::uint32_t i = 0; i < gossamer_layout.entry_count; ++i) {
    const debug::layout_entry& e = gossamer_layout.entries[i];
    if (const std::string_view name = e.name; name.starts_with(prefix) && e.value == v) {
      found += name.substr(prefix.size());
    }
  }
  return found;
}

// The description that the notes of this program point to.
int find_note(dl_phdr_info* object, std::size_t, void* result) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) {
      continue;
    }
    const auto* note = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    for (const char* const end = note + segment.p_memsz; note < end;) {
      ElfW(Nhdr) head;
      std::memcpy(&head, note, sizeof head);
      const char* const content = note + sizeof head + (head.n_namesz + 3) / 4 * 4;
      if (head.n_type == 2 && std::string_view(note + sizeof head, head.n_namesz) == std::string_view("gossamer", 9)) {
        std::int32_t distance = 0;
        std::memcpy(&distance, content, sizeof distance);
        *static_cast<const void**>(result) = content + distance;
      }
      note = content + (head.n_descsz + 3) / 4 * 4;
    }
  }
  return 0;
}

}  // namespace

PLAIN_TEST("the description of the tables is found through a note, and says how to read it") {
  const void* found = nullptr;
  ::dl_iterate_phdr(find_note, &found);
  CHECK(found == &gossamer_layout);
  const debug::layout& l = gossamer_layout;
  CHECK(std::string_view(l.magic) == "gossamer layout");
  CHECK(l.version == debug::layout_version);
  CHECK(l.entry_bytes == sizeof(debug::layout_entry));
  CHECK(l.header_bytes == reinterpret_cast<const char*>(&l.entries) - reinterpret_cast<const char*>(&l));
  CHECK(l.records == &records);
  CHECK(l.runtime == &sched::the_scheduler);
  std::set<std::pair<std::string_view, std::uint64_t>> names;  // two wait reasons may have one name
  for (std::uint32_t i = 0; i < l.entry_count; ++i) {
    CHECK(std::memchr(l.entries[i].name, '\0', sizeof l.entries[i].name) != nullptr);
    CHECK(names.insert({l.entries[i].name, l.entries[i].value}).second);
  }
}

PLAIN_TEST("every state and every wait reason has its name in the description") {
  for (unsigned i = 1; i < 256; ++i) {
    CHECK(named("reason=", i) == text(static_cast<wait_reason>(i)));
  }
  const auto state = [](fiber_state s) { return named("state=", static_cast<std::uint64_t>(s)); };
  CHECK(state(fiber_state::free) == "free");
  CHECK(state(fiber_state::unstarted) == "unstarted");
  CHECK(state(fiber_state::runnable) == "runnable");
  CHECK(state(fiber_state::running) == "running");
  CHECK(state(fiber_state::parked) == "parked");
  CHECK(state(fiber_state::thread) == "thread");
}

FIBER_TEST("a fiber's record is what the description says") {
  sync::wait_group wg;
  support::crew waiter;
  wg.add(1);
  waiter.go([&] { wg.wait(); });
  CHECK(await_parked(wait_reason::wait_group_wait, 1));
  support::for_each_parked(wait_reason::wait_group_wait, [&](fiber& f) {
    CHECK(read<std::uint64_t>(&f, "fiber.id") == f.id);
    CHECK(read<std::uint64_t>(&f, "fiber.parent") == f.parent);
    CHECK(read<const void*>(&f, "fiber.spawn_site") == f.spawn_site);
    CHECK(read<fiber_state>(&f, "fiber.state") == fiber_state::parked);
    CHECK(read<wait_reason>(&f, "fiber.reason") == wait_reason::wait_group_wait);
    CHECK(read<std::uint16_t>(&f, "fiber.last_worker") == f.last_worker);
    CHECK(read<std::uint8_t>(&f, "fiber.marks") == f.marks);
    CHECK(read<const void*>(&f, "fiber.object") == &wg);
    CHECK(read<std::int64_t>(&f, "fiber.wait_start") == f.wait_start);
    CHECK(read<const void*>(&f, "fiber.stack") == f.stack);
    // The stack: the saved registers lie on it, where the context says.
    const void* const context = read<const void*>(&f, "fiber.context");
    CHECK(context == f.context);
    CHECK(context > f.stack);
    CHECK(context < f.stack + (find("stack.reserve")->value << read<std::uint8_t>(&f, "fiber.size_class")));
    CHECK(read<const void*>(context, "frame.rip") != nullptr);
    // The place: a std::source_location is a pointer to file, function, line, column.
    struct place {
      const char* file;
      const char* function;
      unsigned line;
      unsigned column;
    };
    const auto* where = read<const place*>(&f, "fiber.where");
    CHECK(std::string_view(where->file).ends_with("layout_test.cpp"));
    CHECK(std::string_view(where->function) == f.where.function_name());
    CHECK(where->line == f.where.line());
    CHECK(where->column == f.where.column());
  });
  wg.done();
}

FIBER_TEST("the slabs and the workers are where the description says") {
  const fiber* const me = sched::current();
  bool found = false;
  for (const char* slab = read<const char*>(gossamer_layout.records, "records.slabs"); slab != nullptr;
       slab = read<const char*>(slab, "slab.next")) {
    for (std::uint64_t i = 0; i < find("slab.count")->value; ++i) {
      const char* const record = slab + find("slab.first")->value + i * find("fiber")->size;
      found = found || static_cast<const void*>(record) == me;
    }
  }
  CHECK(found);
  const sched::worker* const w = sched::this_worker();
  CHECK(read<int>(gossamer_layout.runtime, "runtime.threads") == sched::the_scheduler.threads());
  const auto* workers = static_cast<const char*>(gossamer_layout.runtime) + find("runtime.workers")->value;
  const void* mine = nullptr;
  std::memcpy(&mine, workers + static_cast<std::size_t>(w->index()) * sizeof(void*), sizeof mine);
  CHECK(mine == w);
  CHECK(read<int>(w, "worker.index") == w->index());
  CHECK(read<pid_t>(w, "worker.thread") == w->thread_id());
  CHECK(read<const void*>(w, "worker.current") == me);
  CHECK(read<std::int64_t>(w, "worker.now") == w->cached_now());
}

FIBER_TEST("a channel and who waits for it are what the description says") {
  auto ch = make_chan<int>(3);
  const detail::chan_core* const c = detail::access::core(ch);
  go([=] {
    while (ch.recv()) {
    }
  });
  CHECK(support::await_receivers(ch, 1));
  CHECK(await_parked(wait_reason::chan_receive, 1));
  const auto* list = reinterpret_cast<const char*>(c) + find("chan.receivers")->value;
  const void* const waiter = read<const void*>(list, "list.head");
  CHECK(waiter == c->receivers.head);
  const void* const owner = read<const void*>(read<const void*>(waiter, "waiter.ticket"), "ticket.owner");
  support::for_each_parked(wait_reason::chan_receive, [&](fiber& f) { CHECK(owner == &f); });
  CHECK(read<std::size_t>(c, "chan.capacity") == 3);
  close(ch);
  CHECK(read<bool>(c, "chan.closed"));
}
