// passed_body: the body of a request, on its way from a client to another server.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gossamer/http/header.hpp"
#include "gossamer/http/request.hpp"
#include "gossamer/http/response_writer.hpp"
#include "gossamer/io/interfaces.hpp"
#include "gossamer/sync/mutex.hpp"

namespace gossamer::inline v0::http {

// Whoever sends the request may read it in a fiber of his own, while the answer is there already. The end of the
// handler is the end of such a read, too: it does not wait for a client that sends no more.
class passed_body final : public io::reader_interface {
 public:
  // Both until leave().
  passed_body(response_writer& w, const request& in) : from_(in.body), w_(&w), in_(&in) {}

  io::result read(std::span<std::byte> to) override;
  // Reads fail from now on, one that waits for the client among them.
  void close();
  // Before the first read: not this one.
  void refuse_trailer(std::string name) { refused_.push_back(std::move(name)); }
  // What has come behind the end; for who writes the request, when he has read that.
  const header& trailer() const noexcept { return trailer_; }
  // The handler returns: as close(), and nothing of it is looked at any more.
  void leave();

 private:
  void end_read();
  io::result finish_read(io::result r);

  const io::reader from_;
  std::vector<std::string> refused_;  // sorted
  sync::mutex lock_;
  // Under the lock. Null after leave().
  response_writer* w_;
  const request* in_;
  header trailer_;
  bool reading_ = false;
  bool closed_ = false;
};

}  // namespace gossamer::inline v0::http
