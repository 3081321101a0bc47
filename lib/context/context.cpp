// context: what a handle asks of the chain of contexts behind it, and how a chain is made. See gossamer/context.hpp.
// Source: Go context/context.go. Differs: the chain is walked in a loop, however long it is.
#include "gossamer/context.hpp"

#include <cstddef>
#include <memory>
#include <new>

#include "context/node.hpp"

namespace gossamer::inline v0 {

namespace detail {

void nil_context() { throw_runtime_error("runtime error: invalid memory address or nil pointer dereference"); }
void nil_context_parent() { panic("cannot create context from nil parent"); }

value_node::value_node(context::context parent, const key_type* key, const std::type_info* type) noexcept
    : interface(std::move(parent)), key_type_(key), value_type_(type) {
  context_access::set_kind(*this, context_access::kind::value);
}
value_node::~value_node() = default;

namespace {

class root_node final : public context::interface {
 public:
  root_node() noexcept { context_access::set_kind(*this, context_access::kind::root); }
};

class without_cancel_node final : public context::interface {
 public:
  explicit without_cancel_node(const context::context& parent) noexcept : interface(parent) {
    context_access::set_kind(*this, context_access::kind::without_cancel);
  }
};

// Never destroyed: it may be used in static destructors. Takes no memory: whoever has none left can still ask for it.
class root {
 public:
  root() noexcept
      : handle_(::new(static_cast<void*>(handle_room_))
                    context::context(context_access::own(::new(static_cast<void*>(node_room_)) root_node))) {}
  root(const root&) = delete;
  root& operator=(const root&) = delete;
  const context::context& handle() const noexcept { return *handle_; }

 private:
  const context::context* handle_;
  alignas(root_node) std::byte node_room_[sizeof(root_node)];
  alignas(context::context) std::byte handle_room_[sizeof(context::context)];
};

template <class Function>
std::pair<context::context, Function> child_of(const context::context& parent) {
  if (!parent) {
    nil_context_parent();
  }
  auto* const n = new cancel_node(parent);
  context::context ctx = context_access::first(n, 2);
  auto cancel = context_access::function<Function>(context_access::adopt(n));
  follow(*n, parent);
  return {std::move(ctx), std::move(cancel)};
}

void arm(timed_node& n, time::duration d, error cause) {
  auto timer = time::after_func(
      d, [of = handle_of(n), cause = std::move(cause)] { node_of(of).cancel(context::deadline_exceeded, cause); });
  {
    const detail::held hold(n.lock);
    if (n.state.load(std::memory_order_relaxed) == cancel_node::phase::live) {  // relaxed: under the lock
      n.timer = std::move(timer);
      return;
    }
  }
  timer.stop();
}

}  // namespace

cancel_node& node_of(const context::context& ctx) {
  const context::interface* const object = context_access::object(ctx);
  if (object == nullptr) {
    nil_context();
  }
  return node_of(*object);
}

std::pair<context::context, context::cancel_func> context_with_deadline(const context::context& parent,
                                                                        time::time_point when, error cause) {
  if (!parent) {
    nil_context_parent();
  }
  if (const auto earlier = parent.deadline(); earlier && *earlier < when) {
    return context::with_cancel(parent);  // CX6
  }
  auto* const n = new timed_node(parent, when);
  context::context ctx = context_access::first(n, 2);
  auto cancel = context_access::function<context::cancel_func>(context_access::adopt(n));
  follow(*n, parent);
  const time::duration left = time::until(when);
  if (left.count() <= 0) {
    n->cancel(context::deadline_exceeded, cause);
  } else if (when != time::time_point::max() && n->state.load() == cancel_node::phase::live) {
    arm(*n, left, std::move(cause));
  }
  return {std::move(ctx), std::move(cancel)};
}

}  // namespace detail

namespace context {

using access = detail::context_access;
using kind = access::kind;

interface::~interface() = default;

void context::end(const interface* object) noexcept {
  while (object != nullptr) {
    if (object->kind_ == kind::foreign) {
      delete object;  // and what it comes from, unless that is held elsewhere
      return;
    }
    const interface* const up = std::exchange(object->parent_.object_, nullptr);
    if (object->kind_ == kind::cancel) {
      detail::let_go(&detail::node_of(*object));
    } else {
      delete object;
    }
    // acq_rel: as in drop().
    if (up == nullptr || up->kind_ == kind::root || up->handles_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
      return;
    }
    object = up;
  }
}

std::optional<time::time_point> context::deadline() const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  for (const interface* i = object_; i != nullptr; i = i->parent_.object_) {
    switch (i->kind_) {
      case kind::cancel:
        if (detail::node_of(*i).is_timed) {
          return static_cast<const detail::timed_node*>(i)->when;
        }
        break;
      case kind::foreign:
        return i->deadline();
      case kind::root:
      case kind::without_cancel:
        return std::nullopt;
      case kind::value:
        break;
    }
  }
  return std::nullopt;
}

recv_chan<void> context::done() const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  const detail::cancel_source source = detail::source_of(object_);
  if (source.node != nullptr) {
    return source.node->channel();
  }
  return source.other != nullptr ? source.other->done() : nullptr;
}

context::operator wait::stop() const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  const detail::cancel_source source = detail::source_of(object_);
  if (source.node != nullptr) {
    return source.node->channel();
  }
  return source.other != nullptr ? wait::stop(source.other->done()) : wait::stop();
}

error context::err() const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  const detail::cancel_source source = detail::source_of(object_);
  if (source.node != nullptr) {
    return source.node->reason();
  }
  if (source.other == nullptr) {
    return nullptr;
  }
  error why = source.other->err();
  if (!why && wait::stop(source.other->done()).is_set()) {
    // It has come meanwhile; or the type closes done() first, against its contract, and nobody is to take that for a
    // context that is not cancelled.
    why = source.other->err();
    return why ? why : error(canceled);
  }
  return why;
}

any_value context::value(const any_key& key) const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  const bool wants_node = key.as<detail::cancel_key>() != nullptr;
  for (const interface* i = object_; i != nullptr; i = i->parent_.object_) {
    if (i->kind_ == kind::value) {
      if (any_value found = static_cast<const detail::value_node*>(i)->look(key)) {
        return found;
      }
      continue;
    }
    switch (i->kind_) {
      case kind::value:
        break;
      case kind::cancel:
        if (wants_node) {
          return any_value(detail::node_of(*i));
        }
        break;
      case kind::without_cancel:
        if (wants_node) {
          return {};
        }
        break;
      case kind::foreign:
        return i->value(key);
      case kind::root:
        return {};
    }
  }
  return {};
}

const context& background() noexcept {
  static const detail::root it;
  return it.handle();
}
const context& todo() noexcept {
  static const detail::root it;
  return it.handle();
}

void cancel_func::operator()() const { detail::node_of(of_).cancel(canceled, nullptr); }
void cancel_cause_func::operator()(const error& cause) const { detail::node_of(of_).cancel(canceled, cause); }

std::pair<context, cancel_func> with_cancel(const context& parent) { return detail::child_of<cancel_func>(parent); }
std::pair<context, cancel_cause_func> with_cancel_cause(const context& parent) {
  return detail::child_of<cancel_cause_func>(parent);
}

error cause(const context& ctx) {
  error err = ctx.err();
  if (!err) {
    return err;
  }
  const auto* const node = ctx.value(any_key(detail::cancel_key())).as<detail::cancel_node>();
  // acquire: pairs with the releases in mark().
  if (node != nullptr && node->state.load(std::memory_order_acquire) != detail::cancel_node::phase::live) {
    return node->why;
  }
  return err;  // a context of another type has one of its own
}

context without_cancel(const context& parent) {
  if (!parent) {
    detail::nil_context_parent();
  }
  return make<detail::without_cancel_node>(parent);
}

// ---- after_func -----------------------------------------------------------------------------------------------------

stop_func after_cancel(const context& ctx, detail::after_call* call) {
  stop_func stop;
  stop.call_ = call;  // its own share; the list's is given up if it comes to that
  struct share {
    detail::after_call* it;
    ~share() {
      if (it != nullptr) {
        detail::release(it);
      }
    }
  } listed{call};
  if (!ctx) {
    detail::nil_context();
  }
  const detail::cancel_source source = detail::source_of(access::object(ctx));
  if (source.node != nullptr) {
    stop.of_ = detail::handle_of(*source.node);
  } else if (source.other != nullptr) {
    stop.of_ = with_cancel(ctx).first;
    stop.foreign_ = true;
  } else {
    return stop;  // it will never be called
  }
  detail::follow(*std::exchange(listed.it, nullptr), detail::node_of(stop.of_));
  return stop;
}

stop_func::stop_func(const stop_func& other) noexcept : of_(other.of_), call_(other.call_), foreign_(other.foreign_) {
  if (call_ != nullptr) {
    call_->holders.fetch_add(1, std::memory_order_relaxed);  // relaxed: `other` holds it
  }
}
stop_func::~stop_func() {
  if (call_ != nullptr) {
    detail::release(call_);
  }
}

bool stop_func::operator()() const {
  if (call_ == nullptr) {
    detail::nil_context();
  }
  // acq_rel: one of this and of a cancellation decides.
  if (call_->decided.exchange(true, std::memory_order_acq_rel)) {
    return false;
  }
  if (of_) {
    detail::cancel_node& node = detail::node_of(of_);
    node.lock.lock();
    const bool listed = call_->up.load(std::memory_order_relaxed) != nullptr;  // relaxed: under the lock
    if (listed) {
      node.remove(*call_);
      call_->up.store(nullptr, std::memory_order_relaxed);  // relaxed: under the lock
    }
    node.lock.unlock();
    if (listed) {
      detail::release(call_);
    }
  }
  call_->forget();
  if (foreign_) {
    detail::node_of(of_).cancel(canceled, nullptr);
  }
  return true;
}

constinit const errors::sentinel canceled{"context canceled"};
constinit const errors::sentinel deadline_exceeded{"context deadline exceeded", true};

}  // namespace context

}  // namespace gossamer::inline v0
