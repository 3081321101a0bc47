#include "http/client/time_limit.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <tuple>

namespace gossamer::inline v0::http {

namespace {

class limited final {
 public:
  limited(io::read_closer body, time_limit limit) noexcept : body_(std::move(body)), limit_(std::move(limit)) {}
  limited(const limited&) = delete;
  limited& operator=(const limited&) = delete;
  ~limited() {
    body_ = nullptr;  // first, for a connection whose request has ended is not kept
    limit_.end();
  }

  io::result read(std::span<std::byte> to) {
    auto [n, err] = body_.read(to);
    if (err == io::eof) {
      limit_.end();
    } else if (err) {
      err = limit_.explain(err, "or context cancellation while reading body");
    }
    return {n, std::move(err)};
  }
  gossamer::error close() {
    gossamer::error err = body_.close();
    limit_.end();
    return err;
  }

 private:
  io::read_closer body_;
  const time_limit limit_;
};

}  // namespace

time_limit::time_limit(const context::context& parent, time::duration limit) {
  auto [ctx, cancel] = context::with_timeout(parent, limit);
  const auto at = ctx.deadline();
  if (const auto own = parent.deadline(); at && (!own || *at < *own)) {
    at_ = *at;
    context_ = std::move(ctx);
    cancel_ = std::move(cancel);
  } else {
    cancel();
  }
}

void time_limit::end() const {
  if (cancel_) {
    cancel_();
  }
}

gossamer::error time_limit::explain(const gossamer::error& err, std::string_view when) const {
  if (!context_ || time::now() < at_) {
    return err;
  }
  return timeout_error(err.text() + " (Client.Timeout " + std::string(when) + ')');
}

io::read_closer limited_body(io::read_closer body, time_limit limit) {
  return std::make_shared<limited>(std::move(body), std::move(limit));
}

}  // namespace gossamer::inline v0::http
