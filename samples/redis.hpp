// redis: hiredis for fibers. Its buffers are filled and emptied without blocking, and io::wait_readable() and
// io::wait_writable() wait in between. A connection is for one fiber at a time.
#pragma once

#include <hiredis/hiredis.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redis {

using namespace gossamer;

struct frees {
  void operator()(redisContext* c) const { redisFree(c); }
  void operator()(redisReply* r) const { freeReplyObject(r); }
};
using reply = std::unique_ptr<redisReply, frees>;

// What hiredis says went wrong, or the server: `WRONGTYPE Operation against a key ...`.
struct failure : errors::base {
  std::string what;
  explicit failure(std::string_view said) : what(said) {}
  std::string text() const override { return what; }
};

class connection {
 public:
  // `ip` is an address: a name would be looked up by hiredis, and block.
  static std::pair<connection, error> connect(const std::string& ip, int port, const net::ending& end = {}) {
    connection c;
    c.its_.reset(redisConnectNonBlock(ip.c_str(), port));
    if (!c.its_) return {connection(), failure("no memory")};
    if (c.its_->err != 0) return {connection(), c.failed()};
    if (error err = io::wait_writable(c.its_->fd, end)) return {connection(), err};
    if (error err = c.command({"PING"}, end).second) return {connection(), err};  // whether it has really connected
    return {std::move(c), nil};
  }

  // Remembers a command, which goes out with those before and after it: each has a reply, in their order.
  void append(std::initializer_list<std::string_view> words) {
    if (!its_) return;
    std::vector<const char*> starts;
    std::vector<std::size_t> lengths;
    for (std::string_view w : words) {
      starts.push_back(w.data());
      lengths.push_back(w.size());
    }
    redisAppendCommandArgv(its_.get(), static_cast<int>(words.size()), starts.data(), lengths.data());
  }

  // The next reply, once all commands are out. What the server refuses is an error. One that has not come when `end`
  // has ended would be taken for the next command's: then the connection is closed.
  std::pair<reply, error> next(const net::ending& end = {}) {
    if (!its_) return {nullptr, failure("closed")};
    void* got = nullptr;
    error err = flush(end);
    while (!err && redisGetReplyFromReader(its_.get(), &got) == REDIS_OK && got == nullptr) {
      err = io::wait_readable(its_->fd, end);
      if (!err && redisBufferRead(its_.get()) != REDIS_OK) err = failed();
    }
    if (!err && got == nullptr) err = failed();
    if (err) {
      its_ = nullptr;
      return {nullptr, err};
    }
    reply r(static_cast<redisReply*>(got));
    if (r->type == REDIS_REPLY_ERROR) err = failure({r->str, r->len});
    return {std::move(r), err};
  }

  std::pair<reply, error> command(std::initializer_list<std::string_view> words, const net::ending& end = {}) {
    append(words);
    return next(end);
  }

  explicit operator bool() const { return its_ != nullptr; }

 private:
  error failed() const { return failure(its_->errstr); }

  error flush(const net::ending& end) {
    for (int done = 0;;) {
      if (redisBufferWrite(its_.get(), &done) != REDIS_OK) return failed();
      if (done == 1) return nil;
      if (error err = io::wait_writable(its_->fd, end)) return err;
    }
  }

  std::unique_ptr<redisContext, frees> its_;
};

}  // namespace redis
