#include "fiber_test.hpp"
