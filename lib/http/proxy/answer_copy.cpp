#include "http/proxy/answer_copy.hpp"

#include <mutex>
#include <string>
#include <utility>

#include "gossamer/context.hpp"
#include "gossamer/defer.hpp"
#include "gossamer/io.hpp"
#include "gossamer/sync/mutex.hpp"
#include "http/proxy/copy_room.hpp"

namespace gossamer::inline v0::http {

namespace {

// Flushes some time after the first write that was not flushed yet. While the lock is free and due_ is not set, nobody
// but the copying fiber uses the writer.
class late_flush : public std::enable_shared_from_this<late_flush> {
 public:
  late_flush(response_writer& w, time::duration after) noexcept : w_(w), after_(after) {}

  io::result write(std::span<const std::byte> from) {
    const std::lock_guard hold(lock_);
    io::result r = w_.write(from);
    arm();
    return r;
  }
  // The head is not to wait for a body that is late, either.
  void begin() {
    const std::lock_guard hold(lock_);
    arm();
  }
  void stop() {
    const std::lock_guard hold(lock_);
    due_ = false;
    if (timer_) {
      timer_.stop();
      timer_ = nullptr;  // it refers to this
    }
  }

 private:
  void arm() {
    if (!std::exchange(due_, true)) {
      timer_ = time::after_func(after_, [self = shared_from_this()] { self->flush(); });
    }
  }
  void flush() {
    const std::lock_guard hold(lock_);
    if (std::exchange(due_, false)) {
      static_cast<void>(response_controller(w_).flush());  // the next write fails as well
    }
  }

  response_writer& w_;
  const time::duration after_;
  sync::mutex lock_;
  bool due_ = false;
  time::timer timer_;
};

template <class Write>
gossamer::error copy_pieces(const io::reader& from, const Write& write,
                            const std::function<void(std::string_view)>& log) {
  const copy_room room;
  for (;;) {
    auto [n, err] = from.read(room.all());
    if (err && err != io::eof && err != context::canceled) {
      log("httputil: ReverseProxy read error during body copy: " + err.text());
    }
    if (n > 0) {
      if (auto [written, failed] = write(room.all().first(n)); failed) {
        return failed;
      }
    }
    if (err) {
      return err == io::eof ? gossamer::error() : err;
    }
  }
}

}  // namespace

gossamer::error copy_answer(response_writer& w, const io::reader& from, time::duration latency,
                            const std::function<void(std::string_view)>& log) {
  using bytes = std::span<const std::byte>;
  if (latency == time::duration(0)) {
    return copy_pieces(from, [&w](bytes b) { return w.write(b); }, log);
  }
  if (latency < time::duration(0)) {
    const response_controller control(w);
    static_cast<void>(control.flush());
    return copy_pieces(
        from,
        [&](bytes b) {
          io::result r = w.write(b);
          static_cast<void>(control.flush());
          return r;
        },
        log);
  }
  const auto late = std::make_shared<late_flush>(w, latency);
  const defer stop{[&] { late->stop(); }};
  late->begin();
  return copy_pieces(from, [&late](bytes b) { return late->write(b); }, log);
}

}  // namespace gossamer::inline v0::http
