// Runs one situation: see situations.hpp.
#include "situations.hpp"

// What the body has left on the stack is nobody's, but looks like handles.
[[gnu::noinline]] static void wipe_stack() {
  volatile char room[16384];
  for (volatile char& c : room) {
    c = 0;
  }
}

int main(int argc, char** argv) {
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
      });
    }
  }
  return wanted == "--list" ? 0 : 1;
}
