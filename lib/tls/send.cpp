// send: how an encrypted connection is written to. See secured.hpp.
#include <utility>

#include "gossamer/sync/pool.hpp"
#include "gossamer/tls/error.hpp"
#include "tls/holder.hpp"
#include "tls/secured.hpp"

namespace gossamer::inline v0::tls {

namespace {

// Two records go by one write below.
constexpr std::size_t batch_bytes = 2 * session::record_bytes;
// A record is a little longer than what is in it.
constexpr std::size_t output_bytes = batch_bytes + 1024;

// Room for output is had while something is written only: most connections of a server are idle.
sync::pool<std::vector<std::byte>>& rooms() {
  static auto* const all = new sync::pool<std::vector<std::byte>>(+[] {
    std::vector<std::byte> room;
    room.reserve(output_bytes);
    return room;
  });
  return *all;
}

void give_back(std::vector<std::byte>& room) {
  if (room.capacity() >= output_bytes) {
    rooms().put(std::move(room));
  }
  room = std::vector<std::byte>();
}

}  // namespace

net::io_result secured::write(net::buffer from, const net::ending& end, here where) {
  return send(parts({&from, 1}), end, where);
}

net::io_result secured::writev(std::span<const net::buffer> from, const net::ending& end, here where) {
  return send(parts(from), end, where);
}

net::io_result secured::send(parts from, const net::ending& end, here where) {
  if (error err = ready("write", end, where)) {
    return {0, std::move(err)};
  }
  std::size_t sent = 0;
  error err;
  {
    const holder hold(writing_, end, where);
    err = hold ? may_write(end) : fail("write", end.err());
    while (!err && !from.empty()) {
      std::size_t batch = 0;
      std::size_t owed = 0;
      while (!err && !from.empty() && owed < batch_bytes) {
        const net::buffer piece = from.next(session::record_bytes, gathered_);
        err = encrypt(piece, owed);
        batch += piece.size();
      }
      err = err ? err : flush(end, where);
      sent += err ? 0 : batch;
    }
    if (hold) {
      let_go();
    }
  }
  push(end, where);
  return {sent, std::move(err)};
}

// The caller holds writing_, here and below.
error secured::may_write(const net::ending& end) {
  if (closed_) {
    return fail("write", net::closed);
  }
  if (broken_ || said_end_) {
    return broken_ ? broken_ : error(protocol_shutdown);
  }
  error err = is_over("write", write_until_, end);
  if (err && !end.stop().is_set()) {
    broken_ = err;
  }
  return err;
}

error secured::encrypt(net::buffer part, std::size_t& owed) {
  const detail::held one(session_guard_);
  if (std::vector<std::byte>& small = session_.output(); small.capacity() < output_bytes) {
    std::vector<std::byte> room = rooms().get();
    room.assign(small.begin(), small.end());
    small = std::move(room);
  }
  const step s = session_.write(part);
  owed = session_.output().size();
  if (s == step::failed) {
    broken_ = session_.failure();
  }
  return broken_;
}

// Sends what the session has to say. What went wrong is what every later write fails with.
error secured::flush(const net::ending& end, here where) {
  while (take_output() && !broken_) {
    broken_ = below_.write(std::span<const std::byte>(sending_), end, where).second;
  }
  return broken_;
}

// False where there is nothing to be sent.
bool secured::take_output() {
  const detail::held one(session_guard_);
  sending_.clear();
  std::swap(session_.output(), sending_);
  return !sending_.empty();
}

// Before what the session has said since.
void secured::put_back() {
  const detail::held one(session_guard_);
  sending_.insert(sending_.end(), session_.output().begin(), session_.output().end());
  std::swap(session_.output(), sending_);
}

void secured::let_go() {
  sending_.clear();
  give_back(sending_);
  const detail::held one(session_guard_);
  if (session_.output().empty()) {
    give_back(session_.output());
  }
}

// The same for who does not hold writing_. Does not wait for those who do: they call it when they have let go. Either
// they see the output then, or they looked before it came, and then this sees that they have let go.
void secured::push(const net::ending& end, here where) {
  auto owes = [&] {
    const detail::held one(session_guard_);
    return !session_.output().empty();
  };
  bool goes_on = true;
  while (goes_on && owes() && writing_.try_lock()) {
    goes_on = pass_on(end, where);
    let_go();
    writing_.unlock();
  }
}

// One round of it. None of this output is data that a caller was told not to have been sent: where the caller's end
// comes before its first byte has gone, nothing is broken, and the next one who writes sends it. False then.
bool secured::pass_on(const net::ending& end, here where) {
  if (!take_output() || broken_) {
    return true;
  }
  auto [n, err] = below_.write(std::span<const std::byte>(sending_), end, where);
  if (err && n == 0 && end.stop().is_set()) {
    put_back();
    return false;
  }
  broken_ = std::move(err);
  return true;
}

}  // namespace gossamer::inline v0::tls
