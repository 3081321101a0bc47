// shutdown_context: a signal cancels a context, and with it everything that was given the context.
// Pattern: graceful shutdown with signal.NotifyContext, since Go 1.16.
//
//   $ tools/dev run shutdown_context
//   working
//   terminated signal received
//   the work is saved
#include <gossamer/gossamer.hpp>

#include <unistd.h>
#include <csignal>
#include <cstdio>

using namespace gossamer;

void work(const context::context& ctx) {
  while (time::sleep_for(1ms, ctx)) continue;  // a piece of work
}

int main() {
  return run([] {
    auto [ctx, stop] = signal::notify_context(context::background(), SIGINT, SIGTERM);
    defer d1{stop};

    sync::wait_group wg;
    wg.go(work, ctx);
    std::puts("working");

    ::kill(::getpid(), SIGTERM);  // in the place of `kill PID`
    ctx.done().recv();
    stop();  // from here on the next signal ends the program at once, for who has no patience
    std::printf("%s\n", context::cause(ctx).text().c_str());
    wg.wait();
    std::puts("the work is saved");
  });
}
