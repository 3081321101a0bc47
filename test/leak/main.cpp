// Runs one situation: see situations.hpp. Where BALLAST is set the process has so much memory that it is copied to be
// looked through; else it is looked through while all threads stand still.
#include <cstdlib>
#include <vector>

#include "situations.hpp"

// What the body has left on the stack is nobody's, but looks like handles.
[[gnu::noinline]] static void wipe_stack() {
  volatile char room[16384];
  for (volatile char& c : room) {
    c = 0;
  }
}

int main(int argc, char** argv) {
  const std::vector<char> ballast(std::getenv("BALLAST") != nullptr ? std::size_t{40} << 20 : 0, 'x');
  const std::string wanted = argc > 1 ? argv[1] : "--list";
  for (const situation& s : situations()) {
    if (wanted == "--list") {
      std::puts(s.name);
    } else if (wanted == s.name) {
      return run([&] {
        s.body();
        time::sleep(200ms);
        wipe_stack();
        show(s);
        asm volatile("" : : "r"(ballast.data()) : "memory");  // it is there until here
      });
    }
  }
  return wanted == "--list" ? 0 : 1;
}
