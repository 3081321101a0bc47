#include "http/client/pool.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>

#include "gossamer/errors.hpp"

namespace gossamer::inline v0::http {

constinit const errors::sentinel keep_alives_disabled{"http: putIdleConn: keep alives disabled"};

namespace {

// Why one is not kept. Nobody sees them but who traces. Go's texts.
constinit const errors::sentinel idle_closed{"http: putIdleConn: CloseIdleConnections was called"};
constinit const errors::sentinel too_many_idle_host{"http: putIdleConn: too many idle connections for host"};

}  // namespace

// ---- lent_conn ------------------------------------------------------------------------------------------------------

void lent_conn::end() {
  if (conn_) {
    pool_host* const host = conn_->host;
    conn_.reset();
    home_->forget(host);
  }
}

gossamer::error lent_conn::give_back() {
  gossamer::error err = home_->put(conn_);
  end();
  return err;
}

net::conn lent_conn::release() {
  net::conn c = conn_->release();
  end();
  return c;
}

// ---- asking ---------------------------------------------------------------------------------------------------------

pool::~pool() {
  if (timer_) {
    timer_.stop();
  }
}

std::pair<lent_conn, gossamer::error> pool::take(const connect_method& how, const context::context& ctx) {
  for (;;) {
    pool_waiter w(how, ctx);
    conns old;
    std::unique_ptr<persistent_conn> c;
    {
      const std::lock_guard hold(lock_);
      closes_idle_ = false;
      c = take_idle(how.key(), old);
      if (!c) {
        stand_in_line(w);
      }
    }
    end_all(old);
    if (!c) {
      return wait(w);
    }
    lent_conn lent(shared_from_this(), std::move(c));
    if (lent->is_quiet()) {
      return {std::move(lent), nullptr};
    }
  }
}

std::unique_ptr<persistent_conn> pool::take_idle(std::string_view key, conns& old) {
  const auto at = hosts_.find(key);
  if (at == hosts_.end() || at->second.idle.empty()) {
    return nullptr;
  }
  const bool ages = limits_.idle_time.count() > 0;
  const time::time_point now = ages ? time::now() : time::time_point();
  auto& idle = at->second.idle;
  while (!idle.empty()) {
    std::unique_ptr<persistent_conn> c = std::move(idle.back());
    idle.pop_back();
    c->place.splice(c->place.begin(), idle_, c->at);
    if (!ages || now - c->idle_since <= limits_.idle_time) {
      return c;
    }
    old.push_back(std::move(c));
  }
  return nullptr;
}

std::pair<lent_conn, gossamer::error> pool::wait(pool_waiter& w) {
  for (;;) {
    {
      std::unique_lock hold(lock_);
      if (!w.ready.wait_until(lock_, *w.ctx, [&] { return w.done; })) {
        leave(w);
        return {lent_conn(), context::cause(*w.ctx)};
      }
    }
    if (w.err) {
      return {lent_conn(), w.ctx->err() ? context::cause(*w.ctx) : w.err};
    }
    lent_conn lent(shared_from_this(), std::move(w.conn));
    if (!lent->is_reused || lent->is_quiet()) {
      return {std::move(lent), nullptr};
    }
    stand_first(w);
  }
}

// Of one whose connection was no good: the end of that, which follows, makes another one for the first in line.
void pool::stand_first(pool_waiter& w) {
  const std::lock_guard hold(lock_);
  w.done = false;
  w.host->queued.splice(w.host->queued.begin(), w.place);
}

void pool::stand_in_line(pool_waiter& w) {
  const auto [at, is_new] = hosts_.try_emplace(w.how->key());
  pool_host& h = at->second;
  if (is_new) {
    h.key = w.how->key();
  }
  w.host = &h;
  h.queued.splice(h.queued.end(), w.place);
  if (limits_.per_host == 0 || h.connections < limits_.per_host) {
    start_dial(w);
  }
}

void pool::leave(pool_waiter& w) {
  auto& from = w.dial != nullptr ? w.host->served : w.host->queued;
  w.place.splice(w.place.begin(), from, w.at);
  if (w.dial != nullptr) {
    w.dial->waiter = nullptr;
    w.dial = nullptr;
  }
  drop_if_unused(*w.host);
}

void pool::deliver(pool_waiter& w, std::unique_ptr<persistent_conn> c, gossamer::error err) {
  leave(w);
  w.conn = std::move(c);
  w.err = std::move(err);
  w.done = true;
  w.ready.signal();
}

// ---- making ---------------------------------------------------------------------------------------------------------

// It has the values of who asks, and goes on when that one has left.
void pool::start_dial(pool_waiter& w) {
  auto [ctx, cancel] = context::with_cancel(context::without_cancel(*w.ctx));
  dials_.push_back({.host = w.host, .how = *w.how, .ctx = ctx, .cancel = cancel, .waiter = &w});
  w.dial = &dials_.back();
  w.host->served.splice(w.host->served.end(), w.host->queued, w.at);
  ++w.host->connections;
  dialing_.go([this, d = std::prev(dials_.end())] { run_dial(d); });
}

void pool::run_dial(std::list<pool_dial>::iterator d) {
  auto [c, err] = dial_(d->how, d->ctx);
  d->cancel();
  conns ended;
  {
    const std::lock_guard hold(lock_);
    pool_host& h = *d->host;
    if (c) {
      c->host = &h;
    }
    if (d->waiter != nullptr) {
      deliver(*d->waiter, std::move(c), err);
    } else if (c && keep(c, ended)) {
      ended.push_back(std::move(c));
    }
    dials_.erase(d);
    if (err) {
      forget_locked(h);
    }
  }
  end_all(ended);
}

void pool::forget_locked(pool_host& h) {
  --h.connections;
  if (!h.queued.empty() && !shut_) {
    start_dial(*h.queued.front());
  } else {
    drop_if_unused(h);
  }
}

void pool::forget(pool_host* host) {
  const std::lock_guard hold(lock_);
  forget_locked(*host);
}

void pool::drop_if_unused(pool_host& h) {
  if (h.connections == 0 && h.served.empty() && h.queued.empty()) {
    hosts_.erase(hosts_.find(h.key));
  }
}

// ---- keeping --------------------------------------------------------------------------------------------------------

gossamer::error pool::put(std::unique_ptr<persistent_conn>& c) {
  conns ended;
  gossamer::error err;
  {
    const std::lock_guard hold(lock_);
    err = keep(c, ended);
  }
  end_all(ended);
  return err;
}

gossamer::error pool::keep(std::unique_ptr<persistent_conn>& c, conns& ended) {
  if (!limits_.keeps) {
    return keep_alives_disabled;
  }
  c->is_reused = true;
  c->was_idle = false;
  pool_host& h = *c->host;
  if (!h.served.empty() || !h.queued.empty()) {
    deliver(*(h.served.empty() ? h.queued : h.served).front(), std::move(c), nullptr);
    return nullptr;
  }
  if (closes_idle_ || shut_) {
    return idle_closed;
  }
  if (h.idle.size() >= limits_.idle_per_host) {
    return too_many_idle_host;
  }
  c->was_idle = true;
  c->idle_since = time::now();
  idle_.splice(idle_.end(), c->place);
  arm();
  h.idle.push_back(std::move(c));
  if (limits_.idle != 0 && idle_.size() > limits_.idle) {
    ended.push_back(remove_idle(*idle_.front()));
  }
  return nullptr;
}

std::unique_ptr<persistent_conn> pool::remove_idle(persistent_conn& c) {
  auto& idle = c.host->idle;
  const auto at = std::ranges::find(idle, &c, [](const auto& p) { return p.get(); });
  std::unique_ptr<persistent_conn> own = std::move(*at);
  idle.erase(at);
  c.place.splice(c.place.begin(), idle_, c.at);
  return own;
}

void pool::end_all(conns& them) {
  for (auto& c : them) {
    lent_conn(shared_from_this(), std::move(c)).end();
  }
  them.clear();
}

// ---- ending ---------------------------------------------------------------------------------------------------------

// One timer for all: for the one that has been idle longest, and for those whose servers go meanwhile.
void pool::arm() {
  if (armed_ || idle_.empty()) {
    return;
  }
  armed_ = true;
  time::duration d = limits_.look_time;
  if (limits_.idle_time.count() > 0) {
    d = std::min(d, limits_.idle_time - time::since(idle_.front()->idle_since));
  }
  if (timer_) {
    timer_.reset(d);
    return;
  }
  timer_ = time::after_func(d, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->look_at_idle();
    }
  });
}

// Those that are asked without reading from them; what has something may be read, and goes on being idle where that
// was none of the server's words.
void pool::look_at_idle() {
  conns ended, doubtful;
  {
    const std::lock_guard hold(lock_);
    armed_ = false;
    const time::time_point old = time::now() - limits_.idle_time;
    for (auto next = idle_.begin(); next != idle_.end();) {
      persistent_conn& c = **next++;
      if (limits_.idle_time.count() > 0 && c.idle_since <= old) {
        ended.push_back(remove_idle(c));
      } else if (c.has_input().value_or(false)) {
        doubtful.push_back(remove_idle(c));
      }
    }
    arm();
  }
  for (auto& c : doubtful) {
    if (!c->is_quiet() || put(c)) {
      ended.push_back(std::move(c));
    }
  }
  end_all(ended);
}

void pool::close_idle() {
  conns ended;
  std::vector<context::cancel_func> unwanted;
  {
    const std::lock_guard hold(lock_);
    closes_idle_ = true;
    while (!idle_.empty()) {
      ended.push_back(remove_idle(*idle_.front()));
    }
    for (const pool_dial& d : dials_) {
      if (d.waiter == nullptr) {
        unwanted.push_back(d.cancel);
      }
    }
  }
  for (const auto& cancel : unwanted) {
    cancel();
  }
  end_all(ended);
}

void pool::shut() {
  {
    const std::lock_guard hold(lock_);
    shut_ = true;
  }
  close_idle();
  dialing_.wait();
}

pool::counts pool::count() {
  const std::lock_guard hold(lock_);
  counts n{.hosts = hosts_.size(), .idle = idle_.size()};
  for (const auto& [key, h] : hosts_) {
    n.connections += h.connections;
    n.waiters += h.served.size() + h.queued.size();
  }
  return n;
}

}  // namespace gossamer::inline v0::http
