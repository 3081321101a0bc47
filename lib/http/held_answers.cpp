#include "http/held_answers.hpp"

#include <mutex>
#include <string_view>

#include "gossamer/detail/thrown.hpp"
#include "gossamer/errors.hpp"

namespace gossamer::inline v0::http {

namespace {
constinit const errors::sentinel no_memory{"cannot allocate memory"};
}  // namespace

bool held_answers::hold(std::string& answer) {
  const std::lock_guard hold(lock_);
  if (text_.size() + answer.size() > most) {
    return false;
  }
  if (!has_fiber_) {
    fiber_.go([this] {
      const std::lock_guard held(lock_);
      has_fiber_ = false;
      detail::thrown thrown;
      thrown.keep_from([this] { send_locked(); });
      if (thrown) {
        failed_ = no_memory;
      }
    });
    has_fiber_ = true;
  }
  may_hold_ = true;
  if (text_.empty()) {
    text_.swap(answer);
  } else {
    text_ += answer;
  }
  answer.clear();
  return true;
}

void held_answers::send_locked() {
  if (!text_.empty() && !failed_) {
    failed_ = to_.write(std::string_view(text_)).second;
  }
  text_.clear();
}

gossamer::error held_answers::send() {
  if (!may_hold_) {
    return nullptr;
  }
  const std::lock_guard hold(lock_);
  send_locked();
  may_hold_ = static_cast<bool>(failed_);
  return failed_;
}

void held_answers::end() {
  static_cast<void>(send());
  fiber_.wait();
}

}  // namespace gossamer::inline v0::http
