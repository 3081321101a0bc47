// A user's program with Asio on the runtime's io_context.
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <gossamer/asio.hpp>
#include <gossamer/gossamer.hpp>

using namespace gossamer;

int main() {
  return run([] {
    boost::asio::steady_timer timer(runtime::io_context(), 1ms);
    timer.async_wait(use_fiber);
    std::puts("waited");
  });
}
