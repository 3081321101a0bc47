// http/header: the fields of a message.
// Source: Go's http.Header and textproto. Differs: fields keep the order in which they came; values are handed out as
// views.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../detail/config.hpp"

namespace gossamer::inline v0::http {

// `content-type` as `Content-Type`: the first letter, and each behind a hyphen, upper case, all others lower. What is
// no token stays as it is.
[[nodiscard]] GOSSAMER_API std::string canonical_header_key(std::string_view name);

// The fields of a request or an answer. Names are compared without regard to case, and kept in canonical spelling. A
// field may stand several times, each with a value of its own. A value, copied deep; for one fiber at a time.
//
// Views of values are good until that field is set or deleted, or the header ends; adding others moves none.
class GOSSAMER_API header {
 public:
  // A name, in canonical spelling, and one value.
  struct field {
    std::string name;
    std::string value;
  };
  // Over all fields, in their order. Good until one is added or deleted.
  class const_iterator {
   public:
    using value_type = field;
    using reference = const field&;
    using pointer = const field*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    const_iterator() noexcept = default;
    explicit const_iterator(const std::unique_ptr<field>* at) noexcept : at_(at) {}
    reference operator*() const noexcept { return **at_; }
    pointer operator->() const noexcept { return at_->get(); }
    const_iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    const_iterator operator++(int) noexcept { return const_iterator(at_++); }
    friend bool operator==(const_iterator a, const_iterator b) noexcept = default;

   private:
    const std::unique_ptr<field>* at_ = nullptr;
  };

  header() noexcept = default;
  header(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);
  header(const header& other);
  header(header&& other) noexcept;
  header& operator=(const header& other);
  header& operator=(header&& other) noexcept;
  ~header();

  // The first value; empty where there is none.
  std::string_view get(std::string_view name) const noexcept;
  // All values, in their order.
  std::vector<std::string_view> values(std::string_view name) const;
  bool has(std::string_view name) const noexcept;
  // Puts it in the place of all of that name.
  void set(std::string_view name, std::string_view value);
  // One more, behind all others.
  void add(std::string_view name, std::string_view value);
  // Removes all of that name.
  void del(std::string_view name);
  void clear() noexcept;

  // The number of fields: a name that stands twice counts twice.
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const_iterator begin() const noexcept { return const_iterator(fields_.data()); }
  const_iterator end() const noexcept { return const_iterator(fields_.data() + size_); }

 private:
  field& append();
  // The first `size_` count; the others, and their memory, are there for the next ones.
  std::vector<std::unique_ptr<field>> fields_;
  std::size_t size_ = 0;
};

}  // namespace gossamer::inline v0::http
