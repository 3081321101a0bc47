// node: cancellation, and how nodes come into the tree and leave it. See context/node.hpp.
// Source: Go context/context.go (propagateCancel, cancelCtx.cancel, removeChild). Differs: the children are a linked
// list through the nodes; the tree is walked without recursion, so that its depth costs no stack.
#include "context/node.hpp"

#include <cassert>
#include <utility>

#include "gossamer/detail/own_fiber.hpp"
#include "gossamer/go.hpp"
#include "gossamer/runtime.hpp"
#include "gossamer/select.hpp"

namespace gossamer::inline v0::detail {

namespace {

using phase = cancel_node::phase;

cancel_node& node_at(context_link& l) noexcept { return static_cast<cancel_node&>(l); }

void start(after_call* call) noexcept {
  start_own_fiber("context::after_func", [call] {
    struct ends {
      after_call* it;
      ~ends() {
        it->forget();
        release(it);
      }
    } const end{call};
    call->call();
  });
}

// Somebody other than its node holds the channel.
bool is_shared(const chan<void>& ch) noexcept {
  // A chan counts two. relaxed: whoever holds one may give it up at any time.
  return ch && access::core(ch)->references.load(std::memory_order_relaxed) > 2;
}

// Nobody can cancel it any more, nor what its list holds.
void destroy(cancel_node* n) noexcept {
  context_link* work = n->take_all();
  delete n;
  while (work != nullptr) {
    context_link* const l = std::exchange(work, work->next);
    if (l->is_call) {
      release(static_cast<after_call*>(l));
      continue;
    }
    cancel_node& below = node_at(*l);
    if (below.first != nullptr) {
      context_link* const last = below.first->previous;
      context_link* const list = below.take_all();
      last->next = work;
      work = list;
    }
    delete &below;
  }
}

}  // namespace

// What a cancellation does when it has released all locks. Each is a list, linked by `next`.
struct leftovers {
  context_link* calls = nullptr;     // to be started
  context_link* released = nullptr;  // calls that were stopped meanwhile
  context_link* timed = nullptr;     // nodes whose timer is to be stopped; it keeps them
  context_link* orphans = nullptr;   // to be deleted

  leftovers() noexcept = default;
  leftovers(const leftovers&) = delete;
  leftovers& operator=(const leftovers&) = delete;
  ~leftovers() {
    for_each(calls, [](context_link& l) { start(static_cast<after_call*>(&l)); });
    for_each(released, [](context_link& l) { release(static_cast<after_call*>(&l)); });
    for_each(orphans, [](context_link& l) { delete &node_at(l); });
    for_each(timed, [](context_link& l) {
      const time::timer timer = std::move(static_cast<timed_node&>(node_at(l)).timer);
      // release: pairs with the acquire in let_go(); the last access but for the timer, which holds the node.
      l.up.store(nullptr, std::memory_order_release);
      timer.stop();
    });
  }

  static void push(context_link*& list, context_link& l) noexcept {
    l.next = list;
    list = &l;
  }
  template <class F>
  static void for_each(context_link* list, F f) {
    while (list != nullptr) {
      f(*std::exchange(list, list->next));
    }
  }

  // A call that was in a list and is not any more. Under the lock of that list.
  void take_call(context_link& l) noexcept {
    l.up.store(nullptr, std::memory_order_relaxed);  // relaxed: of a call it is used under the lock only
    auto& call = static_cast<after_call&>(l);
    // acq_rel: one of this and of stop_func decides.
    push(call.decided.exchange(true, std::memory_order_acq_rel) ? released : calls, l);
  }
  // A node that was in a list, and is cancelled with all below it. Under the lock of that list, but not of the node.
  void take_node(cancel_node& n, bool has_timer) noexcept {
    if (n.orphan) {
      push(orphans, n);
    } else if (has_timer) {
      push(timed, n);
    } else {
      n.up.store(nullptr, std::memory_order_release);  // as above: the last access
    }
  }
};

after_call::~after_call() = default;

cancel_node::cancel_node(const context::context& parent, bool timed) noexcept
    : interface(parent), context_link{.is_call = false}, is_timed(timed) {
  context_access::set_kind(*this, context_access::kind::cancel);
}
timed_node::timed_node(const context::context& parent, time::time_point tp) noexcept
    : cancel_node(parent, true), when(tp) {}

void cancel_node::push(context_link& child) noexcept {
  assert(first == nullptr || (first->previous->next == first && first->next->previous == first));
  if (first == nullptr) {
    child.next = child.previous = first = &child;
  } else {
    child.next = first;
    child.previous = first->previous;
    child.previous->next = first->previous = &child;
  }
}

void cancel_node::remove(context_link& child) noexcept {
  assert(first != nullptr && child.next->previous == &child && child.previous->next == &child);
  if (child.next == &child) {
    first = nullptr;
    return;
  }
  child.previous->next = child.next;
  child.next->previous = child.previous;
  if (first == &child) {
    first = child.next;
  }
}

context_link* cancel_node::take_all() noexcept {
  if (first != nullptr) {
    first->previous->next = nullptr;
  }
  return std::exchange(first, nullptr);
}

// Never destroyed.
const chan<void>& cancel_node::closed_channel() {
  static const chan<void>& it = *[] {
    auto* const made = new chan<void>(make_chan<void>());
    close(*made);
    access::core(*made)->bubble = 0;  // everybody's, whoever needs it first
    return made;
  }();
  return it;
}

void cancel_node::make_channel() {
  const detail::held hold(lock);
  // relaxed: under the lock.
  if (!has_channel.load(std::memory_order_relaxed)) {
    done_channel = make_chan<void>();
    access::core(done_channel)->bubble = bubble;
    has_channel.store(true, std::memory_order_release);
  }
}

error cancel_node::reason() const {
  // acquire: pairs with the releases in mark(); err and, where it is `marked`, the channel are seen.
  const phase now = state.load(std::memory_order_acquire);
  if (now == phase::live) {
    return nullptr;
  }
  if (now == phase::marked) {
    // CX3: closed before anybody sees the error.
    if (bubble == 0 || bubble == current_bubble()) {
      done_channel.recv();
    } else {  // it is not for others to use
      while (state.load(std::memory_order_acquire) == phase::marked) {
        runtime::gosched();
      }
    }
  }
  return err;
}

// Under lock, of a live node.
void cancel_node::mark(const error& e, const error& cause) {
  assert(e && cause);
  assert(state.load(std::memory_order_relaxed) == phase::live);  // relaxed: under the lock
  err = e;
  why = cause;
  if (has_channel.load(std::memory_order_relaxed)) {  // relaxed: under the lock
    state.store(phase::marked, std::memory_order_release);
    close(done_channel);
    state.store(phase::closed, std::memory_order_release);
  } else {
    // The reason first: has_channel makes done() the closed one. Who sees the reason sooner, and then asks for done(),
    // waits for the lock in make_channel().
    state.store(phase::closed, std::memory_order_release);
    has_channel.store(true, std::memory_order_release);
  }
}

// Under lock: the children, and theirs. Enters and leaves a child with its parents' locks held.
void cancel_node::cancel_below(leftovers& left) {
  cancel_node* at = this;
  for (;;) {
    if (context_link* const l = at->first) {
      at->remove(*l);
      if (l->is_call) {
        left.take_call(*l);
        continue;
      }
      cancel_node& child = node_at(*l);
      child.lock.lock();
      if (child.state.load(std::memory_order_relaxed) == phase::live) {  // relaxed: under its lock
        child.mark(err, why);
        at = &child;
      } else {
        child.lock.unlock();
        left.take_node(child, false);  // whoever cancelled it sees to its timer
      }
      continue;
    }
    if (at == this) {
      return;
    }
    cancel_node& through = *at;
    at = through.up.load(std::memory_order_relaxed);  // relaxed: that one's lock is held
    const bool has_timer = through.is_timed && static_cast<timed_node&>(through).timer;
    through.lock.unlock();
    left.take_node(through, has_timer);
  }
}

void cancel_node::cancel(const error& e, const error& cause) {
  lock.lock();
  if (state.load(std::memory_order_relaxed) != phase::live) {  // relaxed: under the lock
    lock.unlock();
    return;
  }
  mark(e, cause ? cause : e);
  if (first != nullptr || is_timed || from) {
    cancel_rest();
  } else {
    lock.unlock();
  }
  leave_parent();
}

// Under lock, which it releases: what few nodes have.
[[gnu::noinline]] void cancel_node::cancel_rest() {
  leftovers left;
  cancel_below(left);
  time::timer timer;
  if (is_timed) {
    timer = std::move(static_cast<timed_node*>(this)->timer);
  }
  const std::unique_ptr<foreign> source = std::move(from);
  lock.unlock();
  if (timer) {
    timer.stop();
  }
  if (source && source->stop) {
    source->stop();
  }
}

void cancel_node::leave_parent() noexcept {
  // acquire: pairs with the releases in `leftovers`.
  cancel_node* const parent = up.load(std::memory_order_acquire);
  if (parent == nullptr) {
    return;
  }
  const detail::held hold(parent->lock);
  if (up.load(std::memory_order_acquire) != nullptr) {
    parent->remove(*this);
    up.store(nullptr, std::memory_order_release);
  }
}

void let_go(cancel_node* n) noexcept {
  // acquire: as in leave_parent().
  if (cancel_node* const parent = n->up.load(std::memory_order_acquire)) {
    const detail::held hold(parent->lock);
    if (n->up.load(std::memory_order_acquire) != nullptr) {
      if (n->first != nullptr || is_shared(n->done_channel)) {
        n->orphan = true;
        return;
      }
      parent->remove(*n);
    }
  }
  destroy(n);
}

void release(after_call* call) noexcept {
  assert(call->holders.load(std::memory_order_relaxed) > 0);  // relaxed: the caller's share is one of them
  // acq_rel: what the other holder did happens before the end.
  if (call->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete call;
  }
}

// ---- a parent is followed -------------------------------------------------------------------------------------------

namespace {

void follow(cancel_node& child, cancel_node& parent) {
  {
    const detail::held hold(parent.lock);
    if (parent.state.load(std::memory_order_relaxed) == phase::live) {  // relaxed: under its lock
      // relaxed: others find the child only through the list, under this lock.
      child.up.store(&parent, std::memory_order_relaxed);
      parent.push(child);
      return;
    }
  }
  child.mark(parent.err, parent.why);  // CX4
}

// A parent of a type that is not ours: `other`, or something that only adds values to it.
void follow_other(cancel_node& child, const context::context& parent, const context::interface& other) {
  const recv_chan<void> done = other.done();
  if (!done) {
    return;
  }
  const auto cancel = [of = handle_of(child), parent] { node_of(of).cancel(parent.err(), context::cause(parent)); };
  if (wait::stop(done).is_set()) {
    cancel();
    return;
  }
  const auto* const node = other.value(context::any_key(cancel_key())).as<cancel_node>();
  if (node != nullptr && const_cast<cancel_node*>(node)->channel() == done) {
    child.from = std::make_unique<cancel_node::foreign>();
    child.from->node = handle_of(*node);
    follow(child, *const_cast<cancel_node*>(node));
    return;
  }
  if (auto stop = other.after_func(cancel)) {
    auto from = std::make_unique<cancel_node::foreign>();
    from->stop = std::move(stop);
    const detail::held hold(child.lock);
    if (child.state.load(std::memory_order_relaxed) == phase::live) {  // relaxed: under its lock
      child.from.swap(from);
    }
    return;
  }
  go([cancel, done, own = recv_chan<void>(child.channel())] {
    if (select(recv(done), recv(own)) == 0) {
      cancel();
    }
  });
}

}  // namespace

cancel_source source_of(const context::interface* i) noexcept {
  for (; i != nullptr; i = context_access::object(context_access::parent(*i))) {
    switch (context_access::kind_of(*i)) {
      case context_access::kind::value:
        break;
      case context_access::kind::cancel:
        return {&node_of(*i), nullptr};
      case context_access::kind::foreign:
        return {nullptr, i};
      case context_access::kind::root:
      case context_access::kind::without_cancel:
        return {};
    }
  }
  return {};
}

void follow(cancel_node& child, const context::context& parent) {
  const cancel_source source = source_of(context_access::object(parent));
  if (source.node != nullptr) {
    follow(child, *source.node);
  } else if (source.other != nullptr) {
    follow_other(child, parent, *source.other);
  }
}

void follow(after_call& call, cancel_node& parent) noexcept {
  {
    const detail::held hold(parent.lock);
    if (parent.state.load(std::memory_order_relaxed) == phase::live) {  // relaxed: under its lock
      call.up.store(&parent, std::memory_order_relaxed);                // relaxed: as above
      parent.push(call);
      return;
    }
  }
  // acq_rel: as in `leftovers`.
  call.decided.exchange(true, std::memory_order_acq_rel);
  start(&call);
}

}  // namespace gossamer::inline v0::detail
