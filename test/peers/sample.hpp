// sample: samples that need a peer. They are compared with what their head comments promise, as the others are.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/os/command.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "fiber_test.hpp"

namespace peers {

// SAMPLES and SAMPLE_SOURCES name the folders of executables and of sources, SAMPLE_ENDING the end of an executable's
// name, if it has one; `extra` is added to the environment.
inline void check_sample(const std::string& name, const std::vector<std::string>& extra) {
  const char* const built = std::getenv("SAMPLES");
  const char* const sources = std::getenv("SAMPLE_SOURCES");
  CHECK((built != nullptr && sources != nullptr));
  if (built == nullptr || sources == nullptr) {
    return;
  }
  const char* const ending = std::getenv("SAMPLE_ENDING");
  const std::string program = std::string(built) + "/" + name + (ending != nullptr ? ending : "");
  const std::string from = std::string(sources) + "/";
  gossamer::os::command c("python3", from + "run_samples.py", program, from + name + ".cpp");
  c.env = c.environ();
  c.env->insert(c.env->end(), extra.begin(), extra.end());
  const auto [said, err] = c.combined_output();
  CHECK_MESSAGE(err == gossamer::nil, said);
}

}  // namespace peers
