#include "gossamer/http/timeout_handler.hpp"

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "gossamer/chan.hpp"
#include "gossamer/context.hpp"
#include "gossamer/defer.hpp"
#include "gossamer/detail/thrown.hpp"
#include "gossamer/go.hpp"
#include "gossamer/panic.hpp"
#include "gossamer/select.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/call_place.hpp"
#include "http/request_log.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel handler_timeout{"http: Handler timeout"};

namespace {

constexpr std::string_view usual_body = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";

// Keeps the answer until it is known whether it is in time.
class kept_answer final : public response_writer {
 public:
  explicit kept_answer(const request& of) noexcept : of_(of) {}

  http::header& header() override { return header_; }

  // The handler has returned.
  void pass_on(response_writer& to) {
    const std::scoped_lock lock(guard_);
    for (const http::header::field& f : header_) {
      to.header().del(f.name);
    }
    for (const http::header::field& f : header_) {
      to.header().add(f.name, f.value);
    }
    to.write_header(status_ != 0 ? status_ : status_ok, where_);
    if (!body_.empty()) {
      to.write(body_);
    }
  }
  // From now on writes fail.
  void end(gossamer::error why) {
    const std::scoped_lock lock(guard_);
    why_ = std::move(why);
    body_ = std::string();
  }

 protected:
  io::result write_bytes(std::span<const std::byte> from) override {
    const std::scoped_lock lock(guard_);
    if (why_) {
      return {0, why_};
    }
    status_ = status_ != 0 ? status_ : status_ok;
    body_.append(reinterpret_cast<const char*>(from.data()), from.size());
    return {from.size(), nullptr};
  }

  void write_status(int status, here where) override {
    if (status < 100 || status > 999) {
      panic("invalid WriteHeader code " + std::to_string(status));
    }
    const std::scoped_lock lock(guard_);
    if (why_) {
      return;
    }
    if (status_ != 0) {
      log_for(of_, "http: superfluous response.WriteHeader call" + call_place(where));
      return;
    }
    status_ = status;
    where_ = where;
  }

 private:
  const request& of_;
  http::header header_;  // the handler's, until it returns
  sync::mutex guard_;
  // Guarded by guard_. While it is free: why_ implies that body_ is empty.
  int status_ = 0;  // 0: none
  here where_ = here::current();
  std::string body_;
  gossamer::error why_;
};

// Lives as long as the handler and who waits for it.
struct call {
  explicit call(request of) : r(std::move(of)) {}
  request r;
  kept_answer w{r};
  detail::thrown failure;  // before `returned` is closed
  chan<void> returned = make_chan<void>();
};

void answer_timeout(response_writer& w, std::string_view body) {
  w.write_header(status_service_unavailable);
  w.write(body.empty() ? usual_body : body);
}

void serve_in_time(const handler& h, time::duration limit, std::string_view body, response_writer& w, request& r) {
  const auto made = context::with_timeout(r.context(), limit);
  const context::context& ctx = made.first;
  const defer cancel(made.second);
  const auto c = std::make_shared<call>(r.with_context(ctx));
  go([c, h] {
    c->failure.keep_from([&] { h.serve_http(c->w, c->r); });
    c->returned.close();
  });
  const bool returned = select(recv(c->returned), recv(ctx.done())) == 0;
  if (returned && c->failure) {
    c->failure.again();
  }
  const gossamer::error over = ctx.err();
  if (!over) {
    c->w.pass_on(w);
  } else if (over == context::deadline_exceeded) {
    c->w.end(handler_timeout);
    answer_timeout(w, body);
  } else {
    c->w.end(over);
    w.write_header(status_service_unavailable);
  }
}

}  // namespace

handler timeout_handler(handler h, time::duration limit, std::string body) {
  return [h = std::move(h), limit, body = std::move(body)](response_writer& w, request& r) {
    serve_in_time(h, limit, body, w, r);
  };
}

}  // namespace gossamer::inline v0::http
