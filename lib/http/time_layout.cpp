#include "http/time_layout.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "gossamer/errors.hpp"
#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

using std::string_view;

constexpr std::array<string_view, 7> day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
constexpr std::array<string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Longer ones before those that they begin with.
constexpr std::array<string_view, 11> elements = {"Monday", "Mon", "MST", "Jan", "2006", "_2",
                                                  "02",     "04",  "05",  "06",  "15"};

bool takes(string_view& s, string_view what) noexcept {
  if (!s.starts_with(what)) {
    return false;
  }
  s.remove_prefix(what.size());
  return true;
}

void drop_blanks(string_view& s) noexcept { s.remove_prefix(std::min(s.find_first_not_of(' '), s.size())); }

// What stands between elements. A blank stands for any number of them, and for none at the end of s.
bool take_between(string_view& s, string_view between) noexcept {
  while (!between.empty()) {
    if (between.front() == ' ') {
      if (!s.empty() && s.front() != ' ') {
        return false;
      }
      drop_blanks(between);
      drop_blanks(s);
      continue;
    }
    if (!takes(s, between.substr(0, 1))) {
      return false;
    }
    between.remove_prefix(1);
  }
  return true;
}

bool has_digit(string_view s, std::size_t at) noexcept { return at < s.size() && is_digit(s[at]); }

// One digit or two; `both`: two.
std::optional<int> take_number(string_view& s, bool both) noexcept {
  if (!has_digit(s, 0) || (both && !has_digit(s, 1))) {
    return {};
  }
  int n = s[0] - '0';
  s.remove_prefix(1);
  if (has_digit(s, 0)) {
    n = n * 10 + (s[0] - '0');
    s.remove_prefix(1);
  }
  return n;
}

std::optional<int> take_digits(string_view& s, std::size_t count) noexcept {
  int n = 0;
  for (std::size_t i = 0; i < count; i++) {
    if (!has_digit(s, i)) {
      return {};
    }
    n = n * 10 + (s[i] - '0');
  }
  s.remove_prefix(count);
  return n;
}

// The place of the first name that s begins with, of which `length` letters count.
template <std::size_t N>
std::optional<int> take_name(string_view& s, const std::array<string_view, N>& names, std::size_t length) noexcept {
  for (std::size_t i = 0; i < N; i++) {
    const string_view name = names[i].substr(0, length);
    if (s.size() >= name.size() && same_name(s.substr(0, name.size()), name)) {
      s.remove_prefix(name.size());
      return static_cast<int>(i);
    }
  }
  return {};
}

// `+3`, `-11`: its length; 0 if it is none.
std::size_t offset_length(string_view s) noexcept {
  if (s.empty() || (s[0] != '+' && s[0] != '-')) {
    return 0;
  }
  std::size_t n = 1;
  int hours = 0;
  while (has_digit(s, n) && hours < 24) {
    hours = hours * 10 + (s[n++] - '0');
  }
  return n > 1 && hours < 24 ? n : 0;
}

// The length of a zone's name; 0 if it is none.
std::size_t zone_length(string_view s) noexcept {
  if (s.starts_with("UTC")) {
    return 3;
  }
  if (s.starts_with("ChST") || s.starts_with("MeST")) {
    return 4;
  }
  if (s.starts_with("GMT")) {
    return 3 + offset_length(s.substr(3));
  }
  if (s.size() >= 3 && (s[0] == '+' || s[0] == '-')) {
    return offset_length(s);
  }
  std::size_t upper_case = 0;
  while (upper_case < 6 && upper_case < s.size() && s[upper_case] >= 'A' && s[upper_case] <= 'Z') {
    upper_case++;
  }
  const bool is_zone = upper_case == 3 || (upper_case == 5 && s[4] == 'T') ||
                       (upper_case == 4 && (s[3] == 'T' || s.starts_with("WITA")));
  return is_zone ? upper_case : 0;
}

std::string quote(string_view s) {
  constexpr string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte < ' ') {
      out += {'\\', 'x', hex[byte >> 4U], hex[byte & 15U]};
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + '"';
}

class reading {
 public:
  reading(string_view layout, string_view text) noexcept : layout_(layout), text_(text), rest_(text) {}

  std::pair<std::chrono::sys_seconds, gossamer::error> all() {
    for (string_view left = layout_;;) {
      std::size_t at = 0;
      string_view element;
      while (at < left.size() && (element = element_at(left.substr(at))).empty()) {
        at++;
      }
      if (const string_view between = left.substr(0, at); !take_between(rest_, between)) {
        return {{}, wrong(rest_, between)};
      }
      if (element.empty()) {
        break;
      }
      left.remove_prefix(at + element.size());
      const string_view before = rest_;
      if (!take(element)) {
        return {{}, wrong(before, element)};
      }
      if (beyond_ != nullptr) {
        return {{}, errors::make("parsing time ", quote(text_), ": ", beyond_, " out of range")};
      }
    }
    if (!rest_.empty()) {
      return {{}, errors::make("parsing time ", quote(text_), ": extra text: ", quote(rest_))};
    }
    const std::chrono::year_month_day date =
        std::chrono::year(year_) / std::chrono::month(month_) / std::chrono::day(day_);
    if (!date.ok()) {
      return {{}, errors::make("parsing time ", quote(text_), ": day out of range")};
    }
    return {std::chrono::sys_days(date) + std::chrono::hours(hour_) + std::chrono::minutes(minute_) +
                std::chrono::seconds(second_),
            nullptr};
  }

 private:
  static string_view element_at(string_view s) noexcept {
    for (const string_view e : elements) {
      if (s.starts_with(e)) {
        return e;
      }
    }
    return {};
  }

  gossamer::error wrong(string_view at, string_view element) const {
    return errors::make("parsing time ", quote(text_), " as ", quote(layout_), ": cannot parse ", quote(at), " as ",
                        quote(element));
  }

  bool take(string_view element) noexcept {
    if (element == "Mon" || element == "Monday") {
      return take_name(rest_, day_names, element == "Mon" ? 3 : string_view::npos).has_value();
    }
    if (element == "Jan") {
      return put(month_, take_name(rest_, month_names, 3), 1);
    }
    if (element == "2006") {
      return put(year_, take_digits(rest_, 4));
    }
    if (element == "06") {
      const bool ok = put(year_, take_digits(rest_, 2), 1900);
      year_ += ok && year_ < 1969 ? 100 : 0;  // as Unix counts: 1969 to 2068
      return ok;
    }
    if (element == "MST") {
      const std::size_t length = zone_length(rest_);
      rest_.remove_prefix(length);
      return length > 0;
    }
    if (element == "_2" || element == "02") {
      if (element == "_2") {
        takes(rest_, " ");
      }
      return put(day_, take_number(rest_, element == "02"));
    }
    return take_clock(element);
  }

  bool take_clock(string_view element) noexcept {
    if (element == "15") {
      return put_below(24, "hour", hour_, take_number(rest_, false));
    }
    if (element == "04") {
      return put_below(60, "minute", minute_, take_number(rest_, true));
    }
    const bool ok = put_below(60, "second", second_, take_number(rest_, true));
    if (ok && beyond_ == nullptr && rest_.size() > 1 && (rest_[0] == '.' || rest_[0] == ',') && is_digit(rest_[1])) {
      rest_.remove_prefix(1);
      rest_.remove_prefix(std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
    }
    return ok;
  }

  template <class T>
  static bool put(T& to, std::optional<int> n, int more = 0) noexcept {
    if (n) {
      to = static_cast<T>(*n + more);
    }
    return n.has_value();
  }
  bool put_below(int limit, const char* what, int& to, std::optional<int> n) noexcept {
    if (n && *n >= limit) {
      beyond_ = what;
    }
    return put(to, n);
  }

  string_view layout_, text_, rest_;
  const char* beyond_ = nullptr;
  int year_ = 0;
  unsigned month_ = 1, day_ = 1;
  int hour_ = 0, minute_ = 0, second_ = 0;
};

}  // namespace

std::pair<std::chrono::sys_seconds, gossamer::error> parse_layout(std::string_view layout, std::string_view text) {
  return reading(layout, text).all();
}

}  // namespace gossamer::inline v0::http
