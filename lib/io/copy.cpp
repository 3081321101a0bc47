// copy: see gossamer/io.hpp.
#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "gossamer/io.hpp"
#include "io/attempts.hpp"
#include "io/splice.hpp"

namespace gossamer::inline v0::io {

namespace {

constexpr std::int64_t everything = std::numeric_limits<std::int64_t>::max();

// Source: Go's copyBuffer.
copied copy_up_to(const writer& to, const reader& from, std::int64_t most) {
  if (auto done = splice_up_to(to, from, most)) {
    return std::move(*done);
  }
  const std::size_t size = static_cast<std::size_t>(std::clamp<std::int64_t>(most, 1, 32 * 1024));
  const auto room = std::make_unique_for_overwrite<std::byte[]>(size);
  std::int64_t total = 0;
  while (total < most) {
    const auto left = static_cast<std::uint64_t>(most - total);
    auto [n, read_error] = read_something(from, std::span(room.get(), std::min<std::uint64_t>(size, left)));
    if (n > 0) {
      auto [written, write_error] = to.write(std::span<const std::byte>(room.get(), n));
      total += static_cast<std::int64_t>(written);
      assert(total <= most);
      if (write_error) {
        return {total, std::move(write_error)};
      }
    }
    if (read_error) {
      return {total, read_error == eof ? error() : std::move(read_error)};
    }
  }
  return {total, nullptr};
}

}  // namespace

copied copy(const writer& to, const reader& from) {
  if (auto done = own_ways::write_to(from, to)) {
    return std::move(*done);
  }
  if (auto done = own_ways::read_from(to, from)) {
    return std::move(*done);
  }
  return copy_up_to(to, from, everything);
}

copied copy_n(const writer& to, const reader& from, std::int64_t n) {
  std::optional<copied> own = n > 0 ? own_ways::read_from(to, limit_reader(from, n)) : std::nullopt;
  copied done = own ? std::move(*own) : copy_up_to(to, from, n);
  if (done.first >= n) {
    done.second = nullptr;  // what came with the last of them is for the next read to say
  } else if (!done.second) {
    done.second = eof;
  }
  return done;
}

}  // namespace gossamer::inline v0::io
