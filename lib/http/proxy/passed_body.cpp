#include "http/proxy/passed_body.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "gossamer/io.hpp"
#include "gossamer/time.hpp"
#include "http/proxy/hop_by_hop.hpp"
#include "http/request_body.hpp"
#include "http/trailers.hpp"

namespace gossamer::inline v0::http {

io::result passed_body::read(std::span<std::byte> to) {
  {
    const std::lock_guard hold(lock_);
    if (closed_) {
      return {0, read_after_close};
    }
    reading_ = true;
  }
  return finish_read(from_.read(to));
}

// The trailers are there with the end. They are not put into the request, of which who sends it may
// just make a copy.
io::result passed_body::finish_read(io::result r) {
  const std::lock_guard hold(lock_);
  reading_ = false;
  if (closed_ && r.second) {
    return {r.first, read_after_close};
  }
  if (r.second == io::eof && in_ != nullptr && trailer_.empty()) {
    for (const header::field& f : in_->trailer) {
      // An empty one was announced, and has not come.
      if (!f.value.empty() && may_be_trailer(f.name) && !std::ranges::binary_search(refused_, f.name)) {
        trailer_.add(f.name, f.value);
      }
    }
    remove_unpassed(trailer_, in_->header);
  }
  return r;
}

// Under the lock. Nobody wants to know more of the client's body: what is left of it ends the connection.
void passed_body::end_read() {
  closed_ = true;
  if (reading_ && w_ != nullptr) {
    static_cast<void>(response_controller(*w_).set_read_deadline(time::now()));
  }
}

void passed_body::close() {
  const std::lock_guard hold(lock_);
  end_read();
}

void passed_body::leave() {
  const std::lock_guard hold(lock_);
  end_read();
  w_ = nullptr;
  in_ = nullptr;
}

}  // namespace gossamer::inline v0::http
