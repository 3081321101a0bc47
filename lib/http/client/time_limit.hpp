// time_limit: how long a call may take, the reading of the answer's body included.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gossamer/context.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/time.hpp"

namespace gossamer::inline v0::http {

// A time-out, and deadline_exceeded to errors::is().
class timeout_error final : public errors::base {
 public:
  explicit timeout_error(std::string text) noexcept : text_(std::move(text)) {}
  std::string text() const override { return text_; }
  bool timeout() const override { return true; }
  bool is(const gossamer::error& target) const override { return target == context::deadline_exceeded; }

 private:
  std::string text_;
};

// A context that ends with the time; none, where the caller's own ends before. A handle.
class time_limit {
 public:
  time_limit() noexcept = default;
  time_limit(const context::context& parent, time::duration limit);

  const context::context& context() const noexcept { return context_; }
  // The context's timer goes.
  void end() const;
  // `err`, or, where the time is over, a timeout_error that says so: `ERR (Client.Timeout WHEN)`.
  gossamer::error explain(const gossamer::error& err, std::string_view when) const;
  explicit operator bool() const noexcept { return static_cast<bool>(context_); }

 private:
  context::context context_;
  context::cancel_func cancel_;
  time::time_point at_;
};

// The body of an answer under such a limit, which it ends when it is closed, has been read to its end, or goes.
io::read_closer limited_body(io::read_closer body, time_limit limit);

}  // namespace gossamer::inline v0::http
