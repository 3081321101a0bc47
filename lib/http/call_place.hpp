// call_place: who has called, for the log.
#pragma once

#include <source_location>
#include <string>

namespace gossamer::inline v0::http {

// ` from FUNCTION (FILE:LINE)`.
inline std::string call_place(const std::source_location& where) {
  return std::string(" from ") + where.function_name() + " (" + where.file_name() + ":" + std::to_string(where.line()) +
         ")";
}

}  // namespace gossamer::inline v0::http
