// What a client does about answers that point elsewhere.
#include <gossamer/http/client.hpp>
#include <gossamer/http/respond.hpp>
#include <gossamer/io.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber_test.hpp"
#include "http_played.hpp"

using namespace gossamer;
using support::played;

namespace {

using writer = http::response_writer;

// Where it goes is the handler's matter: Location is set as it is.
void point(writer& w, int status, std::string_view to, std::string_view body = "gone") {
  w.header().set("Location", to);
  w.write_header(status);
  w.write(body);
}

// From /from elsewhere, with that status.
played::handler once(int status, std::string to) {
  return [=](writer& w, http::request& r) {
    if (r.url.path == "/from") {
      point(w, status, to);
    } else {
      w.write("there");
    }
  };
}

http::client client_of(played& p) {
  http::client c;
  c.transport = &p;
  return c;
}

http::request made(std::string_view method, std::string_view url, const http::outgoing_body& body = {}) {
  auto [r, err] = http::new_request(method, url, body);
  CHECK_FALSE(err);
  return r;
}

// `METHOD URL BODY [TYPE]` of each request.
std::string story(const played& p) {
  std::string text;
  for (const played::question& q : p.asked) {
    text += (text.empty() ? "" : " > ") + q.method + ' ' + q.url + (q.body.empty() ? "" : ' ' + q.body);
    text += q.field("Content-Type").empty() ? "" : " [" + q.field("Content-Type") + ']';
  }
  return text;
}

std::string sent_by(std::string_view method, int status) {
  played p(once(status, "/to"));
  http::request r = made(method, "http://a.test/from", method == "GET" || method == "HEAD" ? "" : "text");
  r.header.set("Content-Type", "t");
  auto [answer, err] = client_of(p).do_(r);
  CHECK_FALSE(err);
  CHECK(answer.status_code == 200);
  CHECK(answer.request->url.text() == "http://a.test/to");
  CHECK(p.closed == 1);
  return story(p);
}

}  // namespace

TEST_CASE("http redirect: 301, 302 and 303 make a GET without a body of all but HEAD") {
  for (const int status : {301, 302, 303}) {
    CHECK(sent_by("GET", status) == "GET http://a.test/from [t] > GET http://a.test/to");
    CHECK(sent_by("HEAD", status) == "HEAD http://a.test/from [t] > HEAD http://a.test/to");
    CHECK(sent_by("POST", status) == "POST http://a.test/from text [t] > GET http://a.test/to");
    CHECK(sent_by("PUT", status) == "PUT http://a.test/from text [t] > GET http://a.test/to");
  }
}

TEST_CASE("http redirect: 307 and 308 keep the method and the body") {
  for (const int status : {307, 308}) {
    CHECK(sent_by("GET", status) == "GET http://a.test/from [t] > GET http://a.test/to [t]");
    CHECK(sent_by("POST", status) == "POST http://a.test/from text [t] > POST http://a.test/to text [t]");
    CHECK(sent_by("DELETE", status) == "DELETE http://a.test/from text [t] > DELETE http://a.test/to text [t]");
  }
}

TEST_CASE("http redirect: a body that cannot be had again is not sent again: the redirect is the answer") {
  played p(once(307, "/to"));
  io::buffer rest("text");
  http::request r = made("POST", "http://a.test/from", io::limit_reader(&rest, 10));
  CHECK_FALSE(r.get_body);
  auto [answer, err] = client_of(p).do_(r);
  CHECK_FALSE(err);
  CHECK(answer.status_code == 307);
  CHECK(io::read_all(answer.body).first == "gone");
  CHECK(story(p) == "POST http://a.test/from text");
}

TEST_CASE("http redirect: a body that was dropped on the way stays dropped") {
  played p([](writer& w, http::request& r) {
    if (r.url.path == "/from") {
      point(w, 303, "/b");
    } else if (r.url.path == "/b") {
      point(w, 307, "/c");
    }
  });
  CHECK_FALSE(client_of(p).do_(made("POST", "http://a.test/from", "text")).second);
  CHECK(story(p) == "POST http://a.test/from text > GET http://a.test/b > GET http://a.test/c");
}

TEST_CASE("http redirect: without a Location it is the answer; other statuses are followed nowhere") {
  for (const int status : {300, 304, 305, 200, 201, 404}) {
    played p(once(status, "/to"));
    auto [answer, err] = client_of(p).get("http://a.test/from");
    CHECK_FALSE(err);
    CHECK(answer.status_code == status);
    CHECK(p.asked.size() == 1);
  }
  played p([](writer& w, http::request&) { w.write_header(302); });
  auto [answer, err] = client_of(p).get("http://a.test/from");
  CHECK_FALSE(err);
  CHECK(answer.status_code == 302);
  CHECK(p.closed == 0);
}

TEST_CASE("http redirect: after ten requests it ends") {
  played p([](writer& w, http::request&) { point(w, 302, "/loop"); });
  auto [answer, err] = client_of(p).get("http://a.test/");
  CHECK(err.text() == "Get \"/loop\": stopped after 10 redirects");
  CHECK(answer.status_code == 302);
  CHECK(p.asked.size() == 10);
  CHECK(p.closed == 10);
}

TEST_CASE("http redirect: a Location that is none") {
  played p([](writer& w, http::request&) { point(w, 302, "http://[::1"); });
  auto [answer, err] = client_of(p).do_(made("POST", "http://a.test/x"));
  CHECK(err.text() ==
        "Post \"http://a.test/x\": failed to parse Location header \"http://[::1\": parse \"http://[::1\": missing ']' "
        "in host");
  CHECK_FALSE(answer.body);
  CHECK(p.closed == 1);
}

TEST_CASE("http redirect: what is secret is not told to other hosts, nor later") {
  const auto told = [](std::string_view from, std::vector<std::string> stations) {
    std::size_t at = 0;
    played p([&](writer& w, http::request&) {
      if (at < stations.size()) {
        point(w, 302, stations[at++]);
      }
    });
    http::request r = made("GET", from);
    r.header.set("Authorization", "a");
    r.header.set("Cookie", "c=1");
    r.header.set("X-Other", "o");
    CHECK_FALSE(client_of(p).do_(r).second);
    const played::question& last = p.asked.back();
    CHECK(last.field("X-Other") == "o");
    CHECK(last.field("Cookie").empty() == last.field("Authorization").empty());
    return !last.field("Authorization").empty();
  };
  CHECK(told("http://a.test/", {"/b"}));
  CHECK(told("http://a.test/", {"http://A.TEST:81/b"}));
  CHECK(told("http://a.test/", {"http://sub.a.test/b"}));
  CHECK_FALSE(told("http://a.test/", {"http://b.test/"}));
  CHECK_FALSE(told("http://a.test/", {"http://nota.test/"}));
  CHECK_FALSE(told("http://sub.a.test/", {"http://a.test/"}));
  CHECK_FALSE(told("http://a.test/", {"http://b.test/", "http://a.test/"}));
  CHECK_FALSE(told("http://a.test/", {"http://[::1%25.a.test]/"}));
}

TEST_CASE("http redirect: Referer is the last place, without user, and nothing of https in the clear") {
  const auto referer = [](std::string_view from, std::string to, std::string_view own = "") {
    played p(once(302, std::move(to)));
    http::request r = made("GET", from);
    if (!own.empty()) {
      r.header.set("Referer", own);
    }
    CHECK_FALSE(client_of(p).do_(r).second);
    return p.asked.back().field("Referer");
  };
  CHECK(referer("http://a.test/from?q=1", "/to") == "http://a.test/from?q=1");
  CHECK(referer("http://u:p@a.test/from", "http://b.test/") == "http://a.test/from");
  CHECK(referer("https://a.test/from", "http://a.test/to") == "");
  CHECK(referer("https://a.test/from", "https://b.test/to") == "https://a.test/from");
  CHECK(referer("http://a.test/from", "/to", "http://own.test/") == "http://own.test/");
}

TEST_CASE("http redirect: a host of the caller's own is kept where the redirect names none") {
  const auto host = [](std::string to) {
    played p(once(302, std::move(to)));
    http::request r = made("GET", "http://a.test/from");
    r.host = "other.test";
    CHECK_FALSE(client_of(p).do_(r).second);
    CHECK(p.asked.front().host == "other.test");
    return p.asked.back().host;
  };
  CHECK(host("/to") == "other.test");
  CHECK(host("http://a.test/to") == "");
}

TEST_CASE("http redirect: check_redirect sees what was sent, changes what will be, and ends it") {
  const auto chain = [](writer& w, http::request& r) { point(w, 302, r.url.path + "x"); };
  played p(chain);
  http::client c = client_of(p);
  std::string seen;
  c.check_redirect = [&](http::request& next, std::span<const http::request* const> via) -> error {
    seen += next.url.path + '<' + via.front()->url.path + '-' + via.back()->url.path + ' ';
    next.header.set("X-Added", std::to_string(via.size()));
    return via.size() == 3 ? errors::make("enough") : nullptr;
  };
  auto [answer, err] = c.get("http://a.test/");
  CHECK(seen == "/x</-/ /xx</-/x /xxx</-/xx ");
  CHECK(err.text() == "Get \"/xxx\": enough");
  CHECK(answer.status_code == 302);
  CHECK(p.asked.size() == 3);
  CHECK(p.asked.back().field("X-Added") == "2");
  CHECK(p.closed == 3);

  played q(chain);
  c.transport = &q;
  c.check_redirect = [](const http::request& next, std::span<const http::request* const>) -> error {
    CHECK(next.response->status_code == 302);
    return http::use_last_response;
  };
  auto [last, none] = c.get("http://a.test/");
  CHECK_FALSE(none);
  CHECK(q.asked.size() == 1);
  CHECK(q.closed == 0);
  CHECK(io::read_all(last.body).first == "gone");
  CHECK(http::use_last_response.text() == "net/http: use last response");
}

TEST_CASE("http redirect: of the redirect's body a little is read, so that the connection can be used again") {
  for (const auto& [size, read] : {std::pair(0, 0), std::pair(2048, 2048), std::pair(100'000, 2048)}) {
    played p([size = size](writer& w, http::request& r) {
      if (r.url.path == "/from") {
        point(w, 302, "/to", std::string(static_cast<std::size_t>(size), 'x'));
      }
    });
    CHECK_FALSE(client_of(p).get("http://a.test/from").second);
    CHECK(p.bytes_read == static_cast<std::size_t>(read));
    CHECK(p.closed == 1);
  }
  played told([](writer& w, http::request& r) {
    if (r.url.path == "/from") {
      w.header().set("Content-Length", "5000");
      point(w, 302, "/to", std::string(5000, 'x'));
    }
  });
  CHECK_FALSE(client_of(told).get("http://a.test/from").second);
  CHECK(told.bytes_read == 0);
  CHECK(told.closed == 1);
}

TEST_CASE("http redirect: cookies that an answer sets take the place of the request's own") {
  played p([](writer& w, http::request& r) {
    if (r.url.path == "/from") {
      w.header().add("Set-Cookie", "b=new");
      point(w, 302, "/to");
    } else if (r.url.path == "/to") {
      point(w, 302, "/end");
    }
  });
  http::client c = client_of(p);
  c.jar = http::cookiejar::new_jar();
  http::request r = made("GET", "http://a.test/from");
  r.header.set("Cookie", "c=3; a=1; b=2");
  CHECK_FALSE(c.do_(r).second);
  CHECK(p.asked[0].field("Cookie") == "c=3; a=1; b=2");
  CHECK(p.asked[1].field("Cookie") == "a=1; c=3; b=new");
  CHECK(p.asked[2].field("Cookie") == "a=1; c=3; b=new");
  CHECK(r.header.get("Cookie") == "c=3; a=1; b=2");
}

TEST_CASE("http redirect: what cannot be had anew ends it") {
  played p(once(308, "/to"));
  http::request r = made("PUT", "http://a.test/from", "text");
  r.get_body = []() -> std::pair<io::read_closer, error> { return {nullptr, errors::make("torn")}; };
  auto [answer, err] = client_of(p).do_(r);
  CHECK(err.text() == "Put \"http://a.test/from\": torn");
  CHECK(p.closed == 1);
}
