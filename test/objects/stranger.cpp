// A program that knows nothing of gossamer, and loads a module that does. usage: stranger MODULE
#include <dlfcn.h>

#include <cstdio>

int main(int argc, char** argv) {
  for (int round = 0; round < 2; ++round) {
    void* const module = argc == 2 ? ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (module == nullptr) {
      std::printf("not ok: %s\n", ::dlerror());
      return 1;
    }
    const auto run_fibers = reinterpret_cast<int (*)()>(::dlsym(module, "run_fibers"));
    if (run_fibers == nullptr || run_fibers() != 4) {
      return 1;
    }
    ::dlclose(module);  // the library's threads stay, and so must its code
  }
  std::printf("ok\n");
  return 0;
}
