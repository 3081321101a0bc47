#include "../situations.hpp"
namespace cockroach_13197 {
struct tx {
  context::context ctx;
  context::cancel_func cancel;
};
SITUATION(cockroach_13197, 1) {
  auto [ctx, cancel] = context::with_cancel(context::background());
  auto t = std::make_shared<tx>(ctx, cancel);
  go([t] { t->ctx.done().recv(); });
}
}  // namespace cockroach_13197
