// overflow: a recursion without end is reported by name, with the stack, whose middle is left out.
//
//   $ tools/dev run overflow
//   runtime: fiber stack exceeds 65536-byte limit
//   fatal error: stack overflow
//
//   fiber * [running]:
//   depth_of*
//   ...
//   ...* frames elided...
//   ...
//   created by *
//   ...
//   $ echo $?
//   2
#include <gossamer/gossamer.hpp>

using namespace gossamer;

struct tree {
  tree* left;
};

int depth_of(const tree& t) { return t.left == nullptr ? 0 : 1 + depth_of(*t.left) * (t.left == &t ? 1 : 2); }

int main() {
  return run([] {
    go(fiber_options{.stack_bytes = 64 << 10, .name = "measure"}, [] {
      tree loop{&loop};  // whose own child it is
      depth_of(loop);
    });
    select();
  });
}
