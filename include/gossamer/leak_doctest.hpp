// leak_doctest: leak checks for tests that are written with doctest. Include doctest first where it is not found as
// <doctest/doctest.h>. For other frameworks: leak::snapshot and leak::verify_none().
//
//   TEST_CASE_FIXTURE(gossamer::leak::checked, "…") { … }      one test
//   GOSSAMER_LEAK_LISTENER();                                  all tests of the program; in one of its files
//
// Both check what the thread or fiber of the test has spawned. Where a test calls run() itself, its fibers are gone
// when run() returns: there `leak::checked` stands in the body of main.
//
// Where doctest itself runs in a fiber (doctest::Context::run() in the body of run()), define
// DOCTEST_CONFIG_NO_POSIX_SIGNALS beside DOCTEST_CONFIG_IMPLEMENT: its signal stack belongs to the thread that has
// begun, and would be freed by another while signals still come there.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#if !defined(DOCTEST_VERSION)
#include <doctest/doctest.h>
#endif

#include "leak.hpp"

namespace gossamer::inline v0::leak {

// doctest's macros count by __COUNTER__, of which clang 22 warns where -pedantic is set.
#if defined(__clang__)
#pragma clang diagnostic push
#if __has_warning("-Wc2y-extensions")
#pragma clang diagnostic ignored "-Wc2y-extensions"
#endif
#endif

// A scope that fails the test if what was spawned in it is alive at its end.
class checked {
 public:
  checked() = default;
  explicit checked(options how) : how_(std::move(how)) {}
  checked(const checked&) = delete;
  checked& operator=(const checked&) = delete;
  ~checked() {
    how_.since = &before_;
    if (const error err = verify_none(how_)) {
      FAIL_CHECK(err.text());
    }
  }

 private:
  options how_;
  snapshot before_;
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

// Does that for each test. A test that had passed until then is printed, and counts as failed at the end of the run.
class listener : public doctest::IReporter {
 public:
  explicit listener(const doctest::ContextOptions& o) : out_(o.cout) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    before_ = std::make_unique<snapshot>();
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    options how;
    how.since = before_.get();
    const error err = verify_none(how);
    before_.reset();
    if (err) {
      *out_ << "TEST CASE:  " << name_ << "\n\n" << err.text() << std::endl;
      failed_ += stats.testCaseSuccess ? 1 : 0;
    }
  }
  // doctest asks its own counts for the exit code, after this; there is no other way to them.
  void test_run_end(const doctest::TestRunStats& stats) override {
    const_cast<doctest::TestRunStats&>(stats).numTestCasesFailed += failed_;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::ostream* out_;
  std::string name_;
  std::unique_ptr<snapshot> before_;
  unsigned failed_ = 0;
};

}  // namespace gossamer::inline v0::leak

#define GOSSAMER_LEAK_LISTENER() REGISTER_LISTENER("gossamer.leak", 0, gossamer::leak::listener)
