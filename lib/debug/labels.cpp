// labels: see gossamer/debug.hpp.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "fiber/locals.hpp"
#include "gossamer/debug.hpp"
#include "sched/scheduler.hpp"
#include "sched/this_thread.hpp"
#include "sched/worker.hpp"

namespace gossamer::inline v0::debug {

namespace {

using gossamer::detail::label_set;
using gossamer::detail::local_table;

const label_set* set_of_caller() noexcept {
  const fiber* const f = sched::this_fiber();
  const local_table* const t = f != nullptr ? f->locals : sched::thread_locals();
  return t != nullptr ? t->labels : nullptr;
}

// Takes over a reference; null: none.
void give_caller(const label_set* set) {
  namespace mark = gossamer::detail::mark;
  fiber* const f = sched::this_fiber();
  if (f == nullptr) {
    gossamer::detail::label_it(sched::thread_locals_to_change(), set);
    return;
  }
  const auto label = [f, set] {
    gossamer::detail::sanitizer_acquire(f);  // of an inspector, which may have read what goes
    f->set(mark::locals);
    gossamer::detail::label_it(f->locals, set);
    set != nullptr ? f->set(mark::labels) : f->clear(mark::labels);
    gossamer::detail::sanitizer_release(f);
  };
  if (sched::this_worker()->in_call()) {
    sched::the_scheduler.watcher.change_beside_inspection(label);
  } else {
    label();
  }
}

// Sorted by key; of equal ones the last.
const label_set* made_of(labels all) {
  if (all.empty()) {
    return nullptr;
  }
  auto made = std::make_unique<label_set>();
  for (auto& one : all) {
    const auto at = std::lower_bound(made->all.begin(), made->all.end(), one.first,
                                     [](const auto& a, const std::string& key) { return a.first < key; });
    if (at != made->all.end() && at->first == one.first) {
      at->second = std::move(one.second);
    } else {
      made->all.insert(at, std::move(one));
    }
  }
  gossamer::detail::sanitizer_release(made.get());
  return made.release();
}

}  // namespace

void set_labels(labels all) { give_caller(made_of(std::move(all))); }

labels current_labels() {
  const label_set* const set = set_of_caller();
  return set != nullptr ? set->all : labels();
}

labels_scope::labels_scope(const labels& more) : before_(set_of_caller()) {
  labels all = current_labels();
  all.insert(all.end(), more.begin(), more.end());
  const label_set* const added = made_of(std::move(all));
  gossamer::detail::keep(set_of_caller());  // before_
  try {
    give_caller(added);
  } catch (...) {
    gossamer::detail::drop(set_of_caller());
    throw;
  }
}

// Allocates nothing: the caller has a table.
labels_scope::~labels_scope() { give_caller(static_cast<const label_set*>(before_)); }

}  // namespace gossamer::inline v0::debug
