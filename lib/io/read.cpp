// read: readers and writers as values, and reading to the end. See gossamer/io.hpp.
#include <algorithm>
#include <cassert>
#include <cerrno>

#include "gossamer/io.hpp"
#include "gossamer/panic.hpp"
#include "io/attempts.hpp"

namespace gossamer::inline v0::io {

namespace {

error of_nil() { return os::system_error(EINVAL); }

}  // namespace

result reader::read_some(std::span<std::byte> to) const {
  if (!its_) {
    return {0, of_nil()};
  }
  result r = its_->read(to);
  if (r.first > to.size()) {
    panic("io: a reader returned more than there was room for");
  }
  return r;
}

result writer::write_all(std::span<const std::byte> from) const {
  if (!its_) {
    return {0, of_nil()};
  }
  result r = its_->write(from);
  if (r.first > from.size()) {
    return {0, r.second ? std::move(r.second) : error(invalid_write)};
  }
  if (r.first < from.size() && !r.second) {
    r.second = short_write;
  }
  return r;
}

std::pair<std::string, error> read_all(const reader& from) {
  constexpr std::size_t first_room = 512;
  std::string all;
  std::size_t used = 0;
  for (;;) {
    if (used == all.size()) {
      all.resize(std::max(first_room, all.size() + all.size() / 2));
    }
    auto [n, err] = read_something(from, std::as_writable_bytes(std::span(all).subspan(used)));
    used += n;
    assert(used <= all.size());
    if (err) {
      all.resize(used);
      return {std::move(all), err == eof ? error() : std::move(err)};
    }
  }
}

result read_at_least_bytes(const reader& from, std::span<std::byte> to, std::size_t least) {
  if (to.size() < least) {
    return {0, short_buffer};
  }
  std::size_t got = 0;
  while (got < least) {
    auto [n, err] = read_something(from, to.subspan(got));
    got += n;
    assert(got <= to.size());
    if (err && got < least) {
      return {got, err == eof && got > 0 ? error(unexpected_eof) : std::move(err)};
    }
  }
  return {got, nullptr};
}

}  // namespace gossamer::inline v0::io
