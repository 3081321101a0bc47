#include <mutex>

#include "gossamer/errors.hpp"
#include "ws/connection.hpp"

namespace gossamer::inline v0::ws {

namespace {

// What a message that is written piece by piece is compressed up to before it is sent.
constexpr std::size_t piece_bytes = 4096;
constexpr const char* what_failed = "failed to write msg";

}  // namespace

// Under the message turn, as all that deals with deflater_.
deflater& connection::begin_deflating() {
  if (deflater_ == nullptr) {
    const int bits = how_.deflate.own_window_bits;
    deflater_ = bits == MAX_WBITS ? borrow_deflater() : std::make_unique<deflater>(bits);
  }
  return *deflater_;
}

void connection::end_deflating() {
  if (how_.deflate.own_takeover || deflater_ == nullptr) {
    return;
  }
  if (how_.deflate.own_window_bits == MAX_WBITS) {
    give_back(std::move(deflater_));
  } else {
    deflater_->forget();
  }
}

error connection::write(const net::ending& end, message_type type, std::span<const std::byte> message) {
  if (!message_turn_.try_lock_until(end.stop())) {
    return errors::wrap(end.err(), what_failed);
  }
  const std::unique_lock turn(message_turn_, std::adopt_lock);
  frame_header h{.op = static_cast<opcode>(type)};
  if (!how_.deflate.on || message.size() < how_.deflate.threshold) {
    return errors::wrap(out_->send(h, message, end), what_failed);
  }
  std::string smaller;
  deflater& d = begin_deflating();
  d.add(message, smaller);
  d.finish(smaller);
  end_deflating();
  h.reserved = compressed_bit;
  error err = out_->send(h, std::as_bytes(std::span(smaller)), end);
  if (err && deflater_ != nullptr) {
    deflater_->forget();  // the peer may not have seen it: nothing may refer to it
  }
  return errors::wrap(std::move(err), what_failed);
}

// A message that is being written piece by piece: has the message turn until it is closed, or has failed.
class open_message {
 public:
  open_message(std::shared_ptr<connection> of, context::context ctx, message_type type)
      : of_(std::move(of)), ctx_(std::move(ctx)), next_{.op = static_cast<opcode>(type)} {}
  open_message(const open_message&) = delete;
  open_message& operator=(const open_message&) = delete;
  ~open_message() {
    if (!is_done_) {
      of_->drop(true);
      end();
    }
  }

  io::result write(std::span<const std::byte> from);
  error close();

 private:
  error send(std::span<const std::byte> payload, bool fin);
  error send_ready(bool fin);
  void end();

  const std::shared_ptr<connection> of_;
  const context::context ctx_;
  frame_header next_;
  bool is_compressed_ = false;
  bool has_begun_ = false;
  bool is_done_ = false;
  std::string ready_;  // compressed, and not sent yet
};

void open_message::end() {
  is_done_ = true;
  of_->end_deflating();
  of_->message_turn_.unlock();
}

error open_message::send(std::span<const std::byte> payload, bool fin) {
  next_.fin = fin;
  next_.reserved = is_compressed_ && next_.op != opcode::continuation ? compressed_bit : std::uint8_t{0};
  error err = of_->out_->send(next_, payload, ctx_);
  next_.op = opcode::continuation;
  if (err || fin) {
    // A message that ends in the middle leaves nothing that could follow.
    if (err) {
      of_->drop(true);
    }
    end();
  }
  return err;
}

error open_message::send_ready(bool fin) {
  error err = send(std::as_bytes(std::span(ready_)), fin);
  ready_.clear();
  return err;
}

io::result open_message::write(std::span<const std::byte> from) {
  if (is_done_) {
    return {0, errors::make("cannot use closed writer")};
  }
  const deflate_terms& terms = of_->how_.deflate;
  if (!has_begun_) {
    has_begun_ = true;
    is_compressed_ = terms.on && from.size() >= terms.threshold;
  }
  error err;
  if (!is_compressed_) {
    err = send(from, false);
  } else {
    of_->begin_deflating().add(from, ready_);
    err = ready_.size() >= piece_bytes ? send_ready(false) : error();
  }
  return {err ? 0 : from.size(), errors::wrap(err, "failed to write")};
}

error open_message::close() {
  if (is_done_) {
    return errors::make("failed to close writer: writer already closed");
  }
  if (is_compressed_) {
    of_->begin_deflating().finish(ready_);
  }
  return errors::wrap(send_ready(true), "failed to close writer");
}

namespace {

// What io::write_closer is made from.
class message_writer {
 public:
  explicit message_writer(std::shared_ptr<open_message> of) noexcept : of_(std::move(of)) {}
  io::result write(std::span<const std::byte> from) const { return of_->write(from); }
  error close() const { return of_->close(); }

 private:
  std::shared_ptr<open_message> of_;
};

}  // namespace

std::pair<io::write_closer, error> connection::open_writer(const context::context& ctx, message_type type) {
  if (!message_turn_.try_lock_until(wait::stop(ctx))) {
    return {{}, errors::wrap(net::ending(ctx).err(), "failed to get writer")};
  }
  std::unique_lock turn(message_turn_, std::adopt_lock);
  io::write_closer made = message_writer(std::make_shared<open_message>(shared_from_this(), ctx, type));
  turn.release();  // the message has it now
  return {std::move(made), nullptr};
}

}  // namespace gossamer::inline v0::ws
