// pprof_profiles: the profiles by name. See gossamer/http/pprof.hpp.
#pragma once

#include <span>
#include <string_view>

#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"

namespace gossamer::inline v0::http::pprof {

struct profile_kind {
  std::string_view name;
  std::string_view description;
  void (*serve)(const profile_kind& self, response_writer& w, request& r);
};

// By name.
std::span<const profile_kind> profiles() noexcept;
// 404 where there is none of that name.
void serve_profile(std::string_view name, response_writer& w, request& r);

// `leaks`, `goroutineleak`: pprof_leaks.cpp.
void serve_leaks(const profile_kind& self, response_writer& w, request& r);
void serve_goroutineleak(const profile_kind& self, response_writer& w, request& r);

// An answer of its own kind in place of a profile.
void refuse(response_writer& w, std::string_view text, int code);

}  // namespace gossamer::inline v0::http::pprof
