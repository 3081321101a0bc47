// net: names of addresses, as a resolver of one's own choice gives them: what it says, fails with, or never says.
#include <netdb.h>
#include <gossamer/net.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "faults.hpp"
#include "fiber_test.hpp"

using namespace gossamer;

namespace {

// The names with blanks between them; the error's text in parentheses.
std::string names_of(std::string_view address, const net::ending& end = {}) {
  const auto [names, err] = net::lookup_addr(address, end);
  std::string s;
  for (const std::string& name : names) {
    s += (s.empty() ? "" : " ") + name;
  }
  return err ? s + "(" + err.text() + ")" : s;
}

}  // namespace

FIBER_TEST("net: the name of an address ends with a dot if there is one in it") {
  const std::string longest =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(61, 'd');
  const std::pair<std::string, std::string> cases[] = {
      {"localhost", "localhost"},
      {"host.example.com", "host.example.com."},
      {"host.example.com.", "host.example.com."},
      {"_sip._tcp.x", "_sip._tcp.x."},
      {"1-2.3", "1-2.3."},
      {"1.in-addr.arpa", "1.in-addr.arpa."},
      {".", "."},
      {longest, longest + "."},
  };
  for (const auto& [given, wanted] : cases) {
    const support::named_so named(given.c_str());
    CHECK(names_of("192.0.2.7") == wanted);
    CHECK(names_of("2001:db8::7") == wanted);
  }
}

FIBER_TEST("net: what is no name of a host is not handed on") {
  for (const std::string& given :
       {std::string(), std::string("1.2.3.4"), std::string("a b"), std::string("a/b.c"), std::string("x.-y"),
        std::string("x-.y"), std::string("a..b"), std::string(".a"), std::string("a.."), std::string("<script>"),
        std::string("a\nb"), std::string("\xc3\xa4"), std::string(64, 'a'),
        std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(62, 'd')}) {
    const support::named_so named(given.c_str());
    CHECK(names_of("192.0.2.7") == "(lookup 192.0.2.7: DNS response contained records which contain invalid names)");
  }
}

FIBER_TEST("net: why an address has no name is said, and whether it may have one later") {
  struct {
    int problem;
    int code;
    std::string why;
    bool not_found;
    bool temporary;
  } const cases[] = {
      {EAI_NONAME, 0, "no such host", true, false},
      {EAI_AGAIN, 0, ::gai_strerror(EAI_AGAIN), false, true},
      {EAI_FAIL, 0, ::gai_strerror(EAI_FAIL), false, false},
      {EAI_SYSTEM, EMFILE, "getnameinfo: too many open files", false, true},
  };
  for (const auto& c : cases) {
    const support::named_so named(c.problem, c.code);
    const error err = net::lookup_addr("192.0.2.7").second;
    CHECK((err && err.text() == "lookup 192.0.2.7: " + c.why));
    const auto* const d = errors::as<net::dns_error>(err);
    CHECK(d->name() == "192.0.2.7");
    CHECK(d->not_found() == c.not_found);
    CHECK(d->temporary() == c.temporary);
  }
}

FIBER_TEST("net: a name that does not come is waited for until the context ends it, and then not at all") {
  auto [ctx, cancel] = context::with_cancel(context::background());
  const support::hanging_names never;
  std::string got;
  support::crew asking;
  asking.go([&, c = ctx] { got = names_of("192.0.2.7", c); });
  CHECK(support::eventually([] { return support::hanging_names::hanging() == 1; }));
  cancel();
  asking.join();
  CHECK(got == "(lookup 192.0.2.7: operation was canceled)");
  CHECK(errors::is(net::lookup_addr("192.0.2.7", ctx).second, context::canceled));
  auto [late, release] = context::with_timeout(context::background(), -1s);
  const error err = net::lookup_addr("127.0.0.1", late).second;
  CHECK((err && err.text() == "lookup 127.0.0.1: i/o timeout"));
  CHECK(err.timeout());
  CHECK(support::hanging_names::hanging() == 1);  // nobody was asked
  release();
}
