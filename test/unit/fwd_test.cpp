// fwd.hpp: what it declares is what the headers define, and is enough to name a type where it is not used.
#include "gossamer/fwd.hpp"

namespace {

// As a user's header would: the types are incomplete here.
using namespace gossamer;

struct parts {
  chan<int>* numbers;
  recv_chan<parts>* of_its_own;
  fiber_local<parts>* local;
  void (*report)(error, channel_status);
};
int buffered(const send_chan<int>& to);
bool has_ended(const context::context& ctx);

}  // namespace

#include "gossamer/conc.hpp"
#include "gossamer/gossamer.hpp"
#include "gossamer/io.hpp"
#include "gossamer/net.hpp"
#include "gossamer/os/command.hpp"
#include "gossamer/os/file.hpp"

#include "fiber_test.hpp"

namespace {

// A name that no header defines has no size.
template <class... Types>
constexpr bool are_complete = ((sizeof(Types) > 0) && ...);

static_assert(are_complete<unit, channel_status, chan<int>, recv_chan<int>, send_chan<int>, selected, select_case>);
static_assert(are_complete<error, panic_error, defers, options, fiber_options, fiber_local<int>, errors::base,
                           errors::sentinel, wait::limit, wait::stop>);
static_assert(are_complete<context::context, context::interface, context::cancel_func, context::cancel_cause_func,
                           context::stop_func, errgroup::group, conc::barrier>);
static_assert(are_complete<io::reader, io::writer, net::conn, net::listener, net::packet_conn, net::dialer, os::command,
                           os::file, os::signal>);
static_assert(are_complete<rate::limiter, rate::reservation, semaphore::weighted, sync::cond, sync::mutex, sync::once,
                           sync::rw_mutex, sync::wait_group, gossamer::time::ticker, gossamer::time::timer>);

int buffered(const send_chan<int>& to) { return static_cast<int>(to.len()); }
bool has_ended(const context::context& ctx) { return ctx.err() != nullptr; }

}  // namespace

FIBER_TEST("what was declared by its name alone is what the headers define") {
  auto numbers = make_chan<int>(2);
  numbers << 1;
  CHECK(buffered(numbers) == 1);
  recv_chan<parts> none;
  fiber_local<parts> local;
  const parts all{&numbers, &none, &local, [](error, channel_status) {}};
  CHECK(*all.numbers == numbers);
  CHECK((*all.local)->numbers == nullptr);
  auto [ctx, cancel] = context::with_cancel(context::background());
  CHECK_FALSE(has_ended(ctx));
  cancel();
  CHECK(has_ended(ctx));
}
