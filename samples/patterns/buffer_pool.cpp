// buffer_pool: buffers are used again instead of being made for each message.
// Pattern: sync.Pool of bytes.Buffer, as in Go's fmt and many loggers.
//
//   $ tools/dev run buffer_pool
//   1000 messages, at most 8 buffers made
#include <gossamer/gossamer.hpp>

#include <atomic>
#include <cstdio>
#include <string>

using namespace gossamer;

int main() {
  return run([] {
    std::atomic<int> made = 0, messages = 0;
    sync::pool buffers{[&] {
      ++made;
      std::string s;
      s.reserve(1024);
      return s;
    }};

    sync::wait_group wg;
    for (int i = 0; i < 8; ++i) {
      wg.go([&] {
        for (int n = 0; n < 125; ++n) {
          std::string buffer = buffers.get();
          buffer.clear();  // whoever had it before has left something
          buffer += "message ";
          buffer += std::to_string(n);
          ++messages;
          buffers.put(std::move(buffer));
        }
      });
    }
    wg.wait();
    std::printf("%d messages, %s\n", messages.load(),
                made <= 8 ? "at most 8 buffers made" : "MORE THAN 8 BUFFERS MADE");
  });
}
