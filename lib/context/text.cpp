// text: contexts as Go prints them: each by what it was made with, from the first one on.
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "context/node.hpp"

namespace gossamer::inline v0::context {

namespace {

using access = detail::context_access;
using kind = access::kind;

// +12.3
void append_seconds(std::string& to, time::duration d) {
  to += d.count() < 0 ? '-' : '+';
  detail::append_decimal(to, static_cast<std::uint64_t>(d.count() < 0 ? -(d.count() + 1) : d.count()), 9);
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
        detail::append_text(to, time::until(when));
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

std::ostream& operator<<(std::ostream& to, const context& ctx) { return to << (ctx ? ctx.text() : "<nil>"); }

}  // namespace gossamer::inline v0::context
