#include "gossamer/http/reverse_proxy.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gossamer/context.hpp"
#include "gossamer/defer.hpp"
#include "gossamer/errors.hpp"
#include "gossamer/http/server.hpp"
#include "gossamer/http/transport.hpp"
#include "gossamer/net/conn.hpp"
#include "gossamer/panic.hpp"
#include "http/announced_trailers.hpp"
#include "http/ascii.hpp"
#include "http/cut.hpp"
#include "http/error_log.hpp"
#include "http/field_lists.hpp"
#include "http/head_text.hpp"
#include "http/proxy/answer_copy.hpp"
#include "http/proxy/clean_query.hpp"
#include "http/proxy/hints.hpp"
#include "http/proxy/hop_by_hop.hpp"
#include "http/proxy/passed_body.hpp"
#include "http/proxy/tunnel.hpp"
#include "http/quote.hpp"
#include "http/request_body.hpp"
#include "http/request_log.hpp"
#include "http/trailers.hpp"

namespace gossamer::inline v0::http {

namespace {

bool is_print(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Each once, in order; none where there are too many.
std::vector<std::string> names_of(const header& trailer) {
  std::vector<std::string> names;
  for (const header::field& f : trailer) {
    names.push_back(f.name);
  }
  sort_once(names);
  if (names.size() > announced_trailers::most) {
    names.clear();
  }
  return names;
}

// One request, on its way there and back.
class passing {
 public:
  passing(const reverse_proxy& by, response_writer& w, request& in)
      : by_(by), w_(w), in_(in), out_(in), hints_(std::make_shared<hints_passed>(w)) {}
  passing(const passing&) = delete;
  passing& operator=(const passing&) = delete;
  ~passing() {
    hints_->end();
    if (body_) {
      body_->leave();
    }
  }

  void run();

 private:
  void log(std::string_view line) const;
  void fail(const gossamer::error& err, int status = status_bad_gateway);
  bool prepare();
  void take_body();
  void announce_trailers();
  void refuse_trailers();
  bool modify(response& res);
  void pass_answer(response& res);
  void copy_body(response& res);
  void pass_trailers(const response& res, const std::vector<std::string>& announced);
  time::duration latency_of(const response& res) const;
  void switch_protocols(response& res);
  void join(const net::conn& back, response& res);

  const reverse_proxy& by_;
  response_writer& w_;
  request& in_;
  request out_;
  detail::reference<passed_body> body_;
  std::vector<std::string> announced_;  // trailers of the request
  const std::shared_ptr<hints_passed> hints_;
};

void passing::log(std::string_view line) const {
  if (by_.error_log) {
    write_log(by_.error_log, line);
  } else {
    log_for(in_, line);
  }
}

void passing::fail(const gossamer::error& err, int status) {
  if (by_.error_handler) {
    by_.error_handler(w_, out_, err);
    return;
  }
  log("http: proxy error: " + err.text());
  w_.write_header(status);
}

void passing::run() {
  if (!prepare()) {
    return;
  }
  if (out_.method == "CONNECT") {
    fail(errors::make("client sent unsupported CONNECT request"), status_method_not_allowed);
    return;
  }
  if (!out_.header.has("User-Agent")) {
    out_.header.set("User-Agent", "");  // or the transport would name itself
  }
  const round_tripper transport = by_.transport ? by_.transport : round_tripper(default_transport());
  hints_->begin(in_, out_);
  auto [res, err] = transport.round_trip(out_);
  hints_->end();
  if (err) {
    fail(err);
  } else if (res.status_code < status_continue) {
    res.body.close();
    fail(errors::make("backend answered with invalid status code ", res.status_code));
  } else if (res.status_code == status_switching_protocols) {
    switch_protocols(res);
  } else {
    pass_answer(res);
  }
}

// ---- the request ----------------------------------------------------------------------------------------------------

// What goes out. False: there is an answer already.
bool passing::prepare() {
  take_body();
  out_.close = false;
  if (!by_.rewrite) {
    fail(errors::make("reverse_proxy must have rewrite set"));
    return false;
  }
  const std::string protocol(upgrade_type(in_.header));
  if (!is_print(protocol)) {
    fail(errors::make("client tried to switch to invalid protocol ", quote(protocol)));
    return false;
  }
  remove_unpassed(out_.header, in_.header);
  if (lists_token(in_.header, "Te", "trailers")) {
    out_.header.set("Te", "trailers");
  }
  if (!protocol.empty()) {
    out_.header.set("Connection", "Upgrade");
    out_.header.set("Upgrade", protocol);
  }
  clean_query(out_.url.raw_query);
  proxy_request p{in_, out_};
  by_.rewrite(p);
  refuse_trailers();
  return true;
}

// Those that were announced and that `rewrite` has taken away.
void passing::refuse_trailers() {
  if (!body_) {
    return;
  }
  for (const std::string& name : announced_) {
    if (!out_.trailer.has(name)) {
      body_->refuse_trailer(name);
    }
  }
}

// One that is known to be empty is none, so that the request can be sent again.
void passing::take_body() {
  if (in_.content_length == 0 || !in_.body) {
    out_.body = nullptr;
    return;
  }
  body_ = detail::reference<passed_body>(new passed_body(w_, in_));
  out_.body = read_closer_of(body_);
  announce_trailers();
  // The answer may come before all of the request has been sent. What cannot do that waits, as elsewhere.
  static_cast<void>(response_controller(w_).enable_full_duplex());
}

// Their names; the values come with the end of the body.
void passing::announce_trailers() {
  out_.trailer.clear();
  announced_ = names_of(in_.trailer);
  for (const std::string& name : announced_) {
    if (may_be_trailer(name)) {
      out_.trailer.add(name, "");
    }
  }
  remove_unpassed(out_.trailer, in_.header);
}

// ---- the answer -----------------------------------------------------------------------------------------------------

bool passing::modify(response& res) {
  if (!by_.modify_response) {
    return true;
  }
  if (const gossamer::error err = by_.modify_response(res)) {
    res.body.close();
    fail(err);
    return false;
  }
  return true;
}

void passing::pass_answer(response& res) {
  remove_hop_by_hop(res.header);
  if (!modify(res)) {
    return;
  }
  append_fields(w_.header(), res.header);
  const std::vector<std::string> announced = res.trailer ? names_of(*res.trailer) : std::vector<std::string>();
  std::string names;
  for (const std::string& name : announced) {
    (names += names.empty() ? "" : ", ") += name;
  }
  if (!announced.empty()) {
    w_.header().add("Trailer", names);
  }
  w_.write_header(res.status_code);
  copy_body(res);
  pass_trailers(res, announced);
}

// What was sent of the answer cannot be taken back: the client is to see that it is not whole.
void passing::copy_body(response& res) {
  const gossamer::error err = copy_answer(w_, res.body, latency_of(res), [this](std::string_view line) { log(line); });
  res.body.close();
  if (!err) {
    return;
  }
  if (in_.context().value<server*>(server_context_key) == nullptr) {
    // Nobody would take it.
    log("suppressing panic for copyResponse error in test; copy error: " + err.text());
    return;
  }
  panic(abort_handler);
}

time::duration passing::latency_of(const response& res) const {
  const bool streams = same_name(trim(cut(res.header.get("Content-Type"), ';').first), "text/event-stream");
  return streams || res.content_length == -1 ? time::duration(-1) : by_.flush_interval;
}

void passing::pass_trailers(const response& res, const std::vector<std::string>& announced) {
  if (!res.trailer || res.trailer->empty()) {
    return;
  }
  // Without it a short answer would have a length, and no trailers.
  static_cast<void>(response_controller(w_).flush());
  const std::string prefix(!announced.empty() && names_of(*res.trailer) == announced ? "" : trailer_prefix);
  for (const header::field& f : *res.trailer) {
    if (!f.value.empty()) {  // it was announced, and has not come
      w_.header().add(prefix + f.name, f.value);
    }
  }
}

// ---- another protocol -----------------------------------------------------------------------------------------------

void passing::switch_protocols(response& res) {
  if (!modify(res)) {
    return;
  }
  const defer close{[&] { res.body.close(); }};
  const std::string_view asked = upgrade_type(out_.header);
  const std::string_view got = upgrade_type(res.header);
  if (!is_print(got)) {
    fail(errors::make("backend tried to switch to invalid protocol ", quote(got)));
  } else if (!same_name(asked, got)) {
    fail(errors::make("backend tried to switch protocol ", quote(got), " when ", quote(asked), " was requested"));
  } else if (const net::conn* const back = res.body.as<net::conn>(); back == nullptr) {
    fail(errors::make("internal error: 101 switching protocols response with non-writable body"));
  } else {
    join(*back, res);
  }
}

void passing::join(const net::conn& back, response& res) {
  const auto [client, err] = response_controller(w_).hijack();
  if (err == not_supported) {
    fail(errors::make("can't switch protocols using non-Hijacker ResponseWriter"));
    return;
  }
  if (err) {
    fail(errors::wrap(err, "Hijack failed on protocol switch"));
    return;
  }
  const auto stop = context::after_func(out_.context(), [back] { back.close(); });
  const defer stopped{[&] { stop(); }};
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const header* const h : {&w_.header(), &res.header}) {
    append_without_body(head, *h);
  }
  head += "\r\n";
  if (const gossamer::error failed = client.write(head).second) {
    client.close();
    log("http: proxy error: response write: " + failed.text());
    return;
  }
  join_connections(client, back);
}

}  // namespace

void reverse_proxy::serve_http(response_writer& w, request& r) const { passing(*this, w, r).run(); }

}  // namespace gossamer::inline v0::http
