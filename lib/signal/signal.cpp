// signal: see gossamer/signal.hpp.
// Source: Go's package os/signal. Differs: notify_context() has no fiber of its own.
#include "gossamer/signal.hpp"

#include <signal.h>

#include <string>
#include <vector>

#include "gossamer/panic.hpp"
#include "signal/relay.hpp"

namespace gossamer::inline v0::signal {

namespace {

// Its parent is the context that the signals cancel.
struct notified final : context::interface {
  notified(context::context child, context::context of, context::cancel_cause_func c,
           std::span<const os::signal> signals)
      : interface(std::move(child)),
        origin(std::move(of)),
        cancel(std::move(c)),
        named(signals.begin(), signals.end()) {
    registered = relay::one().notify(cancel, relay::catchable(signals));
  }

  std::string text() const override {
    std::string all = "signal.notify_context(" + origin.text();
    const char* before = ", [";
    for (const os::signal s : named) {
      all += before + s.text();
      before = " ";
    }
    return all + (named.empty() ? ")" : "])");
  }

  context::context origin;
  context::cancel_cause_func cancel;
  std::vector<os::signal> named;
  std::uint64_t registered;
};

}  // namespace

void notify(const send_chan<os::signal>& ch, std::span<const os::signal> signals) {
  if (ch == nullptr) {
    panic("os/signal: Notify using nil channel");
  }
  relay::one().notify(ch, relay::catchable(signals));
}

void stop(const send_chan<os::signal>& ch) { relay::one().stop(ch); }

void reset(std::span<const os::signal> signals) { relay::one().reset(relay::catchable(signals)); }

void ignore(std::span<const os::signal> signals) { relay::one().ignore(relay::catchable(signals)); }

bool ignored(os::signal s) noexcept {
  struct sigaction now{};
  return ::sigaction(s.number(), nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

std::pair<context::context, stop_func> notify_context(const context::context& parent,
                                                      std::span<const os::signal> signals) {
  auto [child, cancel] = context::with_cancel_cause(parent);
  stop_func stop;
  stop.of_ = context::make<notified>(child, parent, cancel, signals);
  return {stop.of_, stop};
}

void stop_func::operator()() const {
  const auto* const its = of_.as<notified>();
  if (its == nullptr) {
    detail::throw_runtime_error("runtime error: invalid memory address or nil pointer dereference");
  }
  its->cancel(relay::one().stop(its->registered));
}

}  // namespace gossamer::inline v0::signal
