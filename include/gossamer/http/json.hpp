// http/json: JSON in requests and answers, by Boost.JSON.
// Source: Go's json.NewEncoder(w).Encode(v), json.NewDecoder(r.Body).Decode(&v). Differs: objects keep the order of
// their members.
//
// Not in http.hpp. A program links Boost.JSON as it likes: the library boost_json, or <boost/json/src.hpp> included in
// one of its files.
//
//   http::handle_func("POST /sum", [](http::response_writer& w, http::request& r) {
//     const auto [terms, err] = http::read_json_as<std::vector<int>>(r);
//     if (err) return http::error(w, err.text(), http::status_bad_request);
//     http::json(w, {{"sum", std::accumulate(terms.begin(), terms.end(), 0)}});
//   });
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/system/error_code.hpp>

#include "../detail/config.hpp"
#include "../error.hpp"
#include "../errors.hpp"
#include "json_text.hpp"
#include "request.hpp"
#include "response_writer.hpp"

namespace gossamer::inline v0::http {

namespace json_detail {

inline gossamer::error append(std::string& to, const boost::json::value& v);

inline gossamer::error append(std::string& to, const boost::json::array& all) {
  char before = '[';
  for (const boost::json::value& v : all) {
    to += before;
    before = ',';
    if (gossamer::error err = json_detail::append(to, v)) {
      return err;
    }
  }
  to += all.empty() ? "[]" : "]";
  return nullptr;
}

inline gossamer::error append(std::string& to, const boost::json::object& all) {
  char before = '{';
  for (const boost::json::key_value_pair& member : all) {
    to += before;
    before = ',';
    append_text(to, {member.key().data(), member.key().size()});
    to += ':';
    if (gossamer::error err = json_detail::append(to, member.value())) {
      return err;
    }
  }
  to += all.empty() ? "{}" : "}";
  return nullptr;
}

inline gossamer::error append(std::string& to, const boost::json::value& v) {
  switch (v.kind()) {
    case boost::json::kind::null:
      to += "null";
      break;
    case boost::json::kind::bool_:
      to += v.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64:
      append_number(to, std::int64_t{v.get_int64()});
      break;
    case boost::json::kind::uint64:
      append_number(to, std::uint64_t{v.get_uint64()});
      break;
    case boost::json::kind::double_:
      return append_number(to, v.get_double()) ? gossamer::error() : unsupported_number(v.get_double());
    case boost::json::kind::string:
      append_text(to, {v.get_string().data(), v.get_string().size()});
      break;
    case boost::json::kind::array:
      return json_detail::append(to, v.get_array());
    case boost::json::kind::object:
      return json_detail::append(to, v.get_object());
  }
  return nullptr;
}

template <class T>
concept is_json = std::is_same_v<T, boost::json::value> || std::is_same_v<T, boost::json::object> ||
                  std::is_same_v<T, boost::json::array>;

}  // namespace json_detail

// What boost::json::value_from() takes, a class of one's own with a tag_invoke() for one.
template <class T>
concept json_convertible = json_detail::is_json<T> || boost::json::has_value_from<T>::value;

// The JSON of v, in one line, without its end. Error: `json: unsupported value: NaN` and +Inf, -Inf. Nested arrays and
// objects take the caller's stack, some 200 bytes each.
template <json_convertible T>
[[nodiscard]] std::pair<std::string, gossamer::error> json_text(const T& v) {
  std::string text;
  gossamer::error err;
  if constexpr (json_detail::is_json<T>) {
    err = json_detail::append(text, v);
  } else {
    err = json_detail::append(text, boost::json::value_from(v));
  }
  return {err ? std::string() : std::move(text), std::move(err)};
}

// Answers with it and a newline, as `application/json` unless the header says something else. Error, and nothing is
// written: json_text()'s; or the write's.
template <json_convertible T>
gossamer::error json(response_writer& w, const T& v, int status = status_ok) {
  auto [text, err] = json_text(v);
  if (err) {
    return err;
  }
  text += '\n';
  return json_detail::answer(w, status, text);
}
// The same of a list: http::json(w, {{"id", 7}, {"name", "x"}}). A list of pairs that begin with a text is an object.
inline gossamer::error json(response_writer& w, std::initializer_list<boost::json::value_ref> list,
                            int status = status_ok) {
  return json(w, boost::json::value(list), status);
}

// Reads the body, all of it, which has to be one value. Errors: io::eof for an empty body; `http: request body too
// large`, a max_bytes_error, beyond `limit` bytes; `json: syntax error` and others of Boost.JSON's codes, which
// errors::to_code() finds (nested more than 32 deep: `json: too deep`); or the read's.
[[nodiscard]] inline std::pair<boost::json::value, gossamer::error> read_json(request& r,
                                                                              std::int64_t limit = std::int64_t{1}
                                                                                                   << 20U) {
  auto [text, err] = json_detail::read_body(r, limit);
  if (err) {
    return {nullptr, err};
  }
  boost::system::error_code code;
  boost::json::value v = boost::json::parse(boost::json::string_view(text.data(), text.size()), code);
  if (code) {
    return {nullptr, errors::wrap(gossamer::error(code), "json")};
  }
  return {std::move(v), nullptr};
}

// The same as a T, by boost::json::value_to(). Errors, beside those: what does not fit, as Boost.JSON's codes; what its
// tag_invoke() throws is thrown.
template <class T>
[[nodiscard]] std::pair<T, gossamer::error> read_json_as(request& r, std::int64_t limit = std::int64_t{1} << 20U) {
  const auto [v, err] = read_json(r, limit);
  if (err) {
    return {T(), err};
  }
  auto result = boost::json::try_value_to<T>(v);
  if (!result) {
    return {T(), errors::wrap(gossamer::error(result.error()), "json")};
  }
  return {std::move(*result), nullptr};
}

}  // namespace gossamer::inline v0::http
