// announced_trailers: the trailers that a message's head has named.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/header.hpp"

namespace gossamer::inline v0::http {

// Each has a place among the trailers, with an empty value, until it comes. For one message.
class announced_trailers {
 public:
  // Where a peer lists more, no name is announced: all come unannounced.
  static constexpr std::size_t most = 500;

  // A value of `Trailer`.
  void list(std::string_view value);
  // Whether it has been listed.
  bool has(std::string_view name) const noexcept;
  // Leaves only those that may be trailers.
  void drop_others();
  // All have been listed: gives each its place.
  void announce(header& trailer);
  // One has come: puts it in its place, or behind the others.
  void put(header& trailer, std::string_view name, std::string_view value);

 private:
  std::vector<std::string> names_;  // sorted by announce(); those that have come are no longer in it
  bool too_many_ = false;
};

}  // namespace gossamer::inline v0::http
