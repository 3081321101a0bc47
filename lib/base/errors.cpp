// errors: see gossamer/error.hpp and gossamer/errors.hpp.
#include "gossamer/errors.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <utility>

#include "gossamer/panic.hpp"

namespace gossamer::inline v0 {

namespace detail {

namespace {

template <class N>
void append_number(std::string& to, N n) {
  char digits[64];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, n);
  to.append(digits, end);
}

}  // namespace

void append_signed(std::string& to, long long n) { append_number(to, n); }
void append_unsigned(std::string& to, unsigned long long n) { append_number(to, n); }
void append_float(std::string& to, double n) { append_number(to, n); }

}  // namespace detail

namespace errors {

namespace {

class plain final : public base {
 public:
  explicit plain(std::string text) noexcept : text_(std::move(text)) {}
  std::string text() const override { return text_; }

 private:
  std::string text_;
};

class wrapped final : public base {
 public:
  wrapped(error inner, std::string text) noexcept : inner_(std::move(inner)), text_(std::move(text)) {}
  std::string text() const override { return text_ + ": " + inner_.text(); }
  bool timeout() const override { return inner_.timeout(); }
  error unwrap() const override { return inner_; }

 private:
  error inner_;
  std::string text_;
};

class joined final : public base {
 public:
  explicit joined(std::vector<error> all) noexcept : all_(std::move(all)) {}
  std::string text() const override {
    std::string lines;
    for (const error& e : all_) {
      lines += (lines.empty() && &e == all_.data() ? "" : "\n") + e.text();
    }
    return lines;
  }
  std::span<const error> unwrap_all() const override { return all_; }

 private:
  std::vector<error> all_;
};

}  // namespace

std::string code::text() const { return value_.message(); }
bool code::timeout() const { return value_ == std::errc::timed_out; }
bool code::is(const error& target) const {
  const auto* other = dynamic_cast<const code*>(target.get());
  return other != nullptr && other->value_ == value_;
}

error make_text(std::string text) { return plain(std::move(text)); }
error wrap_text(error inner, std::string text) { return wrapped(std::move(inner), std::move(text)); }

error join_all(std::vector<error> all) {
  std::erase(all, error());
  return all.empty() ? error() : error(joined(std::move(all)));
}

error unwrap(const error& err) { return err ? err.get()->unwrap() : error(); }

bool is(const error& err, const error& target) {
  if (!err || !target) {
    return err == target;
  }
  return walk(err, [&](const base& b) { return &b == target.get() || b.is(target); });
}

bool is(const error& err, std::error_condition target) {
  return walk(err, [&](const base& b) {
    const auto* c = dynamic_cast<const code*>(&b);
    return c != nullptr && c->value() == target;
  });
}

}  // namespace errors

error::error(std::error_code code) : error(code ? error(errors::code(code)) : error()) {}

std::string error::text() const {
  if (object_ == nullptr) {
    panic("runtime error: invalid memory address or nil pointer dereference");
  }
  return object_->text();
}

bool error::timeout() const { return object_ != nullptr && object_->timeout(); }

std::ostream& operator<<(std::ostream& to, const error& e) { return to << (e ? e.text() : "<nil>"); }

}  // namespace gossamer::inline v0
