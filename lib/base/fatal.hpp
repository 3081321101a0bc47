// fatal: the end of the process for a reason that no program can handle. Reports go to stderr by write(2), with exit
// code 2, as Go's do.
#pragma once

#include <string_view>

#include "base/knob.hpp"
#include "gossamer/detail/config.hpp"

namespace gossamer::inline v0::base {

// Writes all of `text` to stderr; once a report has begun to the crash output, too.
void print_error(std::string_view text) noexcept;

// The number of an open file that gets reports as well, or -1: none. Returns the one before, which is the caller's
// then.
int set_crash_output(int number) noexcept;
// Where there is one and a report has begun: true if it took all. What it does not take is lost, and so is what
// follows.
bool print_to_crash_output(std::string_view text) noexcept;
// Whether one has; it may be using the crash output.
bool report_has_begun() noexcept;

// The calling thread is about to report why the process ends. It returns for the first that calls it, whenever that
// one does; any other waits here for the end, so that two reports never mix.
void begin_report() noexcept;

// Returns at once, unless another thread has begun a report: then it waits for the end, so that no other code of exit
// comes first.
void give_way_to_report() noexcept;

// In the child of a fork(): the thread that had begun a report is not there.
void forget_report() noexcept;

// Writes what is buffered in stdout, unless another thread is in the middle of it, and ends the process.
[[noreturn]] void quit(int code) noexcept;

// How much reports show; written once, when the runtime starts.
extern traceback traceback_level;

// The end of a fatal report: exit code 2; or SIGABRT, where a core is wanted (traceback::crash).
[[noreturn]] void end_report() noexcept;

// `fatal error: TEXT`, exit code 2. The fiber that it stands in is named where there is one (see on_fatal).
[[noreturn]] void fatal(std::string_view text) noexcept;

// Prints who is running: called by every fatal report after its first line. Defined by a higher rank (lib/sched), by a
// strong symbol, so that a static archive cannot drop it.
void on_fatal() noexcept;

}  // namespace gossamer::inline v0::base
