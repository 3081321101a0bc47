// Errors: handles, sentinels, chains, joins, codes.
#include <boost/system/error_code.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <typeinfo>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using gossamer::error;  // glibc has a function of that name

namespace {

inline constinit const errors::sentinel eof{"EOF"};
inline constinit const errors::sentinel other_eof{"EOF"};
inline constinit const error none = nil;

struct not_found : errors::base {
  explicit not_found(std::string n) : name(std::move(n)) {}
  std::string text() const override { return name + " not found"; }
  std::string name;
};

struct late : errors::base {
  std::string text() const override { return "late"; }
  bool timeout() const override { return true; }
};

std::pair<int, error> half(int n) {
  if (n % 2 != 0) {
    return {0, errors::make("half of ", n)};
  }
  return {n / 2, nil};
}

error open(bool found) {
  if (!found) {
    return not_found("x");
  }
  return nil;
}

const std::string before_main = eof.text();

}  // namespace

PLAIN_TEST("an error is nil or an object, compared by identity") {
  const error a = errors::make("a");
  const error same = a;
  CHECK(a == same);
  CHECK(a != errors::make("a"));
  CHECK(a != nil);
  CHECK(error() == nil);
  CHECK(none == nil);
  CHECK_FALSE(error(nil));
  CHECK(a.text() == "a");
  CHECK(support::panic_of([] { (void)error().text(); }) ==
        "runtime error: invalid memory address or nil pointer dereference");
  std::ostringstream out;
  out << a << " " << error();
  CHECK(out.str() == "a <nil>");
  std::unordered_set<error> set{a, same, nil, eof, eof};
  CHECK(set.size() == 3);
  error moved = a;
  const error to = std::move(moved);
  CHECK(to == a);
  moved = to;
  CHECK(moved == a);
}

PLAIN_TEST("a result and an error are bound, tied and taken as in Go") {
  auto [v, err] = half(4);
  CHECK(v == 2);
  CHECK(err == nil);
  std::tie(v, err) = half(3);
  CHECK(err.text() == "half of 3");
  err = half(5).second;
  CHECK(err.text() == "half of 5");
  CHECK(open(true) == nil);
  CHECK(open(false).text() == "x not found");
}

PLAIN_TEST("a sentinel is constant-initialised, differs from one of the same text, and is never destroyed") {
  CHECK(before_main == "EOF");
  CHECK(eof == eof);
  CHECK(eof != other_eof);
  error err = eof;
  CHECK(err == eof);
  CHECK(eof == err);
  CHECK(errors::is(errors::wrap(err, "read"), eof));
  CHECK_FALSE(errors::is(errors::wrap(err, "read"), other_eof));
  const std::pair<int, error> result{0, eof};
  CHECK(result.second == eof);
}

PLAIN_TEST("make concatenates what can be printed") {
  const error inner = errors::make("in");
  CHECK(errors::make("a", std::string("b"), 'c', 1, -2L, 3U, true, 1.5, inner, error(), not_found("y")).text() ==
        "abc1-23true1.5in<nil>y not found");
  CHECK(errors::make().text().empty());
  CHECK(errors::make("after ", 1500ms, " of ", 2h).text() == "after 1.5s of 2h0m0s");
  CHECK(errors::wrap(inner, 250us, " late").text() == "250µs late: in");
}

PLAIN_TEST("wrap puts its text before the error's and keeps the chain") {
  const error low = not_found("file");
  const error high = errors::wrap(errors::wrap(low, "read"), "job ", 7);
  CHECK(high.text() == "job 7: read: file not found");
  CHECK(errors::is(high, low));
  CHECK(errors::unwrap(errors::unwrap(high)) == low);
  CHECK(errors::unwrap(low) == nil);
  const auto* found = errors::as<not_found>(high);
  CHECK(found != nullptr);
  CHECK(found->name == "file");
  CHECK(errors::as<late>(high) == nullptr);
  CHECK(errors::wrap(nil, "no") == nil);
  CHECK(errors::wrap(late(), "l").timeout());
  CHECK_FALSE(high.timeout());
  CHECK(errors::is(nil, nil));
  CHECK_FALSE(errors::is(low, nil));
  CHECK_FALSE(errors::is(nil, low));
}

PLAIN_TEST("join has a line for each, drops nil, and is and as walk into it depth first") {
  const error a = errors::make("a");
  const error both = errors::join(a, nil, not_found("b"), eof);
  CHECK(both.text() == "a\nb not found\nEOF");
  CHECK(errors::join(nil, error()) == nil);
  CHECK(errors::join() == nil);
  const error outer = errors::wrap(errors::join(errors::make("first"), both, late()), "all");
  CHECK(errors::is(outer, a));
  CHECK(errors::is(outer, eof));
  CHECK(errors::as<not_found>(outer)->name == "b");
  CHECK(errors::as<late>(outer) != nullptr);
  CHECK(errors::unwrap(both) == nil);
}

PLAIN_TEST("an error_code is an error: zero is nil, and is() compares codes and conditions") {
  CHECK(error(std::error_code()) == nil);
  const error refused = std::make_error_code(std::errc::connection_refused);
  CHECK(refused.text() == std::make_error_code(std::errc::connection_refused).message());
  const error dial = errors::wrap(refused, "dial");
  CHECK(errors::is(dial, std::make_error_code(std::errc::connection_refused)));
  CHECK(errors::is(dial, std::errc::connection_refused));
  CHECK_FALSE(errors::is(dial, std::errc::timed_out));
  CHECK(errors::as<errors::code>(dial)->value() == std::errc::connection_refused);
  CHECK(error(std::make_error_code(std::errc::timed_out)).timeout());
}

FIBER_TEST("handles to one error may be copied and dropped by many fibers") {
  for (int round = 0; round < support::scale(200); ++round) {
    error shared = errors::wrap(not_found("r"), "round ", round);
    support::crew crew;
    for (int i = 0; i < 10; ++i) {
      crew.go([shared] {
        std::vector<error> copies(20, shared);
        CHECK(errors::as<not_found>(copies.back())->name == "r");
      });
    }
    shared = nil;
  }
}

// ---- conversions ----------------------------------------------------------------------------------------------------

PLAIN_TEST("an error gives back the first code of its chain") {
  const auto refused = std::make_error_code(std::errc::connection_refused);
  CHECK(errors::to_code(nil) == std::error_code());
  CHECK(errors::to_code(errors::wrap(error(refused), "dial ", 1)) == refused);
  CHECK(errors::to_code(errors::join(errors::make("a"), errors::wrap(error(refused), "b"))) == refused);
  CHECK(errors::to_code(errors::wrap(late(), "l")) == std::errc::timed_out);
  const std::error_code other = errors::to_code(errors::make("without"));
  CHECK(other);
  CHECK(other.category().name() == std::string("gossamer"));
  CHECK(other.message() == "error without a code");
  CHECK(other != refused);
}

PLAIN_TEST("a boost::system::error_code is an error, and comes back as it was") {
  namespace bs = boost::system;
  CHECK(error(bs::error_code()) == nil);
  const bs::error_code refused = bs::errc::make_error_code(bs::errc::connection_refused);
  const error err = refused;
  CHECK(err.text() == refused.message());
  const error dial = errors::wrap(err, "dial");
  CHECK(errors::is(dial, std::errc::connection_refused));
  CHECK(errors::is(dial, refused));
  CHECK(errors::to_code<bs::error_code>(dial) == refused);
  CHECK(errors::to_code(dial) == std::errc::connection_refused);
  const auto timed_out = std::make_error_code(std::errc::timed_out);
  CHECK(errors::to_code<bs::error_code>(errors::wrap(error(timed_out), "std")).message() == timed_out.message());
  CHECK_FALSE(errors::to_code<bs::error_code>(nil));
  CHECK(error(bs::errc::make_error_code(bs::errc::timed_out)).timeout());
}

PLAIN_TEST("an error goes through an exception and is the same one after it") {
  const error err = errors::wrap(not_found("x"), "look");
  const std::exception_ptr e = errors::to_exception(err);
  CHECK(errors::from_exception(e) == err);
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    CHECK(x.what() == std::string("look: x not found"));
    CHECK(errors::from_exception(std::current_exception()) == err);
  }
  CHECK(errors::to_exception(nil) == nullptr);
  CHECK(errors::from_exception(nullptr) == nil);
  CHECK(support::panic_of([] { throw errors::exception(nil); }) ==
        "runtime error: invalid memory address or nil pointer dereference");
}

PLAIN_TEST("an exception goes through an error and is the same one after it, with the chain of what it holds") {
  const auto made = std::make_exception_ptr(std::runtime_error("broke"));
  const error err = errors::from_exception(made);
  CHECK(err.text() == "broke");
  CHECK(errors::to_exception(err) == made);
  CHECK(errors::as<errors::caught>(errors::wrap(err, "w"))->exception() == made);
  CHECK(errors::unwrap(err) == nil);

  const auto code = std::make_error_code(std::errc::timed_out);
  const error system = errors::from_exception(std::make_exception_ptr(std::system_error(code, "read")));
  CHECK(errors::is(system, std::errc::timed_out));
  CHECK(errors::to_code(system) == code);
  CHECK(system.timeout());

  const auto caught_of = [](auto&& f) {
    try {
      f();
    } catch (...) {
      return errors::from_exception(std::current_exception());
    }
    return error();
  };
  const error inner = not_found("y");
  CHECK(errors::is(caught_of([&] { panic(inner); }), inner));
  CHECK(caught_of([&] { panic(inner); }).text() == "y not found");
  CHECK(caught_of([] { panic(12); }).text() == "12");
  const error nested = caught_of([&] {
    try {
      throw errors::exception(inner);
    } catch (...) {
      std::throw_with_nested(std::system_error(code, "outer"));
    }
  });
  CHECK(errors::is(nested, inner));
  CHECK(errors::is(nested, std::errc::timed_out));
  CHECK(errors::is(caught_of([&] { throw inner; }), inner));
  CHECK(caught_of([] { throw 7; }).text() == "(int)");
}

PLAIN_TEST("a type of one's own says what it is taken for, through wraps and joins") {
  struct status : errors::base {
    explicit status(int n) : number(n) {}
    std::string text() const override { return "status " + std::to_string(number); }
    bool is(const error& target) const override {
      const auto* other = errors::as<status>(target);
      return other != nullptr && other->number == number;
    }
    int number;
  };
  const error err = errors::wrap(errors::join(eof, status(404)), "get");
  CHECK(errors::is(err, status(404)));
  CHECK_FALSE(errors::is(err, status(500)));
  CHECK(errors::as<status>(err)->number == 404);
  CHECK(err.text() == "get: EOF\nstatus 404");
}

FIBER_TEST("GO7: an error crosses fibers as a panic, an exception and a value") {
  auto results = make_chan<error>(1);
  go([=] {
    func([&](defers& defer) {
      defer([&] {
        if (auto p = defer.recover()) {
          results.send(errors::wrap(errors::from_exception(std::make_exception_ptr(*p)), "fiber"));
        }
      });
      panic(error(eof));
    });
  });
  const error err = *results;
  CHECK(err.text() == "fiber: EOF");
  CHECK(errors::is(err, eof));
}

namespace {

struct retryable {
  virtual ~retryable() = default;
  virtual int after() const = 0;
};
struct busy : errors::base, retryable {
  std::string text() const override { return "busy"; }
  int after() const override { return 7; }
};
struct coded {
  virtual ~coded() = default;
  int number = 404;
};
struct gone : coded, errors::base {
  std::string text() const override { return "gone"; }
};

}  // namespace

PLAIN_TEST("as finds an error by an interface that its type derives from beside base") {
  const error err = errors::wrap(errors::join(late(), errors::wrap(busy(), "inner"), gone()), "outer");
  const auto* again = errors::as<retryable>(err);
  CHECK(again != nullptr);
  CHECK(again->after() == 7);
  CHECK(dynamic_cast<const errors::base*>(again) == errors::as<busy>(err));
  CHECK(errors::as<coded>(err)->number == 404);
  CHECK(errors::as<retryable>(error(late())) == nullptr);
  CHECK(errors::as<retryable>(error()) == nullptr);
  CHECK(errors::as<errors::base>(err) == err.get());
}

PLAIN_TEST("an error of one's own says what as finds in it, and what is takes it for") {
  struct refused : errors::base {
    std::string text() const override { return "refused"; }
    bool is(const error& target) const override { return target == errors::unsupported; }
    const void* as(const std::type_info& type) const override { return type == typeid(not_found) ? &inner : nullptr; }
    error unwrap() const override { return not_found("wrapped"); }
    not_found inner{"given out"};
  };
  const error err = errors::wrap(refused(), "call");
  CHECK(errors::is(err, errors::unsupported));
  CHECK_FALSE(errors::is(err, eof));
  // Its own answer comes before what it wraps, and lives as long as it.
  CHECK(errors::as<not_found>(err)->name == "given out");
  CHECK(errors::as<not_found>(err) == errors::as<not_found>(err));
  CHECK(errors::as<refused>(err)->inner.name == "given out");
  CHECK(errors::as<late>(err) == nullptr);
  CHECK(errors::as<not_found>(errors::join(late(), err))->name == "given out");
  // What is one is asked for nothing else.
  struct both : not_found {
    both() : not_found("outer") {}
    const void* as(const std::type_info&) const override { return &inner; }
    not_found inner{"inner"};
  };
  CHECK(errors::as<not_found>(error(both()))->name == "outer");
}

PLAIN_TEST("unsupported is what the kernel says in three ways, and what is wrapped") {
  CHECK(errors::unsupported.text() == "unsupported operation");
  for (const int code : {ENOSYS, EOPNOTSUPP, ENOTSUP}) {
    CHECK(errors::is(os::system_error(code), errors::unsupported));
    CHECK(errors::is(errors::wrap(os::syscall_error("splice", code), "copy"), errors::unsupported));
  }
  CHECK_FALSE(errors::is(os::system_error(EINVAL), errors::unsupported));
  CHECK(errors::is(errors::wrap(errors::unsupported, "x"), errors::unsupported));
  CHECK_FALSE(errors::is(errors::unsupported, eof));
}
