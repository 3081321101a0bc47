// pq: libpq for fibers. Its non-blocking calls say which way they want to go on, and io::wait_readable() and its kin
// wait for that: a query parks its fiber, and no thread. A connection is for one fiber at a time, as libpq says.
#pragma once

#include <libpq-fe.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pq {

using namespace gossamer;

template <auto free>
struct frees {
  void operator()(auto* p) const { free(p); }
};
using result = std::unique_ptr<PGresult, frees<PQclear>>;

// What the server or libpq says, in one line, with its SQLSTATE where there is one: `57014`.
struct failure : errors::base {
  std::string what, state;

  explicit failure(std::string_view said, const char* sql_state = nullptr)
      : what(said.substr(0, said.find('\n'))), state(sql_state ? sql_state : "") {}
  std::string text() const override { return what; }
};

class connection {
 public:
  // `about` is libpq's conninfo, for what the environment does not say (PGHOST, PGPORT, PGUSER, ...). The name of a
  // host would be looked up by libpq, and block: a socket's folder or an address is no name.
  static std::pair<connection, error> connect(const char* about, const net::ending& end = {}) {
    connection c;
    c.its_.reset(PQconnectStart(about));
    if (!c.its_) return {connection(), failure("no memory")};
    auto step = PQstatus(c.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK) {
      if (step == PGRES_POLLING_FAILED) return {connection(), c.failed()};
      int fd = PQsocket(c.get());  // each attempt has one of its own
      if (error err = step == PGRES_POLLING_READING ? io::wait_readable(fd, end) : io::wait_writable(fd, end))
        return {connection(), err};
      step = PQconnectPoll(c.get());
    }
    PQsetnonblocking(c.get(), 1);
    return {std::move(c), nil};
  }

  // The last result of what these statements come to. Once `end` has ended the server is asked to stop, and the
  // connection can be used again.
  std::pair<result, error> exec(const char* sql, const net::ending& end = {}) {
    if (PQsendQuery(get(), sql) == 0) return {nullptr, failed()};
    auto [last, err] = results(end);
    if (end.stop().is_set()) stop_query();
    return {std::move(last), err};
  }

  // The next message of a channel that was listened to.
  std::pair<std::string, error> notification(const net::ending& end = {}) {
    for (;;) {
      if (std::unique_ptr<PGnotify, frees<PQfreemem>> n{PQnotifies(get())}) return {n->extra, nil};
      if (error err = more(end)) return {"", err};
    }
  }

  PGconn* get() const { return its_.get(); }
  explicit operator bool() const { return its_ != nullptr; }

 private:
  error failed() const { return failure(PQerrorMessage(get())); }

  error more(const net::ending& end) {
    if (error err = io::wait_readable(PQsocket(get()), end)) return err;
    return PQconsumeInput(get()) == 1 ? error() : failed();
  }

  // While the server does not take all, it may want to be read from first.
  error flush(const net::ending& end) {
    for (;;) {
      int left = PQflush(get());
      if (left <= 0) return left == 0 ? error() : failed();
      auto [ready, err] = io::wait_ready(PQsocket(get()), {.readable = true, .writable = true}, end);
      if (err) return err;
      if (ready.readable && PQconsumeInput(get()) == 0) return failed();
    }
  }

  std::pair<result, error> results(const net::ending& end) {
    if (error err = flush(end)) return {nullptr, err};
    result last;
    error wrong;
    for (;;) {
      while (PQisBusy(get()) == 1) {
        if (error err = more(end)) return {nullptr, err};
      }
      result r(PQgetResult(get()));
      if (!r) return {std::move(last), wrong};
      if (auto status = PQresultStatus(r.get()); status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        wrong = failure(PQresultErrorMessage(r.get()), PQresultErrorField(r.get(), PG_DIAG_SQLSTATE));
      last = std::move(r);
    }
  }

  // A request that the server gets before it has begun with the query is lost: then another one follows.
  void stop_query() {
    while (PQtransactionStatus(get()) == PQTRANS_ACTIVE && !cancel()) {
      auto [soon, done] = context::with_timeout(context::background(), 100ms);
      results(soon);
      done();
    }
  }

  // By a connection of its own, for which libpq has no call that does not block.
  error cancel() {
    std::unique_ptr<PGcancel, frees<PQfreeCancel>> request(PQgetCancel(get()));
    std::array<char, 256> why{};
    bool sent = request && runtime::blocking([&] { return PQcancel(request.get(), why.data(), why.size()) == 1; });
    return sent ? error() : failure(why.data());
  }

  std::unique_ptr<PGconn, frees<PQfinish>> its_;
};

}  // namespace pq
