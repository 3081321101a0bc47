// node: a context that can be cancelled, and its place in the tree.
//
// A node is held by its handles: contexts, cancel functions, its timer, its children. The list of its children holds
// none of them, with two exceptions: calls of after_func(), and children that nobody holds any more but that somebody
// may still notice (`orphan`: it has such calls, or its channel is held). Those are freed when they are cancelled, or
// with their parent, when nobody is left who could.
//
// Locks: a parent's before its child's. A cancellation holds those from the first node down to the one it is at, so
// that a second one of any of them returns only when that subtree is cancelled (CX2). No code of a user runs under a
// lock: after_func() has fibers of its own, and what may end a user's object is put off until all locks are released.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "gossamer/chan.hpp"
#include "gossamer/context.hpp"
#include "gossamer/error.hpp"
#include "gossamer/sync/mutex.hpp"
#include "gossamer/time.hpp"

namespace gossamer::inline v0::detail {

// By this key a context of any type gives away the node that it comes from, if it hands on what it does not know.
struct cancel_key {
  friend bool operator==(cancel_key, cancel_key) = default;
};

struct leftovers;

struct cancel_node : context::interface, context_link {
  enum class phase : std::uint8_t {
    live,
    marked,  // err and cause are set; done is about to be closed
    closed,
  };

  explicit cancel_node(const context::context& parent, bool timed = false) noexcept;
  ~cancel_node() override = default;

  // Its done(), which is made when it is first asked for. One that was cancelled before that has the one for all such.
  const chan<void>& channel() {
    // acquire: pairs with the releases in make_channel() and mark().
    if (!has_channel.load(std::memory_order_acquire)) {
      make_channel();
    }
    return done_channel ? done_channel : closed_channel();
  }
  // Its err().
  error reason() const;

  // Cancels it and all below it, unless it is; either way they are when this returns. It leaves its parent.
  // A nil cause is e.
  void cancel(const error& e, const error& cause);

  // What it looks for in a parent of another type's done(): where the cancellation comes from if not from a node.
  struct foreign {
    context::context node{};        // keeps the node whose list this one is in
    context::stop_callback stop{};  // what the parent's after_func() returned
  };

  const bool is_timed;                            // it is a timed_node
  const std::uint32_t bubble = current_bubble();  // in which it was made
  std::atomic<phase> state{phase::live};
  std::atomic<bool> has_channel{false};
  bool orphan = false;  // guarded by the parent's lock; nobody but the parent's list holds it
  sync::mutex lock;
  // Guarded by lock, but constant once the flag that goes with it is set: has_channel, state.
  chan<void> done_channel;  // nil where has_channel: it was closed before it was made
  error err;
  error why;
  // Guarded by lock.
  context_link* first = nullptr;  // of the children, a ring
  std::unique_ptr<foreign> from;

  // Under lock.
  void push(context_link& child) noexcept;
  void remove(context_link& child) noexcept;
  context_link* take_all() noexcept;  // linked by `next` up to null

  void mark(const error& e, const error& cause);
  void cancel_below(leftovers& left);
  void cancel_rest();
  void leave_parent() noexcept;

 private:
  void make_channel();
  static const chan<void>& closed_channel();
};

struct timed_node final : cancel_node {
  timed_node(const context::context& parent, time::time_point tp) noexcept;

  const time::time_point when;
  time::timer timer;  // guarded by lock; its function holds this node
};

inline cancel_node& node_of(const context::interface& i) noexcept {
  return static_cast<cancel_node&>(const_cast<context::interface&>(i));
}
// Panics if it is nil.
cancel_node& node_of(const context::context& ctx);
inline context::context handle_of(const cancel_node& n) noexcept { return context_access::own(&n); }

// Where a context's cancellation comes from: a node, or a context of another type, or nowhere.
struct cancel_source {
  cancel_node* node = nullptr;
  const context::interface* other = nullptr;
};
cancel_source source_of(const context::interface* i) noexcept;

// Makes the cancellation of parent cancel the child, which nobody else knows yet.
void follow(cancel_node& child, const context::context& parent);
// The same for a call; from a node that is cancelled already it starts at once. Takes over the list's share of it.
void follow(after_call& call, cancel_node& parent) noexcept;

// Nobody has a handle to it any more, but its parents are still alive.
void let_go(cancel_node* n) noexcept;
// Gives up one of its two shares.
void release(after_call* call) noexcept;

[[noreturn]] void nil_context();

}  // namespace gossamer::inline v0::detail
