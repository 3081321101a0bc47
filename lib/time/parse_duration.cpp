// parse_duration: see gossamer/time.hpp.
#include <cstdint>
#include <limits>
#include <optional>

#include "gossamer/errors.hpp"
#include "gossamer/time.hpp"

namespace gossamer::inline v0::time {

namespace {

// One more than the largest duration: what the smallest one is without its sign.
constexpr std::uint64_t most = std::uint64_t{1} << 63;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Source: Go's time.quote: bytes that are not printable, and those of characters beyond ASCII, as \xNN.
std::string quote(std::string_view s) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte < ' ') {
      quoted += {'\\', 'x', digits[byte >> 4], digits[byte & 0xf]};
    } else {
      if (c == '"' || c == '\\') {
        quoted += '\\';
      }
      quoted += c;
    }
  }
  return quoted + '"';
}

// Of one unit in nanoseconds; 0 for what is none. There are two characters for micro: U+00B5, and the Greek U+03BC.
std::uint64_t unit_of(std::string_view name) noexcept {
  constexpr std::pair<std::string_view, duration> units[] = {{"ns", nanosecond},
                                                             {"us", microsecond},
                                                             {"\u00b5s", microsecond},
                                                             {"\u03bcs", microsecond},
                                                             {"ms", millisecond},
                                                             {"s", second},
                                                             {"m", minute},
                                                             {"h", hour}};
  for (const auto& [unit, d] : units) {
    if (unit == name) {
      return static_cast<std::uint64_t>(d.count());
    }
  }
  return 0;
}

// Takes the digits at the beginning of s off. None if they are more than `most`.
std::optional<std::uint64_t> take_integer(std::string_view& s) noexcept {
  std::uint64_t n = 0;
  for (; !s.empty() && is_digit(s[0]); s.remove_prefix(1)) {
    if (n > most / 10) {
      return std::nullopt;
    }
    n = n * 10 + static_cast<std::uint64_t>(s[0] - '0');
    if (n > most) {
      return std::nullopt;
    }
  }
  return n;
}

struct fraction {
  std::uint64_t digits = 0;
  double scale = 1;  // the fraction is digits / scale
};

// The same behind a point. Digits that do not fit any more are left out.
fraction take_fraction(std::string_view& s) noexcept {
  fraction f;
  bool full = false;
  for (; !s.empty() && is_digit(s[0]); s.remove_prefix(1)) {
    full = full || f.digits > (most - 1) / 10;
    if (full) {
      continue;
    }
    const std::uint64_t next = f.digits * 10 + static_cast<std::uint64_t>(s[0] - '0');
    full = next > most;
    if (!full) {
      f.digits = next;
      f.scale *= 10;
    }
  }
  return f;
}

struct part {
  std::uint64_t nanoseconds = 0;
  const char* wrong = nullptr;  // in Go's words
  std::string_view unit{};      // which is not known
};

constexpr const char* invalid = "invalid duration ";

// Takes `1.5h` off.
part take_part(std::string_view& s) noexcept {
  const std::string_view before = s;
  const auto whole = take_integer(s);
  if (!whole) {
    return {0, invalid};
  }
  bool digits = s.size() != before.size();
  fraction rest;
  if (s.starts_with('.')) {
    s.remove_prefix(1);
    const std::size_t left = s.size();
    rest = take_fraction(s);
    digits = digits || s.size() != left;
  }
  if (!digits) {
    return {0, invalid};
  }
  const std::string_view name = s.substr(0, s.find_first_of(".0123456789"));
  if (name.empty()) {
    return {0, "missing unit in duration "};
  }
  s.remove_prefix(name.size());
  const std::uint64_t unit = unit_of(name);
  if (unit == 0) {
    return {0, "unknown unit ", name};
  }
  if (*whole > most / unit) {
    return {0, invalid};
  }
  // In floating point, as Go computes it: exact to the nanosecond for the digits that an hour can have.
  const double more = static_cast<double>(rest.digits) * (static_cast<double>(unit) / rest.scale);
  return {*whole * unit + static_cast<std::uint64_t>(more)};
}

error make_error(const part& p, std::string_view whole) {
  std::string text = std::string("time: ") + p.wrong;
  if (!p.unit.empty()) {
    text += quote(p.unit) + " in duration ";
  }
  return errors::make_text(text + quote(whole));
}

}  // namespace

// Source: Go's time.ParseDuration.
std::pair<duration, error> parse_duration(std::string_view s) {
  const std::string_view whole = s;
  const bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) {
    s.remove_prefix(1);
  }
  if (s == "0") {
    return {duration(0), nullptr};
  }
  part p;
  std::uint64_t total = 0;
  p.wrong = s.empty() ? invalid : nullptr;
  while (!s.empty() && p.wrong == nullptr) {
    p = take_part(s);
    if (p.nanoseconds > most || total + p.nanoseconds > most) {
      p.wrong = invalid;
    }
    total += p.nanoseconds;
  }
  if (p.wrong == nullptr && total == most && !negative) {
    p.wrong = invalid;
  }
  if (p.wrong != nullptr) {
    return {duration(0), make_error(p, whole)};
  }
  return {duration(static_cast<std::int64_t>(negative ? 0 - total : total)), nullptr};
}

}  // namespace gossamer::inline v0::time
