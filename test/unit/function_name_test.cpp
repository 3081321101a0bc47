// Names of functions as people write them, from what g++, clang and __PRETTY_FUNCTION__ say.
#include "machine/function_name.hpp"

#include <string>
#include <utility>
#include <vector>

#include "fiber_test.hpp"

using namespace gossamer;
using machine::fitted;
using machine::short_name;

namespace {

void check_all(const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [whole, wanted] : names) {
    CHECK(short_name(whole) == wanted);
  }
}

const std::string text = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";

}  // namespace

PLAIN_TEST("types of the standard library are called by their short names") {
  check_all({
      {"f(" + text + ", " + text + " const&)", "f(std::string, std::string const&)"},
      {"f(std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char>>)", "f(std::string)"},
      {"f(std::basic_string_view<char, std::char_traits<char> >)", "f(std::string_view)"},
      {"f(std::__cxx11::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> >)",
       "f(std::wstring)"},
      {"f(std::chrono::duration<long, std::ratio<1l, 1000000000l> >)", "f(std::chrono::nanoseconds)"},
      {"f(std::chrono::duration<long, std::ratio<1l, 1l> >)", "f(std::chrono::seconds)"},
      {"f(std::chrono::time_point<std::chrono::_V2::steady_clock, std::chrono::duration<long, std::ratio<1l, "
       "1000000000l> > >)",
       "f(std::chrono::steady_clock::time_point)"},
      {"std::filesystem::__cxx11::path::parent_path() const", "std::filesystem::path::parent_path()"},
      {"read[abi:cxx11](int)", "read(int)"},
  });
}

PLAIN_TEST("template arguments that are the default are cut, others are not") {
  check_all({
      {"f(std::map<" + text + ", std::vector<int, std::allocator<int> >, std::less<" + text +
           " >, std::allocator<std::pair<" + text + " const, std::vector<int, std::allocator<int> > > > >)",
       "f(std::map<std::string, std::vector<int>>)"},
      {"f(std::set<int, std::greater<int>, std::allocator<int> >)", "f(std::set<int, std::greater<int>>)"},
      {"f(std::map<int, int, std::less<void>, std::allocator<std::pair<int const, int> > >)",
       "f(std::map<int, int, std::less<void>>)"},
      {"f(std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, std::allocator<std::pair<int const, int> > "
       ">)",
       "f(std::unordered_map<int, int>)"},
      {"f(std::unique_ptr<app::job, std::default_delete<app::job> >)", "f(std::unique_ptr<app::job>)"},
      {"f(std::vector<int, app::arena<int> >)", "f(std::vector<int, app::arena<int>>)"},
      {"f(app::cache<int, std::allocator<int> >)", "f(app::cache<int, std::allocator<int>>)"},
      {"f(std::queue<int, std::deque<int, std::allocator<int> > >)", "f(std::queue<int>)"},
  });
}

PLAIN_TEST("what a function returns, its qualifiers and what compilers add are cut") {
  check_all({
      {"void app::serve<int>(int) const", "app::serve<int>(int)"},
      {"std::enable_if<is_same<int, int>, void>::type app::put<int>(int&&)", "app::put<int>(int&&)"},
      {"decltype(auto) app::pass<int>(int)", "app::pass<int>(int)"},
      {"decltype ((declval<int>)()) app::pass<int>(int)", "app::pass<int>(int)"},
      {"app::work(int) [clone .cold]", "app::work(int)"},
      {"app::work(int) [clone .constprop.0] [clone .part.0] [clone .cold]", "app::work(int)"},
      {"main.cold", "main"},
      {"c_function.constprop.0", "c_function"},
      {"c_function.isra.0.cold", "c_function"},
      {"c_function", "c_function"},
      {"non-virtual thunk to app::base::run()", "app::base::run()"},
      {"void app::serve(T) [with T = int]", "app::serve(T)"},
      {"int &app::get(const char *)", "app::get(const char *)"},
      {"gossamer::v0::sync::mutex::lock(std::source_location)", "gossamer::sync::mutex::lock(std::source_location)"},
      {"v0::f(gossamer::v0::chan<int>)", "v0::f(gossamer::chan<int>)"},
  });
}

PLAIN_TEST("a lambda's call operator goes by the lambda's name, and inner functions have no parameters") {
  check_all({
      {"main::{lambda()#1}::operator()() const", "main::{lambda()#1}()"},
      {"main::{lambda()#1}::operator()() const::{lambda(int, " + text + ")#2}::operator()(int, " + text + ")",
       "main::{lambda()#1}::{lambda(int, std::string)#2}(int, std::string)"},
      {"auto app::run(int)::{lambda(auto:1)#1}::operator()<int>(int) const", "app::run::{lambda(auto:1)#1}(int)"},
      {"main::$_0::operator()() const", "main::$_0()"},
      {"main::$_0::operator()(int) const::{lambda()#1}::operator()() const", "main::$_0::{lambda()#1}()"},
      {"main()::<lambda()>", "main::<lambda()>"},
      {"main()::<lambda()>::<lambda(int)> mutable", "main::<lambda()>::<lambda(int)>"},
      {"(anonymous namespace)::f(int)::{lambda()#1}::operator()() const", "(anonymous namespace)::f::{lambda()#1}()"},
  });
}

PLAIN_TEST("operators are understood") {
  check_all({
      {"app::x::operator()(int) const", "app::x::operator()(int)"},
      {"std::function<void (int)>::operator()(int) const", "std::function<void (int)>::operator()(int)"},
      {"app::x::operator bool() const", "app::x::operator bool()"},
      {"app::x::operator " + text + "() const", "app::x::operator std::string()"},
      {"bool app::operator< <int>(app::x<int> const&, int)", "app::operator< <int>(app::x<int> const&, int)"},
      {"bool app::operator<=><int>(app::x<int> const&, int)", "app::operator<=><int>(app::x<int> const&, int)"},
      {"app::x::operator->() const", "app::x::operator->()"},
      {"operator new[](unsigned long)", "operator new[](unsigned long)"},
      {"std::basic_ostream<char, std::char_traits<char> >& std::operator<< <std::char_traits<char> "
       ">(std::basic_ostream<char, std::char_traits<char> >&, char const*)",
       "std::operator<< <std::char_traits<char>>(std::ostream&, char const*)"},
      {"operator()", "operator()"},
  });
}

PLAIN_TEST("the lambda that a template carries is found, and none that is the library's own") {
  CHECK(machine::lambda_in("gossamer::detail::invoke_in_place<gossamer::detail::closure<main::{lambda()#1}>>(void*)") ==
        "main::{lambda()#1}");
  CHECK(machine::lambda_in("std::_Function_handler<void (int), app::f::{lambda(int)#2}>::_M_invoke(int&&)") ==
        "app::f::{lambda(int)#2}");
  CHECK(machine::lambda_in("gossamer::detail::closure<gossamer::conc::{lambda()#1}, int>::operator()()") == "");
  CHECK(machine::lambda_in("gossamer::detail::closure<void (*)(int), int>::operator()()") == "");
  CHECK(machine::lambda_in("main") == "");
}

PLAIN_TEST("text that is no name comes back, whatever it is") {
  for (const std::string odd : {"",        "(",        ")",        "<",         ">",  "f(",  "f<",
                                "f>",      "a b c(",   "operator", "operator<", "::", "{(<", "void (*get(int))(char)",
                                "f(int",   "<<<<>>>>", "f()::",    "f(a)::(b)", "[",  " ",   "-> >",
                                "f<, >()", "f< >("}) {
    CHECK(short_name(odd).size() <= odd.size());
    CHECK(fitted(short_name(odd), 3).size() <= 3);
    CHECK(machine::lambda_in(odd) == "");
  }
  const std::string deep = std::string(5000, '<') + std::string(5000, '>');
  CHECK(short_name(deep).size() <= deep.size());
}

PLAIN_TEST("a name that is too long loses its innermost arguments, and then its middle") {
  const std::string name = "app::serve<std::map<int, std::vector<std::string>>>(std::map<int, std::string>, int)";
  CHECK(fitted(name, 200) == name);
  CHECK(fitted(name, name.size()) == name);
  CHECK(fitted(name, 79) == "app::serve<std::map<int, std::vector<...>>>(std::map<int, std::string>, int)");
  CHECK(fitted(name, 60) == "app::serve<std::map<...>>(std::map<...>, int)");
  CHECK(fitted(name, 30) == "app::serve<...>(...)");
  CHECK(fitted("(anonymous namespace)::work(int, int, int)", 35) == "(anonymous namespace)::work(...)");
  CHECK(fitted("app::x::operator()(std::string, int)", 30) == "app::x::operator()(...)");
  const std::string long_one(300, 'x');
  CHECK(fitted(long_one + "y", 200).size() == 200);
  CHECK(fitted(long_one + "y", 200).back() == 'y');
  CHECK(fitted(long_one, 200).find("...") == 98);
}
