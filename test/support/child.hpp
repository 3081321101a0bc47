// child: programs that end in a way that a test cannot survive. They are other faces of the test binary, which starts
// itself anew (a fork without exec is not safe where there are threads).
//
//   CHILD_PROGRAM("unlocks twice") { return gossamer::run([] { … }); }
//   PLAIN_TEST("…") { CHECK(support::run_child("unlocks twice").code == 2); }
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

struct child_result {
  int code = -1;           // its exit code, if it exited
  int signal = 0;          // what killed it otherwise
  bool timed_out = false;  // it was killed because it hung
  std::string out;
  std::string err;
  std::chrono::milliseconds took{};

  bool exited_with(int wanted) const { return !timed_out && signal == 0 && code == wanted; }
};

using environment = std::vector<std::pair<std::string, std::string>>;

// Runs it to its end, or for 60 s. `extra` replaces variables of the environment.
child_result run_child(std::string_view name, const environment& extra = {});

// Starts the test binary with that argument, as run_child() does, by way of a command: that command runs what follows
// its own words, as `env` does.
child_result run_self_by(const std::vector<std::string>& command, const std::string& argument,
                         const environment& extra = {});

struct child_program {
  child_program(const char* name, int (*body)());
  const char* name;
  int (*body)();
  child_program* next;
};

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }
inline bool starts_with(std::string_view text, std::string_view part) { return text.substr(0, part.size()) == part; }
inline int count_of(std::string_view text, std::string_view part) {
  int n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) {
    ++n;
  }
  return n;
}

}  // namespace support

#define CHILD_PROGRAM(name) SUPPORT_CHILD_(name, DOCTEST_ANONYMOUS(child_body_), DOCTEST_ANONYMOUS(child_program_))
#define SUPPORT_CHILD_(name, body, program)                 \
  static int body();                                        \
  static const support::child_program program{name, &body}; \
  static int body()
