// function_name: see function_name.hpp.
#include "machine/function_name.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gossamer::inline v0::machine {

namespace {

using std::string_view;

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Where the symbol of the operator ends whose name begins at `at`; `at`, if there is none.
std::size_t operator_end(string_view s, std::size_t at) noexcept {
  constexpr string_view word = "operator";
  // The longer ones before those that they begin with.
  static constexpr std::array<string_view, 45> symbols{
      "()", "[]", " new[]", " delete[]", " new", " delete", " co_await", "<=>", "<<=", ">>=", "->*", "<<",
      ">>", "<=", ">=",     "==",        "!=",   "&&",      "||",        "++",  "--",  "+=",  "-=",  "*=",
      "/=", "%=", "^=",     "&=",        "|=",   "->",      "<",         ">",   "+",   "-",   "*",   "/",
      "%",  "^",  "&",      "|",         "~",    "!",       "=",         ",",   "\"\""};
  if (s.substr(at, word.size()) != word || (at > 0 && is_word(s[at - 1]))) {
    return at;
  }
  const string_view rest = s.substr(at + word.size());
  for (const string_view symbol : symbols) {
    if (rest.substr(0, symbol.size()) == symbol) {
      return at + word.size() + symbol.size();
    }
  }
  return rest.substr(0, 1) == " " ? at + word.size() : at;
}

// Behind the bracket that closes the one at `at`; the end, where none does.
std::size_t group_end(string_view s, std::size_t at) noexcept {
  constexpr string_view opening = "<({[";
  constexpr string_view closing = ">)}]";
  constexpr std::size_t deepest = 256;
  std::array<char, deepest> open;
  std::size_t depth = 0;
  for (std::size_t i = at; i < s.size();) {
    if (const std::size_t after = operator_end(s, i); after > i) {
      i = after;
      continue;
    }
    const char c = s[i++];
    if (opening.find(c) != opening.npos) {
      if (depth == deepest) {
        return s.size();
      }
      open[depth++] = closing[opening.find(c)];
    } else if (closing.find(c) != closing.npos) {
      if (c == '>' && ((i >= 2 && s[i - 2] == '-') || open[depth - 1] != '>')) {
        continue;  // an arrow, or "greater than"
      }
      while (depth > 0 && open[depth - 1] != c) {
        --depth;  // "less than"
      }
      depth -= depth > 0 ? 1 : 0;
      if (depth == 0) {
        return i;
      }
    }
  }
  return s.size();
}

// Behind the qualifiers of a member function.
std::size_t qualifiers_end(string_view s, std::size_t at) noexcept {
  static constexpr std::array<string_view, 7> all{" const", " volatile", " mutable",   " &&",
                                                  " &",     " noexcept", "[abi:cxx11]"};
  for (bool more = true; more;) {
    more = false;
    for (const string_view q : all) {
      if (s.substr(at, q.size()) == q) {
        at += q.size();
        more = true;
      }
    }
  }
  return at;
}

bool ends_in(string_view s, string_view end) noexcept {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

// A parenthesis at `at` that belongs to the path or to what is returned. Behind it; `at`, if it begins the arguments.
std::size_t passed_parenthesis(string_view s, std::size_t at) noexcept {
  const string_view before = s.substr(0, at);
  const std::size_t after = group_end(s, at);
  if (s.substr(at, 10) == "(anonymous" || ends_in(before, "decltype") || ends_in(before, "decltype ") ||
      ends_in(before, "noexcept")) {
    return after;
  }
  const std::size_t behind = qualifiers_end(s, after);
  return s.substr(behind, 2) == "::" ? behind : at;
}

string_view without_clones(string_view s) noexcept {
  s = s.substr(0, s.find(" [clone"));
  // A name that was not mangled: `main.cold`.
  if (!s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return is_word(c) || c == '.'; })) {
    static constexpr std::array<string_view, 6> endings{".cold", ".part.", ".constprop.",
                                                        ".isra", ".llvm.", ".lto_priv"};
    for (const string_view e : endings) {
      s = s.find(e) != 0 ? s.substr(0, s.find(e)) : s;
    }
  }
  return s;
}

// ---- types ----------------------------------------------------------------------------------------------------------

bool is_one_of(string_view s, std::initializer_list<string_view> all) noexcept {
  return std::find(all.begin(), all.end(), s) != all.end();
}

// Whether the last of the arguments is what the template has by itself.
bool is_default(string_view of, const std::vector<std::string>& arguments) {
  const string_view last = arguments.back();
  const std::size_t bracket = last.find('<');
  const string_view head = last.substr(0, bracket);
  const string_view inner =
      bracket != last.npos && last.back() == '>' ? last.substr(bracket + 1, last.size() - bracket - 2) : string_view();
  if (arguments.size() < 2 || of.substr(0, 5) != "std::") {
    return false;
  }
  const string_view name = of.substr(5);
  if (head == "std::allocator") {
    return is_one_of(name,
                     {"vector", "deque", "list", "forward_list", "map", "multimap", "set", "multiset", "unordered_map",
                      "unordered_multimap", "unordered_set", "unordered_multiset", "basic_string", "basic_stringstream",
                      "basic_ostringstream", "basic_istringstream", "basic_stringbuf", "match_results"});
  }
  const bool of_first = inner == arguments.front();
  if (head == "std::less") {
    return of_first && is_one_of(name, {"map", "multimap", "set", "multiset", "priority_queue"});
  }
  if (head == "std::equal_to" || head == "std::hash") {
    return of_first && name.substr(0, 10) == "unordered_";
  }
  if (head == "std::char_traits") {
    return of_first && name.substr(0, 6) == "basic_";
  }
  return (head == "std::default_delete" && of_first && name == "unique_ptr") ||
         (head == "std::deque" && of_first && is_one_of(name, {"stack", "queue"})) ||
         (head == "std::vector" && of_first && name == "priority_queue");
}

// `std::string` for `std::basic_string` and `char`; empty: it has no name of its own.
std::string alias_of(string_view of, const std::vector<std::string>& arguments) {
  constexpr string_view basic = "std::basic_";
  if (of.substr(0, basic.size()) == basic && arguments.size() == 1) {
    static constexpr std::array<std::pair<string_view, string_view>, 5> prefixes{
        {{"char", ""}, {"wchar_t", "w"}, {"char8_t", "u8"}, {"char16_t", "u16"}, {"char32_t", "u32"}}};
    for (const auto& [type, prefix] : prefixes) {
      if (arguments.front() == type) {
        return "std::" + std::string(prefix) + std::string(of.substr(basic.size()));
      }
    }
  }
  if (of == "std::chrono::duration" && !arguments.empty() && arguments[0] == "long") {
    static constexpr std::array<std::pair<string_view, string_view>, 5> units{
        {{"std::ratio<1l, 1000000000l>", "nanoseconds"},
         {"std::ratio<1l, 1000000l>", "microseconds"},
         {"std::ratio<1l, 1000l>", "milliseconds"},
         {"std::ratio<60l, 1l>", "minutes"},
         {"std::ratio<3600l, 1l>", "hours"}}};
    if (arguments.size() == 1 || arguments[1] == "std::ratio<1l, 1l>" || arguments[1] == "std::ratio<1l>") {
      return "std::chrono::seconds";
    }
    for (const auto& [ratio, name] : units) {
      if (arguments[1] == ratio) {
        return "std::chrono::" + std::string(name);
      }
    }
  }
  if (of == "std::chrono::time_point" && arguments.size() == 2 && arguments[1] == "std::chrono::nanoseconds" &&
      is_one_of(arguments[0], {"std::chrono::steady_clock", "std::chrono::system_clock"})) {
    return arguments[0] + "::time_point";
  }
  return "";
}

// Names of so many templates inside each other are shortened; what is deeper stays as it is, since a dump may be asked
// for on a fiber's stack.
constexpr int deepest_written = 32;

std::string written(string_view s, int depth);

std::vector<std::string> written_list(string_view s, int depth) {
  std::vector<std::string> all;
  const auto add = [&](string_view one) {
    while (!one.empty() && one.front() == ' ') {
      one.remove_prefix(1);
    }
    while (!one.empty() && one.back() == ' ') {
      one.remove_suffix(1);
    }
    all.push_back(written(one, depth));
  };
  std::size_t first = 0;
  for (std::size_t i = 0; i < s.size();) {
    if (const std::size_t after = operator_end(s, i); after > i) {
      i = after;
    } else if (string_view("<({[").find(s[i]) != string_view::npos) {
      i = group_end(s, i);
    } else if (s[i++] == ',') {
      add(s.substr(first, i - 1 - first));
      first = i;
    }
  }
  if (first < s.size()) {
    add(s.substr(first));
  }
  return all;
}

void append_without_inline_namespaces(std::string& to, string_view name) {
  static constexpr std::array<std::pair<string_view, std::size_t>, 7> all{{{"gossamer::v0::", 10},
                                                                           {"std::__cxx11::", 5},
                                                                           {"std::__1::", 5},
                                                                           {"std::__ndk1::", 5},
                                                                           {"std::_V2::", 5},
                                                                           {"std::chrono::_V2::", 13},
                                                                           {"std::filesystem::__cxx11::", 17}}};
  for (const auto& [whole, kept] : all) {
    if (name.substr(0, whole.size()) == whole) {
      to += name.substr(0, kept);
      name.remove_prefix(whole.size());
      break;
    }
  }
  to += name;
}

// Appends the list that the bracket at `at` opens, and the name of a template before it, which begins at `from` in
// `to`. Returns where it ends.
std::size_t append_list(std::string& to, std::size_t from, string_view s, std::size_t at, int depth) {
  const std::size_t end = group_end(s, at);
  if (s[end - 1] != '>' || end - at < 2 || depth == deepest_written) {
    to += s.substr(at, end - at);
    return end;
  }
  std::vector<std::string> arguments = written_list(s.substr(at + 1, end - at - 2), depth + 1);
  const std::string name = to.substr(from);
  while (!arguments.empty() && is_default(name, arguments)) {
    arguments.pop_back();
  }
  if (const std::string alias = alias_of(name, arguments); !alias.empty()) {
    to.replace(from, to.npos, alias);
    return end;
  }
  to += "<";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    to += (i > 0 ? ", " : "") + arguments[i];
  }
  to += ">";
  return end;
}

std::string written(string_view s, int depth) {
  std::string to;
  for (std::size_t i = 0; i < s.size();) {
    if (const std::size_t after = operator_end(s, i); after > i) {
      to += s.substr(i, after - i);
      i = after;
    } else if (s.substr(i, 11) == "[abi:cxx11]") {
      i += 11;
    } else if (is_word(s[i])) {
      std::size_t end = i;
      while (end < s.size() && (is_word(s[end]) || (s[end] == ':' && operator_end(s, end) == end))) {
        ++end;
        if (s[end - 1] == ':' && operator_end(s, end) > end) {
          break;
        }
      }
      const std::size_t from = to.size();
      append_without_inline_namespaces(to, s.substr(i, end - i));
      i = end < s.size() && s[end] == '<' ? append_list(to, from, s, end, depth) : end;
    } else if (s[i] == '<') {
      i = append_list(to, to.size(), s, i, depth);
    } else {
      to += s[i++];
    }
  }
  return to;
}

// `main::{lambda()#1}::operator()() const::{lambda(int)#1}::operator()(int)` is
// `main::{lambda()#1}::{lambda(int)#1}(int)`; `f(int)::{lambda()#1}` is `f::{lambda()#1}`.
std::string without_inner_calls(std::string s) {
  constexpr string_view call = "::operator()";
  for (std::size_t at = s.find(call); at != s.npos; at = s.find(call, at + 1)) {
    const std::size_t component = s.rfind(':', at - 1);
    const bool of_lambda =
        at > 0 && (s[at - 1] == '}' || (component != s.npos && (s.compare(component + 1, 2, "$_") == 0 ||
                                                                s.compare(component + 1, 7, "<lambda") == 0)));
    std::size_t end = at + call.size();
    if (of_lambda && end < s.size() && s[end] == '<') {
      end = group_end(s, end);
    }
    if (of_lambda) {
      s.erase(at, end - at);
    }
  }
  for (std::size_t at = s.find('(', 1); at != s.npos; at = s.find('(', at + 1)) {
    const char before = s[at - 1];
    const std::size_t behind = qualifiers_end(s, group_end(s, at));
    if ((is_word(before) || before == '>' || before == '}') && s.compare(behind, 2, "::") == 0) {
      s.erase(at, behind - at);
      --at;
    }
  }
  return s;
}

}  // namespace

function_parts parts_of(string_view demangled) noexcept {
  const string_view s = without_clones(demangled);
  std::size_t begin = 0;
  const auto path = [&](std::size_t end) {
    string_view p = s.substr(begin, end - begin);
    while (!p.empty() && (p.front() == '*' || p.front() == '&')) {
      p.remove_prefix(1);
    }
    return p;
  };
  for (std::size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (const std::size_t after = operator_end(s, i); after > i) {
      i = after;
      if (i < s.size() && s[i] == ' ') {  // a conversion: its type; or what stands between `operator<<` and its list
        while (i < s.size() && s[i] != '(') {
          i = s[i] == '<' ? group_end(s, i) : i + 1;
        }
      }
    } else if (c == '<' || c == '{' || c == '[') {
      i = group_end(s, i);
    } else if (c == '(') {
      const std::size_t behind = passed_parenthesis(s, i);
      if (behind == i) {
        const string_view p = path(i);
        return p.empty() ? function_parts{s, ""} : function_parts{p, s.substr(i, group_end(s, i) - i)};
      }
      i = behind;
    } else if (c == ' ' && qualifiers_end(s, i) == s.size()) {
      return {path(i), ""};
    } else {
      ++i;
      begin = c == ' ' && s.substr(i, 1) != "[" ? i : begin;
    }
  }
  return {path(s.size()), ""};
}

std::string short_name(string_view demangled) {
  const function_parts parts = parts_of(demangled);
  return without_inner_calls(written(parts.path, 0) + written(parts.arguments, 0));
}

std::string lambda_in(string_view shortened) {
  const string_view path = parts_of(shortened).path;
  const std::size_t list = path.find('<');
  if (list == path.npos) {
    return "";
  }
  const std::size_t end = group_end(path, list);
  for (std::string& one : written_list(path.substr(list + 1, end - list < 2 ? 0 : end - list - 2), 0)) {
    if (one.empty()) {
      continue;
    }
    const std::size_t last = one.rfind("::");
    const bool is_lambda = one.back() == '}' || (last != one.npos && one.compare(last, 4, "::$_") == 0);
    if (is_lambda && one.find("gossamer::") != 0) {
      return std::move(one);
    }
    if (std::string inner = lambda_in(one); !inner.empty()) {
      return inner;
    }
  }
  return "";
}

std::string fitted(std::string name, std::size_t columns) {
  if (name.size() <= columns) {
    return name;
  }
  constexpr string_view dots = "...";
  std::size_t deepest = 0;
  const auto collapsed = [&](std::size_t level) {
    std::string text;
    std::size_t depth = 0;
    std::vector<bool> counted;
    deepest = 0;
    for (std::size_t i = 0; i < name.size();) {
      const bool is_operator = operator_end(name, i) > i;
      const std::size_t word = name.compare(i, 10, "(anonymous") == 0 ? group_end(name, i) : operator_end(name, i);
      if (is_operator || word > i) {
        text += depth < level ? name.substr(i, word - i) : "";
        i = word;
        continue;
      }
      const char c = name[i++];
      if (c == '>' || c == ')') {
        depth -= depth > 0 ? 1 : 0;
      }
      if (depth < level) {
        text += c;
      }
      if (c == '<' || c == '(') {
        ++depth;
        deepest = std::max(deepest, depth);
        const bool is_empty = i < name.size() && (name[i] == '>' || name[i] == ')');
        text += depth == level && !is_empty ? dots : "";
      }
    }
    return text;
  };
  collapsed(name.size());
  for (std::size_t level = deepest; level > 0; --level) {
    std::string text = collapsed(level);
    if (text.size() <= columns) {
      return text;
    }
    if (level == 1) {
      name = std::move(text);
    }
  }
  if (columns <= dots.size()) {
    return name.substr(0, columns);
  }
  const std::size_t head = (columns - dots.size()) / 2;
  return name.substr(0, head) + std::string(dots) + name.substr(name.size() - (columns - dots.size() - head));
}

}  // namespace gossamer::inline v0::machine
