// context: switching stacks, by Boost.Context's fcontext.
//
// A switch is `jump(to, data, hook)`: it saves the caller, goes to `to`, and runs hook(transfer) on the target's stack
// before any of the target's own frames go on. The transfer holds the caller's saved context and `data`.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace gossamer::inline v0::machine {

using context = boost::context::detail::fcontext_t;
using transfer = boost::context::detail::transfer_t;
using hook = transfer (*)(transfer);
using entry = void (*)(transfer);

// A context whose first run calls e (after the hook of the jump that reaches it). e must not return.
inline context make_context(void* stack_top, std::size_t bytes, entry e) noexcept {
  return boost::context::detail::make_fcontext(stack_top, bytes, e);
}

inline void jump(context to, void* data, hook h) noexcept { boost::context::detail::ontop_fcontext(to, data, h); }

}  // namespace gossamer::inline v0::machine
