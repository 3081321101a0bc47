// transfers: libcurl for fibers. Its multi interface names the descriptors that it waits for, and a time; each
// descriptor gets a fiber that waits for it, the time a timer, and whoever is woken lets libcurl go on. A transfer
// parks the fiber that asks for it.
#pragma once

#include <curl/curl.h>
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace curl {

using namespace gossamer;

// What libcurl says: `Couldn't connect to server`.
struct failure : errors::base {
  CURLcode code;
  explicit failure(CURLcode c) : code(c) {}
  std::string text() const override { return curl_easy_strerror(code); }
};

class transfers {
 public:
  transfers() : multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  transfers(const transfers&) = delete;
  transfers& operator=(const transfers&) = delete;
  // No transfer is going on.
  ~transfers() {
    {
      std::scoped_lock lock(mu_);
      curl_multi_cleanup(multi_);
      multi_ = nullptr;
      for (auto& [fd, end] : watched_) end();
      call_after(-1);
    }
    helpers_.wait();
  }

  // Does what `easy` is set up for. At the same time as others, but each easy handle once at a time.
  error perform(CURL* easy, const net::ending& end = {}) {
    auto done = make_chan<CURLcode>(1);
    {
      std::scoped_lock lock(mu_);
      running_[easy] = done;
      if (curl_multi_add_handle(multi_, easy) != CURLM_OK) {
        running_.erase(easy);
        return failure(CURLE_FAILED_INIT);
      }
    }
    CURLcode code = CURLE_OK;
    auto status = done.recv_until(end.stop(), code);
    std::scoped_lock lock(mu_);
    curl_multi_remove_handle(multi_, easy);
    running_.erase(easy);
    if (status == channel_status::ended) return end.err();
    return code == CURLE_OK ? error() : failure(code);
  }

 private:
  // All of these under mu_. libcurl calls the functions below from within.
  void go_on(curl_socket_t fd, int what) {
    int left = 0;
    if (multi_ != nullptr) curl_multi_socket_action(multi_, fd, what, &left);
    while (CURLMsg* m = multi_ != nullptr ? curl_multi_info_read(multi_, &left) : nullptr) {
      if (auto it = running_.find(m->easy_handle); m->msg == CURLMSG_DONE && it != running_.end())
        it->second << m->data.result;
    }
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<transfers*>(self)->watch(fd, what);
    return 0;
  }

  void watch(curl_socket_t fd, int what) {
    if (auto it = watched_.find(fd); it != watched_.end()) {
      it->second();
      watched_.erase(it);
    }
    io::interest in{.readable = (what & CURL_POLL_IN) != 0, .writable = (what & CURL_POLL_OUT) != 0};
    if (what == CURL_POLL_REMOVE || !(in.readable || in.writable)) return;
    auto [ctx, cancel] = context::with_cancel(context::background());
    watched_[fd] = cancel;
    helpers_.go([this, fd, in, ctx = ctx] {
      for (;;) {
        auto [ready, err] = io::wait_ready(fd, in, ctx);
        std::scoped_lock lock(mu_);
        if (ctx.err()) return;  // libcurl is no longer interested, or in something else
        bool failed = err || ready.failed;
        go_on(fd, (ready.readable ? CURL_CSELECT_IN : 0) | (ready.writable ? CURL_CSELECT_OUT : 0) |
                      (failed ? CURL_CSELECT_ERR : 0));
        if (err) return;
      }
    });
  }

  static int on_timer(CURLM*, long in_ms, void* self) {
    static_cast<transfers*>(self)->call_after(in_ms);
    return 0;
  }

  // One that comes late, after libcurl has thought better of it, does no harm.
  void call_after(long ms) {
    if (timer_ && timer_.stop()) helpers_.done();
    timer_ = nil;
    if (ms < 0) return;
    helpers_.add(1);
    timer_ = time::after_func(std::chrono::milliseconds(ms), [this] {
      {
        std::scoped_lock lock(mu_);
        go_on(CURL_SOCKET_TIMEOUT, 0);
      }
      helpers_.done();
    });
  }

  sync::mutex mu_;
  sync::wait_group helpers_;  // who waits for a descriptor, or for the timer
  // Guarded by mu_.
  CURLM* multi_;
  time::timer timer_;
  std::map<CURL*, chan<CURLcode>> running_;
  std::map<curl_socket_t, context::cancel_func> watched_;
};

inline std::size_t append_to(char* part, std::size_t, std::size_t bytes, void* body) {
  static_cast<std::string*>(body)->append(part, bytes);
  return bytes;
}

// What is there; an answer that is an error fails.
inline std::pair<std::string, error> fetch(transfers& all, const std::string& url, const net::ending& end = {}) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
  std::string body;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &append_to);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  error err = all.perform(easy.get(), end);
  return {std::move(body), err};
}

}  // namespace curl
