// pool_context: a pool whose workers take jobs from one channel and send results to another, until there are no more
// jobs or the context is cancelled.
// Pattern: the worker pool of Go by Example, with a context.
//
//   $ tools/dev run pool_context
//   job 1: 1
//   job 2: 8
//   job 3: 27
//   job 4: 64
//   job 5: 125
#include <gossamer/gossamer.hpp>

#include <cstdio>
#include <map>
#include <memory>

using namespace gossamer;

struct result {
  int job = 0;
  int cube = 0;
};

void work(const context::context& ctx, recv_chan<int> jobs, send_chan<result> results) {
  for (;;) {
    int job;
    if (jobs.recv_until(ctx, job) != channel_status::done) return;
    if (results.send_until(ctx, {job, job * job * job}) != channel_status::done) return;
  }
}

recv_chan<result> start_pool(context::context ctx, int workers, recv_chan<int> jobs) {
  auto results = make_chan<result>();
  auto wg = std::make_shared<sync::wait_group>();
  for (int i = 0; i < workers; ++i) wg->go([=] { work(ctx, jobs, results); });
  go([=] {
    wg->wait();
    close(results);
  });
  return results;
}

int main() {
  return run([] {
    auto [ctx, cancel] = context::with_timeout(context::background(), 1min);
    defer d1{cancel};

    auto jobs = make_chan<int>(5);
    for (int i = 1; i <= 5; ++i) jobs << i;
    close(jobs);

    std::map<int, int> cubes;  // by job: they come in any order
    for (auto r : start_pool(ctx, 3, jobs)) cubes[r.job] = r.cube;
    for (auto [job, cube] : cubes) std::printf("job %d: %d\n", job, cube);
  });
}
