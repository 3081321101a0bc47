#include "gossamer/http/max_bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "http/bounded.hpp"
#include "http/restored.hpp"

namespace gossamer::inline v0::http {

namespace {

class bounded_reader {
 public:
  bounded_reader(response_writer& w, io::read_closer from, std::int64_t n) noexcept
      : w_(&w), from_(std::move(from)), limit_(n), left_(n) {}

  io::result read(std::span<std::byte> to) {
    if (err_ || to.empty()) {
      return {0, err_};
    }
    // One more than what is left, to see whether there is more.
    if (std::cmp_greater(to.size() - 1, left_)) {
      to = to.first(static_cast<std::size_t>(left_) + 1);
    }
    auto [n, err] = from_.read(to);
    if (std::cmp_less_equal(n, left_)) {
      left_ -= static_cast<std::int64_t>(n);
      err_ = std::move(err);
      return {n, err_};
    }
    n = static_cast<std::size_t>(std::exchange(left_, 0));
    w_->request_too_large();
    err_ = max_bytes_error(limit_);
    return {n, err_};
  }

  gossamer::error close() { return from_.close(); }

 private:
  response_writer* w_;
  io::read_closer from_;
  std::int64_t limit_;
  std::int64_t left_;
  gossamer::error err_;
};

}  // namespace

bool is_bounded(const io::read_closer& body) noexcept { return body.as<bounded_reader>() != nullptr; }

io::read_closer max_bytes_reader(response_writer& w, io::read_closer from, std::int64_t n) {
  return std::make_shared<bounded_reader>(w, std::move(from), std::max<std::int64_t>(n, 0));
}

handler max_bytes_handler(handler h, std::int64_t n) {
  return [h = std::move(h), n](response_writer& w, request& r) {
    const restored body(r.body, max_bytes_reader(w, r.body, n));
    h.serve_http(w, r);
  };
}

}  // namespace gossamer::inline v0::http
