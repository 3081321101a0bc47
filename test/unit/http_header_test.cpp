// The fields of messages.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gossamer/http/header.hpp"

using namespace gossamer;

TEST_CASE("http header: names are canonical, and compared without regard to case") {
  CHECK(http::canonical_header_key("content-type") == "Content-Type");
  CHECK(http::canonical_header_key("CONTENT-TYPE") == "Content-Type");
  CHECK(http::canonical_header_key("x_y") == "X_y");
  CHECK(http::canonical_header_key("a b") == "a b");  // no token
  CHECK(http::canonical_header_key("") == "");
  http::header h{{"accept", "a"}, {"ACCEPT", "b"}, {"Host", "h"}};
  CHECK(h.size() == 3);
  CHECK(h.get("Accept") == "a");
  CHECK(h.values("accept") == std::vector<std::string_view>{"a", "b"});
  CHECK(h.begin()->name == "Accept");
  CHECK(h.has("hOST"));
  CHECK_FALSE(h.has("none"));
  CHECK(h.get("none").empty());
}

TEST_CASE("http header: set replaces all, del removes all, order is kept") {
  http::header h{{"A", "1"}, {"B", "2"}, {"A", "3"}, {"C", "4"}, {"a", "5"}};
  const std::string_view c = h.get("C");
  h.set("A", h.get("B"));
  CHECK(h.size() == 3);
  CHECK(h.get("A") == "2");
  h.add("D", c);
  CHECK(c.data() == h.get("C").data());  // views stay
  std::string order;
  for (const http::header::field& f : h) {
    order += f.name + f.value + " ";
  }
  CHECK(order == "A2 B2 C4 D4 ");
  h.del("b");
  CHECK(h.size() == 3);
  h.clear();
  CHECK(h.empty());
  h.add("X", "1");
  CHECK(h.get("x") == "1");
}

TEST_CASE("http header: copies are deep, what was moved from is empty") {
  http::header a{{"A", "1"}};
  http::header b = a;
  b.set("A", "2");
  CHECK(a.get("A") == "1");
  const http::header c = std::move(b);
  CHECK(c.get("A") == "2");
  a = c;
  CHECK(a.get("A") == "2");
}
