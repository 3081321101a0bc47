#include "gossamer/http/header.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "http/ascii.hpp"

namespace gossamer::inline v0::http {

namespace {

// Puts those that go behind the others, which keep their order; returns where they begin.
template <class At, class Goes>
At move_back(At first, At last, Goes goes) {
  At kept = first;
  for (; first != last; ++first) {
    if (!goes(*first)) {
      std::iter_swap(kept++, first);
    }
  }
  return kept;
}

}  // namespace

std::string canonical_header_key(std::string_view name) {
  std::string key(name);
  canonicalize(key);
  return key;
}

header::header(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  for (const auto& [name, value] : fields) {
    add(name, value);
  }
}

header::header(const header& other) {
  for (const field& f : other) {
    append() = f;
  }
}

header::header(header&& other) noexcept : fields_(std::move(other.fields_)), size_(std::exchange(other.size_, 0)) {}

header& header::operator=(const header& other) {
  if (this != &other) {
    clear();
    for (const field& f : other) {
      append() = f;
    }
  }
  return *this;
}

header& header::operator=(header&& other) noexcept {
  fields_.swap(other.fields_);
  std::swap(size_, other.size_);
  return *this;
}

header::~header() = default;

header::field& header::append() {
  if (size_ == fields_.size()) {
    fields_.push_back(std::make_unique<field>());
  }
  return *fields_[size_++];
}

std::string_view header::get(std::string_view name) const noexcept {
  const auto found = std::find_if(begin(), end(), [name](const field& f) { return same_name(f.name, name); });
  return found == end() ? std::string_view() : std::string_view(found->value);
}

std::vector<std::string_view> header::values(std::string_view name) const {
  std::vector<std::string_view> all;
  for (const field& f : *this) {
    if (same_name(f.name, name)) {
      all.emplace_back(f.value);
    }
  }
  return all;
}

bool header::has(std::string_view name) const noexcept {
  return std::any_of(begin(), end(), [name](const field& f) { return same_name(f.name, name); });
}

void header::set(std::string_view name, std::string_view value) {
  const auto is_it = [name](const std::unique_ptr<field>& f) { return same_name(f->name, name); };
  const auto last = fields_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto first = std::find_if(fields_.begin(), last, is_it);
  if (first == last) {
    add(name, value);
    return;
  }
  (*first)->value = value;  // std::string copes with a view of itself
  // Those behind it of the same name: to the end, past size_.
  size_ -= static_cast<std::size_t>(last - move_back(first + 1, last, is_it));
}

void header::add(std::string_view name, std::string_view value) {
  // `name` and `value` may be views of fields here: those do not move.
  field& f = append();
  f.name = name;
  f.value = value;
  canonicalize(f.name);
}

void header::del(std::string_view name) {
  const auto last = fields_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto goes = [name](const std::unique_ptr<field>& f) { return same_name(f->name, name); };
  size_ -= static_cast<std::size_t>(last - move_back(fields_.begin(), last, goes));
}

void header::clear() noexcept { size_ = 0; }

}  // namespace gossamer::inline v0::http
