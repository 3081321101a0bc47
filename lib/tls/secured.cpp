// secured: reading and closing. See secured.hpp; writing is in send.cpp, shaking hands in shake.cpp.
#include "tls/secured.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

#include "gossamer/context.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/io/buffered.hpp"
#include "gossamer/time.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/holder.hpp"

namespace gossamer::inline v0::tls {

namespace {

using namespace std::chrono_literals;

// What is said last is waited for no longer than that.
constexpr std::chrono::seconds last_word = 5s;

// What lies there to be sent while a writer waits: his two records, and some answers.
constexpr std::size_t most_owed = 4 * session::record_bytes;
constexpr std::size_t least_input_bytes = 4096;
constexpr std::size_t most_input_bytes = session::record_bytes + 2048 + 5;

std::shared_ptr<const config> or_none(std::shared_ptr<const config> c) {
  static const auto none = std::make_shared<const config>();
  return c ? std::move(c) : none;
}

}  // namespace

secured::secured(net::conn below, bool server, std::shared_ptr<const config> of, std::string name)
    : below_(std::move(below)),
      server_(server),
      config_(or_none(std::move(of))),
      name_(server || config_->server_name.empty() ? std::move(name) : config_->server_name) {}

error secured::fail(const char* op, error why) const {
  return net::op_error(op, local_addr().network(), local_addr(), remote_addr(), std::move(why));
}

error secured::is_over(const char* op, const std::atomic<net::time_point>& until, const net::ending& end) const {
  if (closed_) {
    return fail(op, net::closed);
  }
  if (end.stop().is_set()) {
    return fail(op, end.err());
  }
  const net::time_point t = until;
  return t != net::never && time::now() >= t ? fail(op, os::deadline_exceeded) : error();
}

// ---- reading --------------------------------------------------------------------------------------------------------

net::io_result secured::read(std::span<std::byte> to, const net::ending& end, here where) {
  if (to.empty()) {
    return {0, nullptr};
  }
  if (error err = ready("read", end, where)) {
    return {0, std::move(err)};
  }
  const holder hold(reading_, end, where);
  if (!hold) {
    return {0, fail("read", end.err())};
  }
  if (error err = is_over("read", read_until_, end)) {
    return {0, std::move(err)};
  }
  for (;;) {
    std::size_t n = 0;
    step s;
    std::size_t owed;
    error failure;
    {
      const detail::held one(session_guard_);
      const std::size_t before = session_.output().size();
      s = session_.read(to, n);
      owed = session_.output().size() - before > 0 ? session_.output().size() : 0;
      failure = s == step::failed ? session_.failure() : error();
    }
    if (owed > most_owed) {
      // The peer makes us say more and more, and reads nothing.
      const holder wait(writing_, end, where);
    }
    if (owed > 0) {
      push(end, where);
    }
    if (s != step::input) {
      return {n, s == step::done ? error() : s == step::ended ? error(io::eof) : failure};
    }
    if (error err = fill(end, where)) {
      return {0, std::move(err)};
    }
  }
}

// A record's first bytes may lie where OpenSSL does not count them.
bool secured::has_input() {
  if (!agreed_ || !reading_.try_lock()) {
    return false;
  }
  const std::lock_guard hold(reading_, std::adopt_lock);
  const detail::held one(session_guard_);
  return records_.within() || session_.has_input();
}

// More input for a session that has read all. The caller holds reading_.
error secured::fill(const net::ending& end, here where) {
  if (!input_) {
    input_ = std::make_unique_for_overwrite<std::byte[]>(least_input_bytes);
    input_bytes_ = least_input_bytes;
  }
  for (int tries = 0; tries < 100; tries++) {
    const std::span<std::byte> room(input_.get(), input_bytes_);
    auto [n, err] = below_.read(room, end, where);
    if (n == 0 && err) {
      return err == io::eof && records_.within() ? error(io::unexpected_eof) : std::move(err);
    }
    if (n == 0) {
      continue;
    }
    // An error beside bytes comes again.
    records_.pass(room.first(n));
    if (error bad = check_first()) {
      return bad;
    }
    if (n == room.size() && n < most_input_bytes) {
      auto larger = std::make_unique_for_overwrite<std::byte[]>(most_input_bytes);
      std::copy_n(room.data(), n, larger.get());
      input_ = std::move(larger);
      input_bytes_ = most_input_bytes;
    }
    const detail::held one(session_guard_);
    session_.supply({input_.get(), n});
    return nullptr;
  }
  return io::no_progress;
}

// Source: Go's first look at a record: its sort is that of a handshake or of an alert, and its version below 16.
error secured::check_first() {
  const records::header& h = records_.first();
  constexpr std::uint8_t alert = 21, handshake = 22;
  const bool looks_right = (h[0] == alert || h[0] == handshake) && h[1] < 0x10;
  return !records_.any() || looks_right ? error() : record_header_error(h, server_ ? below_ : net::conn());
}

// ---- closing --------------------------------------------------------------------------------------------------------

// The caller holds writing_. Not for longer than last_word, whatever the connection below can do.
error secured::say_end() {
  if (broken_ || std::exchange(said_end_, true)) {
    return nullptr;
  }
  {
    const detail::held one(session_guard_);
    session_.shut();
  }
  error err;
  if (!below_.set_write_deadline(time::now() + last_word)) {
    err = flush({}, here::current());
    below_.get()->set_deadline(net::direction::write, write_until_);
  } else {
    auto [limit, cancel] = context::with_timeout(context::background(), last_word);
    err = flush(limit, here::current());
    cancel();
  }
  let_go();
  return err;
}

error secured::close() {
  if (closed_.exchange(true)) {
    return fail("close", net::closed);
  }
  error unsaid;
  // relaxed would do: what is read behind it is guarded.
  if (agreed_ && writing_.try_lock()) {
    unsaid = say_end();
    writing_.unlock();
  }
  error err = below_.close();
  return err ? err : errors::wrap(unsaid, "tls: failed to send closeNotify alert (but connection was closed anyway)");
}

error secured::close_write() {
  if (!agreed_) {
    return errors::make("tls: CloseWrite called before handshake complete");
  }
  const detail::held hold(writing_);
  return closed_ ? fail("close", net::closed) : say_end();
}

// ---- what is asked of the connection below --------------------------------------------------------------------------

error secured::set_deadline(net::direction which, net::time_point when) {
  const auto bits = static_cast<unsigned>(which);
  if ((bits & 1) != 0) {
    read_until_ = when;
  }
  if ((bits & 2) != 0) {
    write_until_ = when;
  }
  return below_ != nullptr ? below_.get()->set_deadline(which, when) : error(os::system_error(EINVAL));
}

error secured::set(net::option which, std::int64_t value) {
  return below_ != nullptr ? below_.get()->set(which, value) : error(os::system_error(EINVAL));
}

}  // namespace gossamer::inline v0::tls
