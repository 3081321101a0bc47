// text: contexts as Go prints them: each by what it was made with, from the first one on.
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "context/node.hpp"

namespace gossamer::inline v0::context {

namespace {

using access = detail::context_access;
using kind = access::kind;

// `n` in units of 10^digits, without the zeros at its end: 1.5
void append_decimal(std::string& to, std::uint64_t n, int digits) {
  std::string text;
  detail::append_unsigned(text, n);
  if (text.size() <= static_cast<std::size_t>(digits)) {
    text.insert(0, static_cast<std::size_t>(digits) + 1 - text.size(), '0');
  }
  text.insert(text.size() - static_cast<std::size_t>(digits), 1, '.');
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  to += text;
}

// +12.3
void append_seconds(std::string& to, time::duration d) {
  to += d.count() < 0 ? '-' : '+';
  append_decimal(to, static_cast<std::uint64_t>(d.count() < 0 ? -(d.count() + 1) : d.count()), 9);
}

// Source: Go's Duration.String: 1h15m30.918s, 1.5ms, 0s.
void append_duration(std::string& to, time::duration d) {
  std::uint64_t n = static_cast<std::uint64_t>(d.count());
  if (d.count() < 0) {
    to += '-';
    n = 0 - n;
  }
  constexpr std::uint64_t second = 1'000'000'000;
  if (n == 0) {
    to += "0s";
  } else if (n < 1'000) {
    append_decimal(to, n, 0);
    to += "ns";
  } else if (n < 1'000'000) {
    append_decimal(to, n, 3);
    to += "µs";
  } else if (n < second) {
    append_decimal(to, n, 6);
    to += "ms";
  } else {
    const std::uint64_t minutes = n / second / 60;
    if (minutes >= 60) {
      detail::append_unsigned(to, minutes / 60);
      to += 'h';
    }
    if (minutes > 0) {
      detail::append_unsigned(to, minutes % 60);
      to += 'm';
    }
    append_decimal(to, n % (60 * second), 9);
    to += 's';
  }
}

void append_last(std::string& to, const interface& i) {
  switch (access::kind_of(i)) {
    case kind::root:
      to += &i == access::object(todo()) ? "context.todo" : "context.background";
      return;
    case kind::foreign:
      to += i.text();
      return;
    case kind::without_cancel:
      to += ".without_cancel";
      return;
    case kind::value:
      to += ".with_value(";
      static_cast<const detail::value_node&>(i).append_pair(to);
      to += ')';
      return;
    case kind::cancel:
      if (detail::node_of(i).is_timed) {
        const time::time_point when = static_cast<const detail::timed_node&>(i).when;
        to += ".with_deadline(m=";
        append_seconds(to, when.time_since_epoch());
        to += " [";
        append_duration(to, time::until(when));
        to += "])";
      } else {
        to += ".with_cancel";
      }
      return;
  }
}

}  // namespace

std::string interface::text() const { return detail::name_of(typeid(*this)); }

std::string context::text() const {
  if (object_ == nullptr) {
    detail::nil_context();
  }
  std::vector<const interface*> chain;
  for (const interface* i = object_; i != nullptr; i = i->parent_.object_) {
    chain.push_back(i);
    if (i->kind_ == kind::foreign) {
      break;
    }
  }
  std::string text;
  for (auto i = chain.rbegin(); i != chain.rend(); ++i) {
    append_last(text, **i);
  }
  return text;
}

}  // namespace gossamer::inline v0::context
