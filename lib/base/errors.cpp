// errors: see gossamer/error.hpp and gossamer/errors.hpp.
#include "gossamer/errors.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/panic_chain.hpp"
#include "gossamer/panic.hpp"

namespace gossamer::inline v0 {

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

caught::caught(std::exception_ptr e, std::string text, error inner) noexcept
    : exception_(std::move(e)), text_(std::move(text)), inner_(std::move(inner)) {}

exception::exception(error err) : err_(std::move(err)), text_(err_.text()) {}
exception::~exception() = default;

namespace {

class codeless final : public std::error_category {
 public:
  const char* name() const noexcept override { return "gossamer"; }
  std::string message(int) const override { return "error without a code"; }
};

constinit const codeless no_code;

// What the exception holds besides its text.
error inner_of(const std::exception& x) {
  error inner;
  if (const auto* system = dynamic_cast<const std::system_error*>(&x)) {
    inner = system->code();
  } else if (const auto* p = dynamic_cast<const panic_error*>(&x)) {
    if (const error* value = p->value<error>()) {
      inner = *value;
    } else if (const auto* e = p->value<std::exception_ptr>()) {
      inner = from_exception(*e);
    }
  }
  const auto* nested = dynamic_cast<const std::nested_exception*>(&x);
  if (nested == nullptr || nested->nested_ptr() == nullptr) {
    return inner;
  }
  error below = from_exception(nested->nested_ptr());
  return inner ? join(std::move(inner), std::move(below)) : below;
}

}  // namespace

error from_exception(const std::exception_ptr& e) {
  if (e == nullptr) {
    return nullptr;
  }
  try {
    std::rethrow_exception(e);
  } catch (const exception& x) {
    return x.err();
  } catch (const std::exception& x) {
    return caught(e, gossamer::base::panic_text(e), inner_of(x));
  } catch (const error& err) {
    return caught(e, gossamer::base::panic_text(e), err);
  } catch (...) {
    return caught(e, gossamer::base::panic_text(e), nullptr);
  }
}

std::exception_ptr to_exception(const error& err) {
  if (!err) {
    return nullptr;
  }
  if (const auto* c = dynamic_cast<const caught*>(err.get())) {
    return c->exception();
  }
  return std::make_exception_ptr(exception(err));
}

std::error_code to_code(const error& err) {
  if (!err) {
    return {};
  }
  if (const auto* c = as<code>(err)) {
    return c->value();
  }
  return err.timeout() ? std::make_error_code(std::errc::timed_out) : std::error_code(1, no_code);
}

std::string code::text() const { return value_.message(); }
bool code::timeout() const { return value_ == std::errc::timed_out; }
bool code::is(const error& target) const {
  const auto* other = dynamic_cast<const code*>(target.get());
  return other != nullptr && other->value_ == value_;
}

constinit const sentinel unsupported{"unsupported operation"};

error make_text(std::string text) { return plain(std::move(text)); }
error wrap_text(error inner, std::string text) { return wrapped(std::move(inner), std::move(text)); }

error join_all(std::vector<error> all) {
  std::erase(all, error());
  return all.empty() ? error() : error(joined(std::move(all)));
}

std::ostream& operator<<(std::ostream& to, const base& e) { return to << e.text(); }

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
    detail::throw_runtime_error("runtime error: invalid memory address or nil pointer dereference");
  }
  return object_->text();
}

bool error::timeout() const { return object_ != nullptr && object_->timeout(); }

std::ostream& operator<<(std::ostream& to, const error& e) { return to << (e ? e.text() : "<nil>"); }

}  // namespace gossamer::inline v0
